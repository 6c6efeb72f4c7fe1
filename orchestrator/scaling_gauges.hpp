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
    std::chrono::nanoseconds unfounded{0};  ///< since all that a decision needs was known
    int creates_failed = 0;                 ///< in a row
    bool creates_held = false;              ///< for that, nothing is created
    // Of the master alone; elsewhere 0.
    bool refused = false;  ///< nothing is done, and people are needed
    bool ineffective = false;
    bool breaker = false;
    int vetoes = 0;
    bool operator==(const FleetScaling&) const = default;
};

/// By name. Pure.
[[nodiscard]] std::map<std::string, FleetScaling> scaling_by_fleet(const Snapshot& snapshot,
                                                                   WallTime now);

/// The series of that, one set a fleet; a fleet that has gone is at 0, and how long ago it was
/// decided on with all data is no number: it must not stand for nodes that know of a later one.
/// Thread: one feeds.
class ScalingGauges {
 public:
    explicit ScalingGauges(metrics::Registry& registry) : registry_(registry) {}

    void take(const Snapshot& snapshot);

 private:
    struct Gauges {
        metrics::Gauge& target;
        metrics::Gauge& machines;
        metrics::Gauge& serving;
        metrics::Gauge& unfounded;
        metrics::Gauge& creates_failed;
        metrics::Gauge& creates_held;
        metrics::Gauge& refused;
        metrics::Gauge& ineffective;
        metrics::Gauge& breaker;
        metrics::Gauge& vetoes;
    };
    static void set(const Gauges& gauges, const FleetScaling& fleet);
    [[nodiscard]] Gauges& gauges_of(const std::string& fleet);

    metrics::Registry& registry_;
    std::map<std::string, Gauges> fleets_;
};

}  // namespace muster::orchestrator
