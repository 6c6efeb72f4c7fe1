#include "orchestrator/scaling_gauges.hpp"

#include <algorithm>

namespace muster::orchestrator {

namespace {

constexpr std::size_t max_fleets = 200;

}  // namespace

std::map<std::string, FleetScaling> scaling_by_fleet(const Snapshot& snapshot, WallTime now) {
    std::map<std::string, FleetScaling> fleets;
    for (const auto& [name, row] : snapshot.scaling) {
        if (!row.begun) continue;
        FleetScaling& fleet = fleets[name.str()];
        fleet.target = row.target;
        fleet.machines = static_cast<int>(row.machines.size());
        fleet.serving = static_cast<int>(std::ranges::count_if(
            row.machines, [](const MachineRow& one) { return one.phase == "serving"; }));
        if (snapshot.notes == nullptr) continue;
        const auto notes = snapshot.notes->find(name);
        if (notes == snapshot.notes->end()) continue;
        fleet.refused = !notes->second.refused.empty();
        fleet.unfounded = std::max<std::chrono::nanoseconds>(now - notes->second.founded, {});
    }
    return fleets;
}

ScalingGauges::Gauges& ScalingGauges::gauges_of(const std::string& fleet) {
    const auto known = fleets_.find(fleet);
    if (known != fleets_.end()) return known->second;
    const auto gauge = [&](const char* name, const char* help) -> metrics::Gauge& {
        return registry_.gauge(name, help, {{"fleet", fleet}});
    };
    const Gauges made{
        .target = gauge("muster_scaling_target", "LBs that the fleet is to have"),
        .machines = gauge("muster_scaling_machines", "LBs that muster has made and not removed"),
        .serving = gauge("muster_scaling_serving", "Of them, those in service"),
        .refused = gauge("muster_scaling_refused",
                         "1: this master does nothing to the fleet until people have looked"),
        .unfounded = gauge(
            "muster_scaling_unfounded_seconds",
            "How long ago this master decided with all data; 0 on nodes that are not master")};
    return fleets_.emplace(fleet, made).first->second;
}

void ScalingGauges::take(const Snapshot& snapshot) {
    std::map<std::string, FleetScaling> now = scaling_by_fleet(snapshot, snapshot.time);
    for (const auto& [name, gauges] : fleets_) now[name];
    for (const auto& [name, fleet] : now) {
        const bool fits = fleets_.contains(name) || fleets_.size() < max_fleets;
        if (!fits) continue;
        const Gauges& gauges = gauges_of(name);
        gauges.target.Set(fleet.target);
        gauges.machines.Set(fleet.machines);
        gauges.serving.Set(fleet.serving);
        gauges.refused.Set(fleet.refused ? 1 : 0);
        gauges.unfounded.Set(std::chrono::duration<double>(fleet.unfounded).count());
    }
}

}  // namespace muster::orchestrator
