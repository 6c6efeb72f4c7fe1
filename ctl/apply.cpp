#include "common/http/url.hpp"
#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <ostream>
#include <utility>

namespace muster::ctl {

namespace {

namespace json = boost::json;

ApiCall apply_call(ApplyOptions options) {
    std::string target = "/api/v1/apply";
    char separator = '?';
    if (options.dry_run) {
        target += "?dry_run=1";
        separator = '&';
    }
    if (!options.expect.empty()) {
        target += separator + std::string("expect=") + http::percent_encode(options.expect);
    }
    ApiCall call{.method = "POST", .target = std::move(target), .body = std::move(options.text)};
    call.fields.push_back({.name = "content-type", .value = "application/yaml"});
    return call;
}

Tone tone_of_change(std::string_view change) {
    if (change.ends_with(": added")) return Tone::good;
    if (change.ends_with(": removed")) return Tone::bad;
    return Tone::warning;
}

void print_changes(Context& context, const json::value& group) {
    for (const json::value& change : list_at(group, "changes")) {
        const std::string text = text_at(change, "");
        context.out << "  " << toned(text, tone_of_change(text), context.colours) << '\n';
    }
}

}  // namespace

asio::awaitable<Exit> apply(Context& context, ApplyOptions options) {
    const bool dry_run = options.dry_run;
    const Answer answer = co_await ask(context, apply_call(std::move(options)));
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    for (const json::value& group : list_at(answer.body, "groups")) {
        context.out << "group " << printable(text_at(group, "name")) << ' '
                    << printable(text_at(group, "result")) << " (generation "
                    << text_at(group, "generation") << ')'
                    << (dry_run ? ", dry run: nothing was written" : "") << '\n';
        if (dry_run) print_changes(context, group);
    }
    co_return Exit::ok;
}

asio::awaitable<Exit> diff(Context& context, std::string text) {
    const Answer answer =
        co_await ask(context, apply_call({.text = std::move(text), .dry_run = true}));
    if (!answer.ok()) co_return answer.exit == Exit::failed ? Exit::usage : answer.exit;
    bool differs = false;
    for (const json::value& group : list_at(answer.body, "groups")) {
        if (text_at(group, "result") != "unchanged") differs = true;
    }
    const Exit exit = differs ? Exit::failed : Exit::ok;
    if (print_as_data(context, answer.body)) co_return exit;
    for (const json::value& group : list_at(answer.body, "groups")) {
        const std::string result = text_at(group, "result");
        if (result == "unchanged") continue;
        context.out << "group " << printable(text_at(group, "name")) << ": "
                    << (result == "created" ? "new" : "changes") << '\n';
        print_changes(context, group);
    }
    co_return exit;
}

}  // namespace muster::ctl
