#pragma once

#include <string>
#include <vector>

namespace muster::scaler {
struct Decision;
struct Membership;
}  // namespace muster::scaler

// What people should know of how a fleet is sized, besides its size. Pure.
namespace muster::orchestrator {

struct ScalingAlarms {
    std::string ineffective;  ///< growing is held, for it didn't help: why; empty: it isn't
    std::string breaker;      ///< so many look dead that nothing changes: why; empty: not so many
    std::string creates;      ///< creating is held, for creates failed: why; empty: it isn't
    int vetoes = 0;           ///< what stands against removing, whether or not it was asked for
    bool operator==(const ScalingAlarms&) const = default;
};

/// Of a decision on these.
[[nodiscard]] ScalingAlarms alarms_of(const scaler::Decision& decision,
                                      const scaler::Membership& membership);

/// An event of the log.
struct ScalingAlarmEvent {
    std::string name;
    bool begins = false;  ///< else it is over
    std::string why;      ///< of what begins
    bool operator==(const ScalingAlarmEvent&) const = default;
};

/// What begins and ends from one decision to the next. Vetoes come and go with each LB that warms
/// up: they are none.
[[nodiscard]] std::vector<ScalingAlarmEvent> alarm_events(const ScalingAlarms& was,
                                                          const ScalingAlarms& is);

}  // namespace muster::orchestrator
