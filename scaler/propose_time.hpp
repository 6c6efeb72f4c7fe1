#pragma once

#include "scaler/decision.hpp"
#include "scaler/observations.hpp"
#include "scaler/policy.hpp"

// What the clock and the past ask for, in mode muster: schedules and forecasts. Pure.
namespace muster::scaler {

/// The largest size in force; else min, so that the fleet comes down again where no metric speaks.
/// Its `until`: the end of what is in force, or the next start. A zone that this host doesn't know
/// is missing data.
[[nodiscard]] Proposal propose_scheduled(const Policy& policy,
                                         const MetricPolicy& metric,
                                         const SchedulePolicy& schedule,
                                         WallTime now);

/// For what is expected to come, once the forecast acts; its size counts only above that of all
/// others. While it observes it has no size and tells what it would ask for.
[[nodiscard]] Proposal propose_forecast(const MetricPolicy& metric,
                                        const ForecastPolicy& forecast,
                                        const Observations& observed,
                                        History& next,
                                        WallTime now);

}  // namespace muster::scaler
