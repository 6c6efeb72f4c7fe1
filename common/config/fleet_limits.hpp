#pragma once

#include "common/config/value.hpp"

// The bounds of a fleet's fields. The JSON Schema and docs/configuration.md say the same.
namespace muster::config::bounds {

inline constexpr std::size_t listeners = 64;
inline constexpr std::size_t routes = 256;  ///< of one listener
inline constexpr std::size_t certificates = 64;
/// Of a stored fleet: a head and its entry in the history are written in one request.
inline constexpr std::size_t fleet_bytes = 64UZ << 10U;

inline constexpr std::size_t instances = 256;  ///< of one fleet, listed and registered
inline constexpr DurationRange forget_after{.least = 1s, .most = 24h * 365};

inline constexpr std::size_t dns_entries = 64;
// RFC 2308, 8: no longer than an hour makes a mistake bearable. Below 5 s CoreDNS's cache keeps it
// for 5 s all the same.
inline constexpr DurationRange dns_ttl{.least = 5s, .most = 1h};
inline constexpr IntRange dns_priority{.least = 1, .most = 65'535};
inline constexpr IntRange dns_weight{.least = 1, .most = 65'535};

inline constexpr IntRange client_limit{.least = 0, .most = 1'000'000};
inline constexpr DurationRange limit_period{.least = 1s, .most = 1h};

}  // namespace muster::config::bounds
