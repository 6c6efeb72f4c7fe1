#include "scaler/simulation_fleet.hpp"

#include <fmt/format.h>

namespace muster::scaler {
namespace {

bool starts(const Instance& instance) {
    return instance.phase == Phase::booting || instance.phase == Phase::warming;
}

}  // namespace

SimulatedFleet::SimulatedFleet(const FleetModel& model, int size, WallTime now) : model_(model) {
    membership_.size = size;
    for (; named_ < size; ++named_)
        membership_.instances.push_back(
            {.id = fmt::format("sim-{}", named_), .since = now - std::chrono::hours(24)});
    move_on(now);
}

void SimulatedFleet::advance(WallTime now) {
    if (starting_ + draining_ > 0) move_on(now);
}

void SimulatedFleet::move_on(WallTime now) {
    for (Instance& instance : membership_.instances) {
        if (instance.phase == Phase::booting && now - instance.since >= model_.boot) {
            instance.phase = Phase::warming;
            instance.since += model_.boot;
        }
        if (instance.phase == Phase::warming && now - instance.since >= model_.warm_up) {
            instance.phase = Phase::serving;
            instance.since += model_.warm_up;
            instance.healthy = instance.warmed = true;
        }
    }
    std::erase_if(membership_.instances, [&](const Instance& instance) {
        return instance.phase == Phase::draining && now - instance.since >= model_.drain;
    });
    serving_ = starting_ = draining_ = 0;
    for (const Instance& instance : membership_.instances) {
        if (instance.phase == Phase::serving) ++serving_;
        if (starts(instance)) ++starting_;
        if (instance.phase == Phase::draining) ++draining_;
    }
    ++version_;
}

bool SimulatedFleet::takes(int size) const {
    return !model_.one_at_a_time || size > membership_.size || starting_ + draining_ == 0;
}

void SimulatedFleet::carry_out(int size, WallTime now) {
    if (size > membership_.size) grow(size - membership_.size, now);
    if (size < membership_.size) shrink(membership_.size - size, now);
    membership_.size = size;
    move_on(now);
}

void SimulatedFleet::grow(int by, WallTime now) {
    std::vector<Instance>& all = membership_.instances;
    for (auto one = all.rbegin(); one != all.rend() && by > 0; ++one) {
        if (one->phase != Phase::draining) continue;
        one->phase = Phase::serving;
        one->since = now;
        --by;
    }
    for (; by > 0; --by)
        all.push_back({.id = fmt::format("sim-{}", named_++),
                       .phase = Phase::booting,
                       .since = now,
                       .healthy = false,
                       .warmed = false});
}

void SimulatedFleet::shrink(int by, WallTime now) {
    std::vector<Instance>& all = membership_.instances;
    for (std::size_t i = all.size(); i > 0 && by > 0; --i) {
        if (!starts(all[i - 1])) continue;
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(i - 1));
        --by;
    }
    for (Instance& instance : all) {
        if (by == 0) break;
        if (instance.phase != Phase::serving) continue;
        instance.phase = Phase::draining;
        instance.since = now;
        --by;
    }
}

}  // namespace muster::scaler
