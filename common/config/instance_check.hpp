#pragma once

#include "common/config/fleet_model.hpp"

#include <string_view>

// How the LBs of a fleet are probed, made of what the fleet says. Pure.
namespace muster::config {

/// So many requests at most: what comes after is only connected to.
inline constexpr std::size_t most_requests = 32;

/// The check of the fleet's LB at `host`; without a host: that of any for which nothing is special.
/// - Each listener is a part: connected to in tcp mode, and over TLS with a handshake; in http mode
///   asked for something of each group that it leads to (of a group that other listeners lead to,
///   too, by the first of them). Nothing is asked for where no request is sure to reach the group.
/// - A listener with an address of its own is only looked at where that is the LB's.
/// - No listener is left: the LB's address itself is connected to.
/// - The agent's /healthz, when the fleet names its port.
/// What the parts' outcomes mean together: checker/lb_outcome.hpp.
[[nodiscard]] CheckSpec check_of_instance(const FleetSpec& fleet, std::string_view host = {});

}  // namespace muster::config
