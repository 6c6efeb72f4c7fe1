#pragma once

#include "orchestrator/scale_duty.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>

// Of scale_duty*.cpp alone.
namespace muster::orchestrator {

/// A tick is its time, in seconds since 1970: a multiple of the period, which may change.
[[nodiscard]] std::int64_t tick_at(WallTime now, config::Duration period);

struct ScaleDuty::Part {
    std::int64_t term = 0;
    scaler::Inventory inventory;
    std::map<InstanceId, scaler::Reply> replies;
    std::set<InstanceId> in_flight;
    ReachableHosts hosts;
    std::optional<scaler::TickDecision> decision;
    std::shared_ptr<const config::FleetSpec> decision_spec;  ///< that it was made by
    std::int64_t evaluated = 0;                              ///< the last tick that was begun
    std::optional<WallTime> informed;  ///< the last decision for which all was known
    bool evaluating = false;
    bool listing = false;
    int lists_failed = 0;       ///< in a row
    SteadyTime lists_from{};    ///< not asked for before
    std::int32_t written = -1;  ///< the state's version that this term has written
    SteadyTime written_at{};
    SteadyTime rests_until{};
    std::optional<SteadyTime> refused_since;
    bool refusal_told = false;
    int told = -1;  ///< the size that was decided last
    FleetScalingNotes notes;
};

}  // namespace muster::orchestrator
