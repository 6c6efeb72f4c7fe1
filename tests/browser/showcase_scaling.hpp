#pragma once

#include "common/base/clock.hpp"
#include "orchestrator/snapshot.hpp"

namespace muster::test {

/// "edge" grows from 4 to 6 LBs and lacks some data, "internal" stays at 2 and is paused. This node
/// knows what the master does.
void add_scaling(orchestrator::Snapshot& snapshot, WallTime wall);
/// "edge" has come to its 6.
void settle_scaling(orchestrator::Snapshot& snapshot, WallTime wall);
/// Probes say that the first LB of "edge" is DOWN.
void lose_scaled_lb(orchestrator::Snapshot& snapshot, WallTime wall);
/// Nothing is done to "edge" any more, and its creates have failed.
void stop_scaling(orchestrator::Snapshot& snapshot, WallTime wall);
/// Texts that would run as scripts, where scaling has texts; and a fleet of such a name.
void make_scaling_hostile(orchestrator::Snapshot& snapshot);

}  // namespace muster::test
