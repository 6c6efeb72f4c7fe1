#pragma once

#include "common/base/clock.hpp"
#include "orchestrator/snapshot.hpp"

#include <memory>
#include <string_view>

namespace muster::test {

/// Two groups on three nodes: "web" with b1 to b4 (b2 DOWN, b4 draining) in two shards of n1 and
/// n2, and "db" with one backend in one shard of n3. n2 is master, n1 is this node. Every time is
/// relative to `now` and `wall`, so what comes out is the same each time.
[[nodiscard]] orchestrator::Snapshot example_snapshot(SteadyTime now, WallTime wall);

/// The same group, to be changed and put back.
[[nodiscard]] orchestrator::GroupRow group_of(const orchestrator::Snapshot& snapshot,
                                              std::string_view name);
void put_group(orchestrator::Snapshot& snapshot, orchestrator::GroupRow group);

/// The backend `id` of `group`, for changes in place.
[[nodiscard]] orchestrator::BackendRow& backend_of(orchestrator::GroupRow& group,
                                                   std::string_view id);

}  // namespace muster::test
