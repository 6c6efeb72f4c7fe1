#pragma once

#include "common/config/scaling_model.hpp"
#include "scaler/observations.hpp"
#include "scaler/prometheus_answer.hpp"

#include <tl/expected.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Numbers of series. Pure.
namespace muster::scaler::prometheus {

using Number = tl::expected<Micros, Flaw>;

/// As Prometheus writes it. A negative load is a flaw.
[[nodiscard]] Number read_number(std::string_view text);

/// Of at least one; a mean is rounded up. Without a reducer: of exactly one.
[[nodiscard]] Number reduced(config::Reducer reducer, const std::vector<Micros>& values);

/// Whose it is; nothing: it names no instance, or `label` is empty.
[[nodiscard]] std::optional<std::string> instance_of(const Series& series,
                                                     const std::string& label);

}  // namespace muster::scaler::prometheus
