#include "ctl/version.hpp"

#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <ostream>

namespace muster::ctl {

asio::awaitable<Exit> version(Context& context) {
    const Answer answer = co_await ask(context, {.target = "/version"});
    boost::json::object data;
    data["musterctl"] = own_version;
    if (answer.ok()) data["node"] = answer.body;
    if (print_as_data(context, data)) co_return Exit::ok;
    context.out << "musterctl " << own_version << '\n';
    if (answer.ok()) {
        context.out << "musterd   " << printable(text_at(answer.body, "version")) << " ("
                    << printable(text_at(answer.body, "build")) << ", API "
                    << printable(text_at(answer.body, "api")) << ") at " << context.api.url()
                    << '\n';
    }
    co_return Exit::ok;
}

}  // namespace muster::ctl
