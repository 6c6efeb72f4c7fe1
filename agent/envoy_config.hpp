#pragma once

#include "agent/envoy_settings.hpp"
#include "agent/lb_state.hpp"
#include "common/base/result.hpp"

#include <map>
#include <string>
#include <system_error>
#include <vector>

// What an LB is to do as Envoy's xDS resources (API v3), in files. Pure; equal input, equal bytes.
namespace muster::agent {

enum class EnvoyErrc {
    hostile_value = 1,  ///< can't stand in a resource
    not_ready,          ///< its admin listener says so
};
const std::error_category& envoy_category();
inline std::error_code make_error_code(EnvoyErrc code) {
    return {static_cast<int>(code), envoy_category()};
}

/// Each text is a DiscoveryResponse in JSON, whose version is the hash of its resources.
struct RenderedEnvoy {
    std::string clusters;  ///< CDS: one cluster for each pool, with the group's name
    /// EDS, for Envoy takes no more than one cluster's endpoints from a file. By the file's name,
    /// "endpoints/web.json".
    std::map<std::string, std::string> endpoints;
    std::vector<std::string> notes;  ///< what Envoy can't do, or not without its listeners' help
    bool operator==(const RenderedEnvoy&) const = default;
};

/// EnvoyErrc::hostile_value, with the words of check_state() of lb_values.hpp. `addresses` are
/// those of host names: Envoy takes none from EDS.
///
/// | algorithm                 | lb_policy                                               |
/// |---------------------------|---------------------------------------------------------|
/// | round_robin, weighted_... | ROUND_ROBIN                                             |
/// | least_connections         | LEAST_REQUEST of 5                                      |
/// | least_response_time       | LEAST_REQUEST of 5, a note                              |
/// | source_hash, uri_hash     | RING_HASH, a note: the route says of what               |
/// | maglev                    | MAGLEV, a note: the route says of what                  |
/// | random_two_choices        | LEAST_REQUEST of 2                                      |
/// | stickiness by source      | RING_HASH instead, a note                               |
///
/// A server in drain is DRAINING (a sticky cookie still leads there), one in maintenance UNHEALTHY:
/// Envoy then keeps its connections and counters. Its own panic mode is off, for muster decides
/// that.
[[nodiscard]] Result<RenderedEnvoy> render_envoy(
    const LbState& state,
    const EnvoySettings& settings,
    const std::map<std::string, std::string>& addresses = {});

}  // namespace muster::agent

template <>
struct std::is_error_code_enum<muster::agent::EnvoyErrc> : std::true_type {};
