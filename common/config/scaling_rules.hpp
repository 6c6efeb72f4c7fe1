#pragma once

#include <string_view>

// What texts about a fleet's size must look like (TextRule of value.hpp).
namespace muster::config::rules {

/// PromQL, of which only the size is known here: scaler/lint.hpp and Prometheus know more.
[[nodiscard]] std::string_view query(std::string_view text);
/// A label's name in Prometheus.
[[nodiscard]] std::string_view series_label(std::string_view text);
/// How names of the IANA database look. Which ones there are depends on a node's database, so it is
/// asked when a fleet is applied, not when one is read.
[[nodiscard]] std::string_view time_zone(std::string_view text);
/// A provider's parameter: it becomes a placeholder and a variable of the environment.
[[nodiscard]] std::string_view parameter_name(std::string_view text);
[[nodiscard]] std::string_view parameter_value(std::string_view text);

}  // namespace muster::config::rules
