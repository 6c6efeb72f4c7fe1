#include "orchestrator/api_health.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster::orchestrator {
namespace {

using Outcome = HealthCheck::Outcome;

HealthCheck control_loop(const std::optional<View>& view, SteadyTime started, SteadyTime now) {
    const SteadyTime last = view ? view->snapshot.built : started;
    if (now - last <= control_loop_limit) return {.name = "control_loop"};
    const auto silence = std::chrono::floor<std::chrono::seconds>(now - last);
    return {.name = "control_loop",
            .outcome = Outcome::failed,
            .text = fmt::format("has not come round for {} s", silence.count())};
}

HealthCheck has_view(const std::optional<View>& view) {
    if (view && !view->snapshot.cluster.uuid.empty()) return {.name = "view"};
    return {.name = "view", .outcome = Outcome::failed, .text = "no view of the cluster yet"};
}

HealthCheck leaving(const std::optional<View>& view) {
    if (!view || !view->snapshot.self.leaving) return {.name = "leaving"};
    return {.name = "leaving", .outcome = Outcome::failed, .text = "this node is leaving"};
}

HealthCheck zookeeper(const std::optional<View>& view) {
    if (view && is_live(*view)) return {.name = "zookeeper"};
    const auto age = view ? age_of(*view) : std::nullopt;
    if (!age) {
        return {.name = "zookeeper", .outcome = Outcome::degraded, .text = "no session yet"};
    }
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*age);
    return {.name = "zookeeper",
            .outcome = Outcome::degraded,
            .text = fmt::format("last heard {} s ago; the last known state is in use",
                                seconds.count())};
}

std::string line_of(const HealthCheck& check) {
    switch (check.outcome) {
        case Outcome::ok:
            return fmt::format("[+]{} ok\n", check.name);
        case Outcome::degraded:
            return fmt::format("[~]{} degraded: {}\n", check.name, check.text);
        case Outcome::failed:
            break;
    }
    return fmt::format("[-]{} failed: {}\n", check.name, check.text);
}

}  // namespace

std::vector<HealthCheck> live_checks(const std::optional<View>& view,
                                     SteadyTime started,
                                     SteadyTime now) {
    return {control_loop(view, started, now)};
}

std::vector<HealthCheck> ready_checks(const std::optional<View>& view,
                                      SteadyTime started,
                                      SteadyTime now) {
    return {control_loop(view, started, now), has_view(view), leaving(view), zookeeper(view)};
}

http::Response answer_health(std::vector<HealthCheck> checks, const http::Request& request) {
    for (const auto& [name, value] : request.query) {
        if (name != "exclude") continue;
        std::erase_if(checks, [&](const HealthCheck& check) { return check.name == value; });
    }
    const auto failed = std::ranges::find(checks, Outcome::failed, &HealthCheck::outcome);
    const bool ok = failed == checks.end();
    std::string body;
    if (request.query_value("verbose")) {
        for (const HealthCheck& check : checks) body += line_of(check);
    }
    body += ok ? "ok\n" : fmt::format("failed: {}: {}\n", failed->name, failed->text);
    return {.status = ok ? 200 : 503,
            .fields = {{.name = "Content-Type", .value = "text/plain; charset=utf-8"}},
            .body = std::move(body)};
}

}  // namespace muster::orchestrator
