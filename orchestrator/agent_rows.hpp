#pragma once

#include "common/base/clock.hpp"
#include "common/follow/cluster_view.hpp"
#include "orchestrator/snapshot.hpp"

#include <vector>

namespace muster::orchestrator {

/// How far each LB is, by what its agent has reported last and what there is to apply. A status
/// counts as missing when it is older than an agent may take to report. Pure.
[[nodiscard]] std::vector<AgentRow> agents_of(const follow::ClusterView& view, WallTime now);

}  // namespace muster::orchestrator
