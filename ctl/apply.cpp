#include "common/http/url.hpp"
#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

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
    if (change.ends_with(" added")) return Tone::good;
    if (change.ends_with(" removed")) return Tone::bad;
    return Tone::warning;
}

/// A group or a fleet of the answer.
struct Applied {
    std::string name;  ///< "group web"
    const json::value& object;
};

std::vector<Applied> all_of(const json::value& answer) {
    std::vector<Applied> all;
    for (const auto& [list, kind] :
         {std::pair("groups", "group "), std::pair("fleets", "fleet ")}) {
        for (const json::value& object : list_at(answer, list))
            all.push_back({.name = kind + printable(text_at(object, "name")), .object = object});
    }
    return all;
}

void print_warnings(Context& context, const Applied& applied) {
    for (const json::value& warning : list_at(applied.object, "warnings")) {
        context.err << toned("warning:", Tone::warning, context.colours) << ' ' << applied.name
                    << ": " << printable(text_at(warning, "")) << '\n';
    }
}

void print_changes(Context& context, const json::value& object) {
    for (const json::value& change : list_at(object, "changes")) {
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
    for (const Applied& applied : all_of(answer.body)) {
        context.out << applied.name << ' ' << printable(text_at(applied.object, "result"))
                    << " (generation " << text_at(applied.object, "generation") << ')'
                    << (dry_run ? ", dry run: nothing was written" : "") << '\n';
        if (dry_run) print_changes(context, applied.object);
        print_warnings(context, applied);
    }
    co_return Exit::ok;
}

asio::awaitable<Exit> diff(Context& context, std::string text) {
    const Answer answer =
        co_await ask(context, apply_call({.text = std::move(text), .dry_run = true}));
    if (!answer.ok()) co_return answer.exit == Exit::failed ? Exit::usage : answer.exit;
    const std::vector<Applied> all = all_of(answer.body);
    const bool differs = std::ranges::any_of(all, [](const Applied& applied) {
        return text_at(applied.object, "result") != "unchanged";
    });
    const Exit exit = differs ? Exit::failed : Exit::ok;
    if (print_as_data(context, answer.body)) co_return exit;
    for (const Applied& applied : all) {
        const std::string result = text_at(applied.object, "result");
        if (result == "unchanged") continue;
        context.out << applied.name << ": " << (result == "created" ? "new" : "changes") << '\n';
        print_changes(context, applied.object);
    }
    co_return exit;
}

}  // namespace muster::ctl
