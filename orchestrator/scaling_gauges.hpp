#pragma once

#include "common/base/clock.hpp"
#include "common/observe/metrics.hpp"
#include "orchestrator/snapshot.hpp"

#include <chrono>
#include <map>
#include <string>

namespace muster::orchestrator {

/// What a node exports of a fleet that sizes itself.
struct FleetScaling {
    int target = 0;
    int machines = 0;  ///< that have a record
    int serving = 0;
    // Of the master alone; elsewhere 0.
    bool refused = false;                   ///< nothing is done, and people are needed
    std::chrono::nanoseconds unfounded{0};  ///< since all that a decision needs was known
    bool operator==(const FleetScaling&) const = default;
};

/// By name; those that have begun. Pure.
[[nodiscard]] std::map<std::string, FleetScaling> scaling_by_fleet(const Snapshot& snapshot,
                                                                   WallTime now);

/// The series of that, one set a fleet; a fleet that has gone is at 0. Thread: one feeds.
class ScalingGauges {
 public:
    explicit ScalingGauges(metrics::Registry& registry) : registry_(registry) {}

    void take(const Snapshot& snapshot);

 private:
    struct Gauges {
        metrics::Gauge& target;
        metrics::Gauge& machines;
        metrics::Gauge& serving;
        metrics::Gauge& refused;
        metrics::Gauge& unfounded;
    };
    [[nodiscard]] Gauges& gauges_of(const std::string& fleet);

    metrics::Registry& registry_;
    std::map<std::string, Gauges> fleets_;
};

}  // namespace muster::orchestrator
