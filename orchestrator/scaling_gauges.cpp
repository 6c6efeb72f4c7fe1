#include "orchestrator/scaling_gauges.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

namespace muster::orchestrator {

namespace {

constexpr std::size_t max_fleets = 200;

}  // namespace

std::map<std::string, FleetScaling> scaling_by_fleet(const Snapshot& snapshot, WallTime now) {
    std::map<std::string, FleetScaling> fleets;
    for (const auto& [name, row] : snapshot.scaling) {
        FleetScaling& fleet = fleets[name.str()];
        fleet.target = row.target;
        fleet.machines = static_cast<int>(row.machines.size());
        fleet.serving = static_cast<int>(std::ranges::count_if(
            row.machines, [](const MachineRow& one) { return one.phase == "serving"; }));
        fleet.unfounded = std::max<std::chrono::nanoseconds>(now - row.informed, {});
        fleet.creates_failed = row.creates_failed;
        fleet.creates_held = row.creates_again > now;
        if (snapshot.notes == nullptr) continue;
        const auto notes = snapshot.notes->find(name);
        if (notes == snapshot.notes->end()) continue;
        fleet.refused = !notes->second.refused.empty();
        const ScalingAlarms& alarms = notes->second.alarms;
        fleet.ineffective = !alarms.ineffective.empty();
        fleet.breaker = !alarms.breaker.empty();
        fleet.vetoes = alarms.vetoes;
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
        .unfounded =
            gauge("muster_scaling_unfounded_seconds",
                  "How long ago a master last decided with all data, as far as this node knows"),
        .creates_failed =
            gauge("muster_scaling_creates_failed", "LBs in a row that could not be made"),
        .creates_held = gauge("muster_scaling_creates_held",
                              "1: none is made for a while, because making them has failed"),
        .refused = gauge("muster_scaling_refused",
                         "1: this master does nothing to the fleet until people have looked"),
        .ineffective =
            gauge("muster_scaling_ineffective",
                  "1: this master lets the fleet grow no more, because growing didn't help"),
        .breaker = gauge("muster_scaling_breaker_open",
                         "1: so many LBs look dead that this master changes nothing"),
        .vetoes = gauge("muster_scaling_vetoes",
                        "What stands against removing LBs, in this master's last decision")};
    return fleets_.emplace(fleet, made).first->second;
}

void ScalingGauges::set(const Gauges& gauges, const FleetScaling& fleet) {
    gauges.target.Set(fleet.target);
    gauges.machines.Set(fleet.machines);
    gauges.serving.Set(fleet.serving);
    gauges.unfounded.Set(std::chrono::duration<double>(fleet.unfounded).count());
    gauges.creates_failed.Set(fleet.creates_failed);
    gauges.creates_held.Set(fleet.creates_held ? 1 : 0);
    gauges.refused.Set(fleet.refused ? 1 : 0);
    gauges.ineffective.Set(fleet.ineffective ? 1 : 0);
    gauges.breaker.Set(fleet.breaker ? 1 : 0);
    gauges.vetoes.Set(fleet.vetoes);
}

void ScalingGauges::take(const Snapshot& snapshot) {
    const std::map<std::string, FleetScaling> now = scaling_by_fleet(snapshot, snapshot.time);
    for (const auto& [name, gauges] : fleets_) {
        if (now.contains(name)) continue;
        set(gauges, {});
        gauges.unfounded.Set(std::numeric_limits<double>::quiet_NaN());
    }
    for (const auto& [name, fleet] : now) {
        const bool fits = fleets_.contains(name) || fleets_.size() < max_fleets;
        if (!fits) continue;
        set(gauges_of(name), fleet);
    }
}

}  // namespace muster::orchestrator
