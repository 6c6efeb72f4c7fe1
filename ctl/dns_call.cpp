#include "ctl/dns_call.hpp"

#include "ctl/json_read.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

namespace muster::ctl {

asio::awaitable<Answer> ask_master(Context& context, ApiCall call) {
    auto reply = co_await context.api.call(call);
    if (reply && reply->status == 409) {
        boost::system::error_code error;
        const boost::json::value body = boost::json::parse(reply->body, error);
        const std::string master = error ? std::string{} : text_at(body, "api_address");
        if (!master.empty())
            reply = co_await context.api.call_at("http://" + master, std::move(call));
    }
    co_return take(context, reply);
}

ApiCall posting(std::string target, const boost::json::object& body) {
    return {.method = "POST",
            .target = std::move(target),
            .body = boost::json::serialize(body),
            .fields = {{.name = "content-type", .value = "application/json"}}};
}

}  // namespace muster::ctl
