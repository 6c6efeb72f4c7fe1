#pragma once

#include "common/base/clock.hpp"
#include "common/config/scaling_settings.hpp"
#include "orchestrator/scale_duty.hpp"
#include "orchestrator/scaling_lint.hpp"
#include "scaler/collect.hpp"

#include <vector>

namespace muster::orchestrator {

/// What Prometheus is asked for a fleet: its metrics that have a query, and what is watched. Pure.
[[nodiscard]] std::vector<scaler::prometheus::MetricQuery> queries_of(
    const config::ScalingSpec& scaling);

/// Executor: the control executor. `clock` must outlive what is returned.
[[nodiscard]] Observe observe_with(Clock& clock, const config::PrometheusSettings& settings);

/// Asks Prometheus once for each query of a fleet. What it refuses is refused; where it can't be
/// asked, that is a warning. Executor: the control executor. `clock` must outlive it.
[[nodiscard]] QueryLint check_with(Clock& clock, const config::PrometheusSettings& settings);

/// Of a node whose settings have no Prometheus: says so of fleets that need one.
[[nodiscard]] QueryLint check_with_nothing();

}  // namespace muster::orchestrator
