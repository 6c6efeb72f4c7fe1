#pragma once

#include "common/config/field_writer.hpp"
#include "common/config/scaling_model.hpp"
#include "common/config/value.hpp"

#include <optional>
#include <string>
#include <vector>

namespace muster::config {

/// `scaling` of a fleet.
[[nodiscard]] ScalingSpec decode_scaling(const Value& value);
[[nodiscard]] json::object encode(const ScalingSpec& scaling, Verbosity verbosity);

/// `provider` of a fleet.
[[nodiscard]] FleetProvider decode_provider(const Value& value);
[[nodiscard]] json::object encode(const FleetProvider& provider, Verbosity verbosity);

/// PromQL, without the space around it.
[[nodiscard]] std::optional<std::string> read_query(const Value& value);

/// `metrics` of `scaling`. `max` is the fleet's, which no size in them may be above.
[[nodiscard]] std::vector<ScalingMetric> decode_metrics(const Value& list,
                                                        ScalingMode mode,
                                                        int max);
[[nodiscard]] json::array encode(const std::vector<ScalingMetric>& metrics, Verbosity verbosity);

}  // namespace muster::config
