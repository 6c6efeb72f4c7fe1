#pragma once

#include "common/coordination/store.hpp"
#include "tests/sim/sim_node.hpp"

namespace muster::sim {

// Stores that break one rule each: what they do must not go unnoticed by the invariants.

/// Says that the session was confirmed just now, whatever was heard of it, and that it is connected
/// as long as nobody said otherwise: a lease without end.
[[nodiscard]] SimNode::WrapStore broken_lease();

/// Leaves out the first check of every transaction that has other ops, too.
[[nodiscard]] SimNode::WrapStore dropped_fence();

/// Does not pass every third watch event on.
[[nodiscard]] SimNode::WrapStore lost_watches();

}  // namespace muster::sim
