#include "common/http/url.hpp"
#include "ctl/json_read.hpp"
#include "ctl/scale.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <ostream>

namespace muster::ctl {

std::string spelled_pause(const boost::json::value& pause) {
    const std::string kind = text_at(pause, "kind");
    if (kind.empty() || kind == "none") return "not paused";
    std::string text = "paused (" + printable(kind) + ")";
    const auto add = [&](const char* word, const std::string& value) {
        if (!value.empty()) text += word + printable(value);
    };
    add(" by ", text_at(pause, "by"));
    add(" until ", text_at(pause, "until"));
    add(": ", text_at(pause, "reason"));
    return text;
}

asio::awaitable<Exit> scale_pause(Context& context, ScalePauseOptions options) {
    const std::string of_fleet = "/api/v1/fleets/" + http::percent_encode(options.fleet);
    ApiCall call{.method = "POST", .target = of_fleet + (options.resume ? "/resume" : "/pause")};
    if (!options.resume) {
        boost::json::object body{{"kind", options.kind}};
        if (!options.lasts.empty()) body["for"] = options.lasts;
        if (!options.reason.empty()) body["reason"] = options.reason;
        call.body = boost::json::serialize(body);
        call.fields.push_back({.name = "content-type", .value = "application/json"});
    }
    const Answer answer = co_await ask(context, std::move(call));
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    context.out << printable(text_at(answer.body, "fleet")) << ": "
                << spelled_pause(at(answer.body, "pause")) << '\n';
    co_return Exit::ok;
}

}  // namespace muster::ctl
