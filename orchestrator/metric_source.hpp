#pragma once

#include "common/base/clock.hpp"
#include "common/config/scaling_settings.hpp"
#include "orchestrator/scale_duty.hpp"
#include "scaler/collect.hpp"

#include <vector>

namespace muster::orchestrator {

/// What Prometheus is asked for a fleet: its metrics that have a query, and what is watched. Pure.
[[nodiscard]] std::vector<scaler::prometheus::MetricQuery> queries_of(
    const config::ScalingSpec& scaling);

/// Executor: the control executor. `clock` must outlive what is returned.
[[nodiscard]] Observe observe_with(Clock& clock, const config::PrometheusSettings& settings);

}  // namespace muster::orchestrator
