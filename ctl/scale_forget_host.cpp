#include "common/http/url.hpp"
#include "ctl/json_read.hpp"
#include "ctl/scale.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <ostream>

namespace muster::ctl {

asio::awaitable<Exit> forget_host(Context& context, ForgetHostOptions options) {
    ApiCall call{.method = "POST",
                 .target = "/api/v1/fleets/" + http::percent_encode(options.fleet) + "/hosts/" +
                           http::percent_encode(options.host) + "/forget"};
    if (options.dry_run) call.target += "?dry_run=1";
    if (!options.reason.empty()) {
        call.body = boost::json::serialize(boost::json::object{{"reason", options.reason}});
        call.fields.push_back({.name = "content-type", .value = "application/json"});
    }
    const Answer answer = co_await ask(context, std::move(call));
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    context.out << (options.dry_run ? "would be given up: " : "given up: ")
                << printable(text_at(answer.body, "host")) << " of "
                << printable(text_at(answer.body, "fleet"));
    std::string_view between = ", with ";
    for (const boost::json::value& id : list_at(answer.body, "instances")) {
        context.out << between << printable(text_at(id, ""));
        between = " ";
    }
    context.out << '\n';
    co_return Exit::ok;
}

}  // namespace muster::ctl
