#include "orchestrator/api_routes.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace muster::orchestrator {
namespace {

constexpr std::array route_table = {
    RouteRow{Route::dashboard, "GET", "/", Needs::nothing},
    RouteRow{Route::asset, "GET", "/assets/{name}", Needs::nothing},
    RouteRow{Route::healthz, "GET", "/healthz", Needs::nothing},
    RouteRow{Route::livez, "GET", "/livez", Needs::nothing},
    RouteRow{Route::readyz, "GET", "/readyz", Needs::nothing},
    RouteRow{Route::metrics, "GET", "/metrics", Needs::read},
    RouteRow{Route::state, "GET", "/state", Needs::read},
    RouteRow{Route::version, "GET", "/version", Needs::read},
    RouteRow{Route::cluster, "GET", "/api/v1/cluster", Needs::read},
    RouteRow{Route::nodes, "GET", "/api/v1/nodes", Needs::read},
    RouteRow{Route::groups, "GET", "/api/v1/groups", Needs::read},
    RouteRow{Route::group, "GET", "/api/v1/groups/{group}", Needs::read},
    RouteRow{Route::fleets, "GET", "/api/v1/fleets", Needs::read},
    RouteRow{Route::fleet, "GET", "/api/v1/fleets/{fleet}", Needs::read},
    RouteRow{Route::fleet_scaling, "GET", "/api/v1/fleets/{fleet}/scaling", Needs::read},
    RouteRow{Route::agents, "GET", "/api/v1/agents", Needs::read},
    RouteRow{Route::scrape_targets, "GET", "/api/v1/scrape-targets", Needs::read},
    RouteRow{Route::dns, "GET", "/api/v1/dns", Needs::read},
    RouteRow{Route::shifts, "GET", "/api/v1/traffic-shift", Needs::read},
    RouteRow{Route::dns_name, "GET", "/api/v1/dns/names/{name}", Needs::read},
    RouteRow{Route::dns_fence, "GET", "/api/v1/dns/fence", Needs::read},
    RouteRow{Route::backends, "GET", "/api/v1/backends", Needs::read},
    RouteRow{Route::backend, "GET", "/api/v1/backends/{group}/{backend}", Needs::read},
    RouteRow{Route::shards, "GET", "/api/v1/shards", Needs::read},
    RouteRow{Route::events, "GET", "/api/v1/events", Needs::read},
    RouteRow{Route::audit, "GET", "/api/v1/audit", Needs::read},
    RouteRow{Route::stream, "GET", "/api/v1/stream", Needs::read},
    RouteRow{Route::session, "POST", "/api/v1/session", Needs::nothing},
    RouteRow{Route::apply, "POST", "/api/v1/apply", Needs::write},
    RouteRow{Route::remove_group, "DELETE", "/api/v1/groups/{group}", Needs::write},
    RouteRow{Route::remove_fleet, "DELETE", "/api/v1/fleets/{fleet}", Needs::write},
    RouteRow{
        Route::change_backend, "PATCH", "/api/v1/groups/{group}/backends/{backend}", Needs::write},
    RouteRow{Route::shift_traffic, "POST", "/api/v1/traffic-shift", Needs::write},
    RouteRow{Route::cancel_shift, "POST", "/api/v1/traffic-shift/{name}/cancel", Needs::write},
    RouteRow{Route::forget_shift, "DELETE", "/api/v1/traffic-shift/{name}", Needs::write},
    RouteRow{Route::pause_cluster, "POST", "/api/v1/pause", Needs::write},
    RouteRow{Route::pause_fleet, "POST", "/api/v1/fleets/{fleet}/pause", Needs::write},
    RouteRow{Route::resume_fleet, "POST", "/api/v1/fleets/{fleet}/resume", Needs::write},
    RouteRow{
        Route::forget_host, "POST", "/api/v1/fleets/{fleet}/hosts/{host}/forget", Needs::write},
    RouteRow{Route::step_down, "POST", "/api/v1/step-down", Needs::write},
    RouteRow{Route::pause_self, "POST", "/api/v1/nodes/self/pause", Needs::write},
    RouteRow{Route::resume_self, "POST", "/api/v1/nodes/self/resume", Needs::write},
    RouteRow{Route::dns_plan, "POST", "/api/v1/dns/plan", Needs::write},
    RouteRow{Route::dns_apply, "POST", "/api/v1/dns/apply", Needs::write},
    RouteRow{Route::dns_bump_era, "POST", "/api/v1/dns/fence/bump-era", Needs::write},
    RouteRow{Route::dns_repair_fence, "POST", "/api/v1/dns/fence/repair", Needs::write},
    RouteRow{Route::dns_bootstrap, "POST", "/api/v1/dns/fence/bootstrap", Needs::write},
};

/// Takes the next segment off `rest`, which begins with '/'.
std::string_view take_segment(std::string_view& rest) {
    rest.remove_prefix(1);
    const auto end = std::min(rest.find('/'), rest.size());
    const auto segment = rest.substr(0, end);
    rest.remove_prefix(end);
    return segment;
}

std::optional<std::vector<std::string>> parameters_of(std::string_view pattern,
                                                      std::string_view path) {
    std::vector<std::string> parameters;
    while (pattern.starts_with('/') && path.starts_with('/')) {
        const auto wanted = take_segment(pattern);
        const auto got = take_segment(path);
        if (wanted.starts_with('{')) {
            if (got.empty()) return std::nullopt;
            parameters.emplace_back(got);
        } else if (wanted != got) {
            return std::nullopt;
        }
    }
    if (!pattern.empty() || !path.empty()) return std::nullopt;
    return parameters;
}

/// Levenshtein's, one row at a time; `limit` bounds what a hostile path can cost.
std::size_t edits(std::string_view from, std::string_view to) {
    constexpr std::size_t limit = 256;
    from = from.substr(0, limit);
    std::vector<std::size_t> row(to.size() + 1);
    for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= from.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::span<const RouteRow> routes() {
    return route_table;
}

RouteMatch match_route(std::string_view method, std::string_view path) {
    RouteMatch match;
    for (const RouteRow& row : route_table) {
        auto parameters = parameters_of(row.pattern, path);
        if (!parameters) continue;
        if (row.method == method) {
            match.row = &row;
            match.parameters = std::move(*parameters);
            match.allowed.clear();
            return match;
        }
        if (!match.allowed.empty()) match.allowed += ", ";
        match.allowed += row.method;
        if (row.method == "GET") match.allowed += ", HEAD";
    }
    return match;
}

std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates) {
    std::string_view best;
    std::size_t fewest = std::numeric_limits<std::size_t>::max();
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = edits(text, candidate);
        if (distance < fewest) {
            fewest = distance;
            best = candidate;
        }
    }
    return best;
}

std::string_view nearest_route(std::string_view path) {
    std::array<std::string_view, route_table.size()> patterns;
    std::ranges::transform(route_table, patterns.begin(), &RouteRow::pattern);
    return nearest(path, patterns);
}

}  // namespace muster::orchestrator
