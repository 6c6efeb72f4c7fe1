#pragma once

#include "scaler/decision.hpp"
#include "scaler/observations.hpp"
#include "scaler/policy.hpp"

// What one metric asks for, in mode muster. Pure, and monotone: more load never asks for less.
// Schedules and forecasts, which no sample says anything of: propose_time.hpp.
namespace muster::scaler {

/// Of a target the instances that are needed are, exactly:
/// - average_of_total: total / target;
/// - average_of_instances: sum of the readings / target;
/// - utilization: sum / capacity of those that report, in percent / target, times their number;
/// - value: value / target, times the instances that serve (to go out; never below the size) or
///   times the size (to go in). An instance that warms up isn't multiplied
///   (reference/autoscaling.md, C21).
/// Inside the tolerance the size stays; else the number is rounded up.
/// Readings of strangers don't count (KEP-5325). Draining instances' do: their load has to go
/// somewhere (2.2). Of instances that serve and don't report, each carries the mean of those that
/// do, and at least the target; the proposal is then not `complete`. Where `missing_percent` allows
/// for them it is, and each carries twice the mean: also of those that were left out for a flaw of
/// theirs (NaN, stale). Never is it `complete` where the server itself says that it left out some.
[[nodiscard]] Proposal propose(const Policy& policy,
                               const MetricPolicy& metric,
                               const Sample& sample,
                               const Membership& membership);

}  // namespace muster::scaler
