#pragma once

#include "scaler/history.hpp"
#include "scaler/observations.hpp"
#include "scaler/policy.hpp"

#include <optional>
#include <string>

// Whether growing helps (reference/autoscaling.md, F8 and F9: the wrong bottleneck is scaled).
// Pure.
namespace muster::scaler {

/// What is to become better: of a target of instances their mean, of a total its share of each that
/// serves, else the value. Absent: unknown; data of an instance that serves is missing.
[[nodiscard]] std::optional<Micros> level_of(const MetricPolicy& metric,
                                             const Sample& sample,
                                             const Membership& membership);

/// What a decision has come to.
struct Growth {
    const Policy& policy;
    const Observations& observed;
    const Membership& membership;
    int size = 0;        ///< decided
    std::string driver;  ///< the metric that asked for more; empty: none, or a schedule did
};

/// A trial begins when a metric makes the fleet grow, and takes in further growth until twice the
/// improvement could be expected of it (1 more of 100 proves nothing). It compares the metric's
/// level before the new instances served with that when so many serve and are warmed: so load that
/// rises meanwhile doesn't look like growth that is of no use. It helped: the level is lower by
/// the given share, or the metric asks for no more. What isn't known within an hour, or once the
/// fleet shrinks, has no verdict. After `after` trials in a row that didn't help growth is held;
/// then each further such trial holds it again, for twice as long.
/// Example: 4 instances at a latency of 200 ms, target 100 ms; 8 are still at 200 ms: one trial.
[[nodiscard]] Effectiveness observe_growth(const Effectiveness& was,
                                           const Growth& growth,
                                           WallTime now);

/// For how long growth is held: doubles with each further trial that didn't help, up to 16 times.
[[nodiscard]] seconds hold_after(const EffectivenessPolicy& policy, int fruitless);

/// Until when growth waits for the verdict of a trial, because it is the last one before it is
/// held: for 10 minutes at most, for the new instances may never serve. Absent: it doesn't wait.
[[nodiscard]] std::optional<WallTime> awaits_verdict(const Effectiveness& state,
                                                     const EffectivenessPolicy& policy,
                                                     WallTime now);

}  // namespace muster::scaler
