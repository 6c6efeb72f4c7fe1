#pragma once

#include "common/config/fleet_limits.hpp"
#include "common/config/value.hpp"

// The bounds of what a fleet's spec says about its size. The JSON Schema and docs/scaling.md say
// the same.
namespace muster::config::bounds {

/// 0: only as max, of a fleet that is taken down.
inline constexpr IntRange fleet_bound{.least = 0, .most = static_cast<std::int64_t>(instances)};
inline constexpr IntRange fleet_size{.least = 1, .most = static_cast<std::int64_t>(instances)};
inline constexpr DurationRange period{.least = 1s, .most = 1h};
inline constexpr DurationRange scrape_interval{.least = 1s, .most = 10min};
inline constexpr DurationRange warm_up{.least = 0s, .most = 6h};

inline constexpr std::size_t scaling_metrics = 16;
inline constexpr std::size_t query_bytes = 4096;
inline constexpr DurationRange max_age{.least = 1s, .most = 24h};
/// Above half of them what the others report says nothing of them.
inline constexpr IntRange missing_percent{.least = 1, .most = 50};
inline constexpr std::size_t steps = 16;
inline constexpr IntRange step_add{.least = -256, .most = 256};
inline constexpr IntRange step_percent{.least = -100, .most = 1000};
inline constexpr std::size_t schedule_entries = 32;
inline constexpr DurationRange schedule_length{.least = 1min, .most = 24h * 31};
inline constexpr DurationRange season{.least = 1h, .most = 24h * 31};
inline constexpr IntRange seasons{.least = 1, .most = 60};
inline constexpr IntRange percentile{.least = 1, .most = 100};
inline constexpr DurationRange ahead{.least = 1s, .most = 6h};

inline constexpr std::size_t budgets = 8;  ///< of one direction
inline constexpr IntRange budget_percent_out{.least = 1, .most = 1000};
inline constexpr IntRange budget_percent_in{.least = 1, .most = 100};
inline constexpr DurationRange budget_window{.least = 1s, .most = 24h};
inline constexpr DurationRange stabilization{.least = 0s, .most = 24h};
inline constexpr DurationRange cooldown{.least = 0s, .most = 24h};
inline constexpr IntRange tolerance_instances{.least = 0, .most = 256};
inline constexpr IntRange max_unavailable{.least = 1, .most = 100};

inline constexpr DurationRange guard_window{.least = 1min, .most = 24h};
inline constexpr IntRange effectiveness_after{.least = 2, .most = 20};
inline constexpr DurationRange effectiveness_hold{.least = 1min, .most = 24h};

inline constexpr std::size_t hosts = 256;
inline constexpr std::size_t parameters = 32;
inline constexpr DurationRange create_timeout{.least = 10s, .most = 24h};
inline constexpr DurationRange drain_timeout{.least = 1s, .most = 24h};
inline constexpr DurationRange grace{.least = 0s, .most = 1h};

}  // namespace muster::config::bounds
