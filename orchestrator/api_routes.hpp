#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muster::orchestrator {

enum class Route {
    dashboard,
    asset,
    healthz,
    livez,
    readyz,
    metrics,
    state,
    version,
    cluster,
    nodes,
    groups,
    group,
    fleets,
    fleet,
    fleet_scaling,
    agents,
    scrape_targets,
    dns,
    shifts,
    dns_name,
    dns_fence,
    backends,
    backend,
    shards,
    events,
    audit,
    stream,
    session,
    apply,
    remove_group,
    remove_fleet,
    change_backend,
    shift_traffic,
    cancel_shift,
    forget_shift,
    pause_cluster,
    pause_fleet,
    resume_fleet,
    forget_host,
    step_down,
    pause_self,
    resume_self,
    dns_plan,
    dns_apply,
    dns_bump_era,
    dns_repair_fence,
    dns_bootstrap,
};

/// What a route asks of its caller (api_access.hpp).
enum class Needs { nothing, read, write };

struct RouteRow {
    Route route;
    std::string_view method;
    std::string_view pattern;  ///< "/api/v1/groups/{group}"
    Needs needs;
};

/// The one list of what the API serves; docs/api.md has the same, and a test compares them.
[[nodiscard]] std::span<const RouteRow> routes();

struct RouteMatch {
    const RouteRow* row = nullptr;        ///< null: see allowed
    std::vector<std::string> parameters;  ///< what stands for the {names}, in order
    std::string allowed;                  ///< "GET, DELETE": the path exists; empty: it doesn't
};

/// `path` is decoded, without its query. A parameter is one segment and never empty.
[[nodiscard]] RouteMatch match_route(std::string_view method, std::string_view path);

/// The pattern that is the fewest edits away.
[[nodiscard]] std::string_view nearest_route(std::string_view path);

/// The candidate that is the fewest edits away from `text`; empty if there is none.
[[nodiscard]] std::string_view nearest(std::string_view text,
                                       std::span<const std::string_view> candidates);

}  // namespace muster::orchestrator
