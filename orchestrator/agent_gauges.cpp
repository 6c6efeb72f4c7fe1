#include "orchestrator/agent_gauges.hpp"

#include <algorithm>

namespace muster::orchestrator {

namespace {

constexpr std::size_t max_fleets = 200;

}  // namespace

std::map<std::string, FleetAgents> agents_by_fleet(const Snapshot& snapshot,
                                                   WallTime now,
                                                   std::size_t most) {
    std::map<std::string, FleetAgents> fleets;
    for (const FleetRow& fleet : snapshot.fleets) {
        if (fleets.size() < most) fleets[fleet.name().str()];
    }
    fleets[""];
    for (const AgentRow& agent : snapshot.agents) {
        const auto known = fleets.find(agent.fleet.str());
        FleetAgents& fleet = known == fleets.end() ? fleets[""] : known->second;
        ++fleet.registered;
        fleet.not_accepting += agent.accepting ? 0 : 1;
        fleet.failing += agent.error.empty() ? 0 : 1;
        if (agent.behind.empty()) continue;
        const std::chrono::nanoseconds lag = now - agent.behind_since;
        fleet.behind += lag > behind_after ? 1 : 0;
        fleet.most_behind = std::max(fleet.most_behind, lag);
    }
    return fleets;
}

AgentGauges::Gauges& AgentGauges::gauges_of(const std::string& fleet) {
    const auto known = fleets_.find(fleet);
    if (known != fleets_.end()) return known->second;
    const auto gauge = [&](const char* name, const char* help) -> metrics::Gauge& {
        return registry_.gauge(name, help, {{"fleet", fleet}});
    };
    const Gauges made{
        .registered = gauge("muster_agents", "Agents of a fleet's LBs that are registered"),
        .not_accepting =
            gauge("muster_agents_not_accepting", "Of them, those whose LB accepts nothing"),
        .failing = gauge("muster_agents_failing", "Of them, those that say what went wrong"),
        .behind =
            gauge("muster_agents_behind", "Of them, those that lack something for more than 10 s"),
        .most_behind = gauge("muster_agents_lag_seconds",
                             "Age of the oldest generation or status that one of them lacks")};
    return fleets_.emplace(fleet, made).first->second;
}

void AgentGauges::take(const Snapshot& snapshot) {
    std::map<std::string, FleetAgents> now = agents_by_fleet(snapshot, snapshot.time, max_fleets);
    for (const auto& [name, gauges] : fleets_) now[name];
    for (const auto& [name, fleet] : now) {
        // Fleets come and go; their series stay, so that there is a bound over time, too.
        const bool fits = fleets_.contains(name) || fleets_.size() <= max_fleets;
        if (!fits) continue;
        const Gauges& gauges = gauges_of(name);
        gauges.registered.Set(fleet.registered);
        gauges.not_accepting.Set(fleet.not_accepting);
        gauges.failing.Set(fleet.failing);
        gauges.behind.Set(fleet.behind);
        gauges.most_behind.Set(std::chrono::duration<double>(fleet.most_behind).count());
    }
}

}  // namespace muster::orchestrator
