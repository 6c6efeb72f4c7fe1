#pragma once

#include "scaler/history.hpp"
#include "scaler/observations.hpp"
#include "scaler/policy.hpp"

// Whether errors, latency or the unhealthy share rise (reference/autoscaling.md, F2 and F3). Pure.
namespace muster::scaler {

struct TrendStep {
    Trend trend = Trend::unknown;
    TrendHistory next{};
    bool operator==(const TrendStep&) const = default;
};

/// Rising: above the floor, and above (1 + rise) times the mean of the window before the rise
/// began. What rises isn't counted into that mean, so it stays a rise for as long as it is up, but
/// for no longer than `longest`: then it is what is normal now.
/// Unknown: no usable sample, or one above the floor with nothing to compare it with.
/// Example: 1 % errors for 10 minutes, then 1.6 %: rising, with a rise of 0.5.
[[nodiscard]] TrendStep watch(const TrendPolicy& policy,
                              const TrendHistory& history,
                              const Sample& sample,
                              WallTime now);

/// Of the instances that shall serve, in percent. Absent: there are none.
[[nodiscard]] Sample unhealthy_share(const Membership& membership);

/// The trends of all that the policy watches, and those that were given of what it doesn't.
[[nodiscard]] Trends watch_all(const WatchPolicy& policy,
                               const Observations& observed,
                               const Membership& membership,
                               TrendHistories& history,
                               WallTime now);

}  // namespace muster::scaler
