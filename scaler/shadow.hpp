#pragma once

#include "scaler/lifecycle.hpp"

#include <map>
#include <string>

// A fleet in shadow: decided on, and never touched. Pure.
namespace muster::scaler {

/// LBs of a fleet that have no record: people run them.
using Others = std::map<InstanceId, Sight>;

/// With them: in service, and warming up from when they became healthy. Down or not, each counts.
/// Example: a target of 0 and 4 others are a fleet of 4.
[[nodiscard]] Membership with_others(Membership membership,
                                     const Others& others,
                                     seconds warm_up,
                                     WallTime now);

/// To be remembered and not carried out: to plan() it changes nothing of a fleet of that size.
[[nodiscard]] TickDecision to_be_kept(TickDecision tick, int target);

/// For people.
[[nodiscard]] std::string shadow_words(int there, int would_be);

/// The next step of a fleet in shadow that has no provider: windows and guards are remembered in
/// its state, as of any other. No record is written, nothing is called or listed, and what records
/// an earlier provider has left stay as they are.
[[nodiscard]] LifecyclePlan plan_shadow(const LifecycleSettings& settings,
                                        const LifecycleView& view,
                                        const Others& others);

}  // namespace muster::scaler
