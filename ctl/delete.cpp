#include "common/http/url.hpp"
#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <ostream>
#include <utility>

namespace muster::ctl {

asio::awaitable<Exit> remove(Context& context, DeleteOptions options) {
    const std::string kind = options.kind == Defined::group ? "group" : "fleet";
    ApiCall call{.method = "DELETE",
                 .target = "/api/v1/" + kind + "s/" + http::percent_encode(options.name)};
    if (options.dry_run) call.target += "?dry_run=1";
    if (options.abandon) call.target += options.dry_run ? "&abandon=1" : "?abandon=1";
    if (options.generation > 0) {
        call.fields.push_back(
            {.name = "if-match", .value = '"' + std::to_string(options.generation) + '"'});
    }
    const Answer answer = co_await ask(context, std::move(call));
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    context.out << kind << ' ' << printable(text_at(answer.body, "name")) << ' '
                << printable(text_at(answer.body, "result"))
                << (options.dry_run ? ", dry run: nothing was written" : "") << '\n';
    co_return Exit::ok;
}

}  // namespace muster::ctl
