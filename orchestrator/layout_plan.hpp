#pragma once

#include "common/config/model.hpp"
#include "common/znodes/payloads.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// A group's layout as it stands in the tree: index and members without their stamps' meaning.
struct Layout {
    std::string group_uid;
    int number = 1;  ///< layout number; + 1 with each compaction
    int shard_size = 0;
    std::vector<std::vector<znodes::Slot>> shards;
    bool operator==(const Layout&) const = default;
};

struct LayoutPlan {
    Layout next;
    std::set<int> changed;   ///< shard numbers whose members znode must be written
    bool compacted = false;  ///< every status must be re-written in the same multi as its members;
                             ///< shards that `next` has no more are left over
    std::string reason;      ///< "" when nothing changes
};

/// Default backends of a shard by group size: 16 up to 256, 64 up to 10,000, 256 up to 100,000,
/// then 1,024.
[[nodiscard]] int default_shard_size(std::size_t backends);

/// Where each backend of `group` sits. Backends keep shard and slot; removed ones become
/// tombstones; a changed address keeps its slot; a returning backend takes its tombstoned slot
/// back; new ones fill the emptiest shards that have room (a tombstone takes room), then open new
/// shards, evenly. A compaction (new layout number, no tombstones, same order) is planned only when
/// more than half of the slots are tombstones and there are at least two shards' worth of them.
/// `current` may be garbage: a backend in two slots keeps one, a shard size out of 1..1,024 is
/// replaced. Another group uid starts anew. Pure, deterministic.
[[nodiscard]] LayoutPlan plan_layout(const std::string& group_uid,
                                     const config::GroupSpec& group,
                                     std::optional<Layout> current);

}  // namespace muster::orchestrator
