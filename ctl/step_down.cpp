#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <boost/json/parse.hpp>

#include <ostream>

namespace muster::ctl {

asio::awaitable<Exit> step_down(Context& context) {
    const ApiCall call{.method = "POST", .target = "/api/v1/step-down"};
    auto reply = co_await context.api.call(call);
    if (reply && reply->status == 409) {
        // Only the master can; whoever is not, says where it is.
        boost::system::error_code error;
        const boost::json::value body = boost::json::parse(reply->body, error);
        const std::string master = error ? std::string{} : text_at(body, "api_address");
        if (!master.empty()) reply = co_await context.api.call_at("http://" + master, call);
    }
    const Answer answer = take(context, reply);
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    context.out << printable(text_at(answer.body, "node")) << " has given up its office (epoch "
                << text_at(answer.body, "epoch") << ")\n";
    co_return Exit::ok;
}

}  // namespace muster::ctl
