#pragma once

#include <string>
#include <string_view>

// The words that PromQL has, as of Prometheus 2.42.
namespace muster::scaler::promql {

/// The letters A-Z become small.
[[nodiscard]] std::string lower(std::string_view text);

[[nodiscard]] bool is_function(std::string_view word);
/// Of a later Prometheus: functions and aggregations.
[[nodiscard]] bool is_newer(std::string_view word);
/// In any case of letters, as are keywords.
[[nodiscard]] bool is_aggregation(std::string_view word);
[[nodiscard]] bool is_keyword(std::string_view word);

/// The function or aggregation that may be meant; empty: none is near.
[[nodiscard]] std::string_view nearest_call(std::string_view word);

}  // namespace muster::scaler::promql
