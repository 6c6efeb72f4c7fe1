#pragma once

#include "scaler/prometheus_answer.hpp"

#include <optional>
#include <string_view>

namespace muster::scaler::prometheus {

struct JsonLimits {
    std::size_t values = 2'000'000;
    std::size_t depth = 12;
};

/// What is wrong with a JSON text, before memory is spent on it: not JSON, ends early, nested too
/// deep, too many values, or a field twice in one object, of which Boost.JSON would keep the last
/// one. Nothing: it can be parsed.
[[nodiscard]] std::optional<Defect> check_json(std::string_view text, const JsonLimits& limits);

}  // namespace muster::scaler::prometheus
