#pragma once

#include "common/base/clock.hpp"

#include <chrono>
#include <optional>
#include <string_view>

// Times and spans as people type them.
namespace muster::ctl {

/// "90s", "15m", "2h", "7d", "1w"; up to 10 years.
[[nodiscard]] std::optional<std::chrono::seconds> read_span(std::string_view text);

/// "2026-03-01T12:00:00Z", "now", or before now: "-7d".
[[nodiscard]] std::optional<WallTime> read_time_or_span(std::string_view text, WallTime now);

}  // namespace muster::ctl
