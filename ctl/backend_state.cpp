#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <ostream>
#include <utility>

namespace muster::ctl {

asio::awaitable<Exit> set_backend_state(Context& context, std::string backend, std::string state) {
    const FoundBackend found = co_await find_backend(context, std::move(backend));
    if (found.exit != Exit::ok) co_return found.exit;
    boost::json::object change;
    change["state"] = state;
    ApiCall call{.method = "PATCH",
                 .target = found.name.patch_target(),
                 .body = boost::json::serialize(change)};
    call.fields.push_back({.name = "content-type", .value = "application/json"});
    const Answer answer = co_await ask(context, std::move(call));
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    context.out << printable(found.name.group + "/" + found.name.id) << ": " << state << ", "
                << printable(text_at(answer.body, "result")) << " (generation "
                << text_at(answer.body, "generation") << ")\n";
    co_return Exit::ok;
}

}  // namespace muster::ctl
