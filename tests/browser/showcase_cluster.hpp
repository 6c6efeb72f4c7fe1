#pragma once

#include "orchestrator/commands.hpp"
#include "orchestrator/snapshot.hpp"

#include <string_view>

namespace muster::test {

/// A cluster as it might be on a weekday: six groups, 103 backends on three nodes, some trouble.
[[nodiscard]] orchestrator::Snapshot showcase_snapshot(SteadyTime now, WallTime wall);

/// The last results that fit a backend of it.
[[nodiscard]] orchestrator::Evidence showcase_evidence(const orchestrator::BackendRow& backend,
                                                       const NodeId& owner,
                                                       WallTime wall);

/// Names, texts and addresses that would run as script in a page that built HTML from them.
void make_hostile(orchestrator::Snapshot& snapshot);

}  // namespace muster::test
