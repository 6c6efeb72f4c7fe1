#pragma once

#include "common/base/id.hpp"
#include "common/follow/cluster_view.hpp"

#include <cstdint>
#include <set>

// What a view says of the generations that LBs are to apply. Pure.
namespace muster::follow {

/// The rollout of a group in its present life, if there is one that was ever readable.
[[nodiscard]] const znodes::Rollout* rollout_of(const ClusterView& view, const GroupName& group);

/// The generations of a group that its rollout names and that are not the one of its head.
[[nodiscard]] std::set<std::int64_t> earlier_named(const ClusterView& view, const GroupName& group);

/// Drops the earlier generations that no rollout names any more.
void forget_generations(ClusterView& view);

}  // namespace muster::follow
