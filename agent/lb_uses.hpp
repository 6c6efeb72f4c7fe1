#pragma once

#include "agent/lb_state.hpp"

#include <set>
#include <utility>
#include <vector>

namespace muster::agent {

/// A pool in one of the modes in which listeners use it: each is another set of servers for most
/// kinds of LB.
using Use = std::pair<GroupName, config::ListenMode>;

/// All that the listeners need. Pure.
[[nodiscard]] std::set<Use> uses_of(const std::vector<config::Listener>& listeners);

}  // namespace muster::agent
