#pragma once

#include "common/config/value.hpp"

// The bounds of a group's fields. The JSON Schema says the same (schema.cpp), docs/configuration.md
// too.
namespace muster::config::bounds {

inline constexpr IntRange weight{.least = 0, .most = 1000};
inline constexpr IntRange port{.least = 1, .most = 65535};
inline constexpr IntRange status{.least = 100, .most = 599};
inline constexpr IntRange threshold{.least = 1, .most = 100};  ///< rise and fall
inline constexpr IntRange retries{.least = 0, .most = 10};
inline constexpr IntRange percent{.least = 0, .most = 100};
inline constexpr IntRange shard_size{.least = 1, .most = 1024};

inline constexpr IntRange consecutive{.least = 0, .most = 10'000};  ///< of `outlier`, and these
inline constexpr IntRange minimum_hosts{.least = 2, .most = 10'000};
inline constexpr IntRange request_volume{.least = 1, .most = 1'000'000};
inline constexpr IntRange stdev_factor{.least = 100, .most = 100'000};
inline constexpr IntRange failure_threshold{.least = 1, .most = 100};
inline constexpr DurationRange outlier_interval{.least = 1s, .most = 1h};
inline constexpr DurationRange ejection_time{.least = 1s, .most = 24h};

inline constexpr DurationRange interval{.least = 10ms, .most = 1h};
inline constexpr DurationRange timeout{.least = 1ms, .most = 1h};
inline constexpr DurationRange lb_timeout{.least = 1ms, .most = 24h};
inline constexpr DurationRange slow_start{.least = 0s, .most = 1h};

inline constexpr DurationRange jitter{.least = 0s, .most = 1h};
inline constexpr DurationRange min_down{.least = 0s, .most = 24h};
inline constexpr DurationRange half_life{.least = 1s, .most = 24h};  ///< and the longest hold
inline constexpr IntRange flaps{.least = 1, .most = 100};
inline constexpr IntRange confirm{.least = 0, .most = 16};
inline constexpr DurationRange intent_ttl{.least = 100ms, .most = 24h};

inline constexpr std::size_t labels = 32;
inline constexpr std::size_t headers = 32;
inline constexpr std::size_t status_ranges = 32;
inline constexpr std::size_t matches = 16;  ///< of one kind, in one check

inline constexpr std::size_t script_steps = 32;
inline constexpr IntRange redirects{.least = 0, .most = 10};
inline constexpr std::size_t arguments = 16;  ///< of a command
inline constexpr std::size_t plugin_settings_bytes = 8192;
inline constexpr std::size_t composite_parts = 8;
inline constexpr std::size_t alpn_protocols = 8;
inline constexpr IntRange ping_bytes{.least = 16, .most = 1400};
inline constexpr IntRange expiry_days{.least = 0, .most = 3650};

}  // namespace muster::config::bounds
