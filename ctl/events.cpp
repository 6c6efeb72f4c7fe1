#include "common/http/url.hpp"
#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <ostream>
#include <utility>

namespace muster::ctl {

namespace {

namespace json = boost::json;

std::string target_of(const EventsOptions& options) {
    std::string target = options.audit ? "/api/v1/audit" : "/api/v1/events";
    char separator = '?';
    const auto add = [&](std::string_view key, const std::string& value) {
        if (value.empty()) return;
        target += separator + std::string(key) + "=" + http::percent_encode(value);
        separator = '&';
    };
    add("group", options.group);
    add("kind", options.kind);
    if (options.limit > 0) add("limit", std::to_string(options.limit));
    if (options.watch) add("watch", "1");
    return target;
}

/// One event, one line; as data one JSON document a line, whatever the format.
void print(Context& context, const json::value& event) {
    if (context.format == Format::json || context.format == Format::yaml) {
        context.out << json::serialize(event) << std::endl;
        return;
    }
    context.out << toned(text_at(event, "time"), Tone::dim, context.colours) << ' '
                << printable(text_at(event, "kind")) << ' ' << printable(text_at(event, "text"))
                << std::endl;
}

void print_change(Context& context, const json::value& change) {
    const std::string object = text_at(change, "object");
    const std::string generation = text_at(change, "generation");
    const std::string detail = text_at(change, "detail");
    context.out << toned(text_at(change, "time"), Tone::dim, context.colours) << ' '
                << printable(text_at(change, "author")) << " ("
                << printable(text_at(change, "origin")) << ") "
                << printable(text_at(change, "action"))
                << (object.empty() ? std::string(" the cluster") : ' ' + printable(object))
                << (generation == "0" ? std::string() : ", generation " + printable(generation))
                << (detail.empty() ? std::string() : ": " + printable(detail)) << '\n';
}

asio::awaitable<Exit> follow_events(Context& context, ApiCall call) {
    constexpr auto pause = std::chrono::seconds(1);
    for (;;) {
        const auto show = [&context](std::string_view, std::string_view data) {
            boost::system::error_code error;
            const json::value event = json::parse(data, error);
            if (!error) print(context, event);
        };
        const auto ended = co_await context.api.follow(call, show);
        context.err << "the stream ended"
                    << (ended ? std::string() : ": " + printable(ended.error().message()))
                    << "; asking again\n";
        co_await context.clock.sleep_for(pause);
    }
}

}  // namespace

asio::awaitable<Exit> events(Context& context, EventsOptions options) {
    ApiCall call{.target = target_of(options)};
    if (options.watch) co_return co_await follow_events(context, std::move(call));
    const Answer answer = co_await ask(context, std::move(call));
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    for (const json::value& event : list_at(answer.body, "events")) print(context, event);
    for (const json::value& change : list_at(answer.body, "audit")) print_change(context, change);
    co_return Exit::ok;
}

}  // namespace muster::ctl
