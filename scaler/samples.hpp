#pragma once

#include "scaler/observations.hpp"
#include "scaler/policy.hpp"

#include <string_view>

// What can be read off a sample. Pure.
namespace muster::scaler {

[[nodiscard]] std::string_view name_of(Flaw flaw);

/// none: the sample may be used for this metric.
[[nodiscard]] Flaw flaw_of(const MetricPolicy& metric, const Sample& sample);

/// The metric's sample; an absent one where there is none.
[[nodiscard]] const Sample& sample_of(const Observations& observed, const MetricPolicy& metric);

/// Nothing of a usable sample is missing: neither flawed nor of fewer instances than there are.
[[nodiscard]] bool is_complete(const Sample& sample);

/// Readings of a metric, or one value of the fleet?
[[nodiscard]] constexpr bool is_of_instances(Measure measure) {
    return measure == Measure::utilization || measure == Measure::average_of_instances;
}

}  // namespace muster::scaler
