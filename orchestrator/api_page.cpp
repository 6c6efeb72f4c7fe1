#include "orchestrator/api_page.hpp"

#include "common/config/unicode.hpp"
#include "orchestrator/api_explain.hpp"
#include "orchestrator/api_problem.hpp"
#include "orchestrator/api_text.hpp"
#include "orchestrator/dashboard/assets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>

namespace muster::orchestrator {
namespace {

constexpr std::string_view summary_mark = "<!--summary-->";

std::string group_line(const GroupRow& group) {
    const auto count = [&](BackendState state) {
        return std::ranges::count(group.backends, state, state_of);
    };
    return fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escape_html(config::as_utf8(group.name().str())),
        group.backends.size(),
        count(BackendState::up),
        count(BackendState::down),
        group.panic ? "PANIC" : "",
        escape_html(config::as_utf8(check_summary(group.spec->check))));
}

std::string summary(const View& view) {
    const auto& cluster = view.snapshot.cluster;
    const auto age = age_of(view);
    std::string html = fmt::format(
        "<p>Cluster {}, master {}, {} nodes; data {}.</p>\n",
        escape_html(config::as_utf8(cluster.name)),
        cluster.master ? escape_html(config::as_utf8(cluster.master->node.str())) : "unknown",
        view.snapshot.nodes.size(),
        age ? spoken(std::chrono::floor<std::chrono::milliseconds>(*age)) + " old"
            : "not yet there");
    html +=
        "<table><tr><th>group</th><th>backends</th><th>up</th><th>down</th><th></th>"
        "<th>check</th></tr>\n";
    for (const auto& group : view.snapshot.groups) html += group_line(*group);
    return html + "</table>\n";
}

std::string etag_of(std::string_view body) {
    return fmt::format("\"{:016x}\"", std::hash<std::string_view>{}(body));
}

}  // namespace

http::Response answer_page(const std::optional<View>& view) {
    std::string html(dashboard::page());
    const auto mark = html.find(summary_mark);
    if (view && mark != std::string::npos) {
        html.replace(mark, summary_mark.size(), summary(*view));
    }
    return {.fields = {{.name = "Content-Type", .value = "text/html; charset=utf-8"}},
            .body = std::move(html)};
}

http::Response answer_asset(std::string_view name, const http::Request& request) {
    const auto assets = dashboard::assets();
    const auto found = std::ranges::find(assets, name, &dashboard::Asset::name);
    if (found == assets.end()) return problem(404, "there is no such asset");
    const http::Field etag{.name = "ETag", .value = etag_of(found->body)};
    if (request.field("If-None-Match") == etag.value) return {.status = 304, .fields = {etag}};
    return {.fields = {{.name = "Content-Type", .value = std::string(found->type)},
                       {.name = "Cache-Control", .value = "no-cache"},
                       etag},
            .body = std::string(found->body)};
}

}  // namespace muster::orchestrator
