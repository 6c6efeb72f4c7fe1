#pragma once

#include "common/base/clock.hpp"
#include "common/observe/metrics.hpp"
#include "orchestrator/snapshot.hpp"

#include <map>
#include <string>

namespace muster::orchestrator {

/// What a node exports of the LBs of a fleet.
struct FleetAgents {
    int registered = 0;
    int not_accepting = 0;
    int failing = 0;  ///< says why it has not applied something
    int behind = 0;   ///< lacks for long what it is to apply
    std::chrono::nanoseconds most_behind{0};
    bool operator==(const FleetAgents&) const = default;
};

/// Time that an agent may take before it counts as behind.
constexpr std::chrono::seconds behind_after{10};

/// By name: each fleet that is applied, its agents or none. Agents of other fleets, and of those
/// beyond `most`, are together under "": what agents register can't make series. Pure.
[[nodiscard]] std::map<std::string, FleetAgents> agents_by_fleet(const Snapshot& snapshot,
                                                                 WallTime now,
                                                                 std::size_t most);

/// The series of that, one set a fleet; a fleet that has gone is at 0. Thread: one feeds.
class AgentGauges {
 public:
    explicit AgentGauges(metrics::Registry& registry) : registry_(registry) {}

    void take(const Snapshot& snapshot);

 private:
    struct Gauges {
        metrics::Gauge& registered;
        metrics::Gauge& not_accepting;
        metrics::Gauge& failing;
        metrics::Gauge& behind;
        metrics::Gauge& most_behind;
    };
    [[nodiscard]] Gauges& gauges_of(const std::string& fleet);

    metrics::Registry& registry_;
    std::map<std::string, Gauges> fleets_;
};

}  // namespace muster::orchestrator
