#pragma once

#include "common/base/id.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// One worker as the planner sees it.
struct PlanMember {
    NodeId node;
    std::string zone;
    int capacity = 100;
    bool accepts = true;  ///< false: draining or in doubt; keeps nothing that another can take
    std::vector<std::string> probes;  ///< kinds that it can run, sorted
};

/// One shard: what it costs to probe (measured or estimated, any unit) and what it needs.
struct PlanShard {
    ShardId shard;
    std::int64_t cost = 1;            ///< > 0; probes per second times 1,000 by default
    std::vector<std::string> probes;  ///< kinds that its worker must have registered
    std::optional<NodeId> barred;     ///< not here: this worker made no progress on it
};

struct PlanSettings {
    /// A worker may hold up to (1 + this) of its capacity's share of the whole cost.
    double headroom = 0.05;
    /// Voluntary moves (reason balance) in one plan, as a share of the whole cost. The first one
    /// may be heavier, or a heavy shard could never move.
    double voluntary_share = 1.0;
};

enum class MoveReason {
    orphan,      ///< its owner is gone
    unassigned,  ///< it is new
    drain,       ///< its owner accepts no work
    barred,      ///< its owner makes no progress on it
    probe,       ///< its owner lacks the probe kind
    balance,     ///< its owner holds too much
};

struct Move {
    ShardId shard;
    std::optional<NodeId> from;
    NodeId to;
    MoveReason reason = MoveReason::orphan;
    bool operator==(const Move&) const = default;
};

struct ShardPlan {
    std::map<ShardId, NodeId> owners;  ///< after all moves; a shard that nobody can take is absent
    std::vector<Move> moves;           ///< sorted by shard
    std::vector<ShardId> unplaceable;  ///< no worker has the probe, or there is no worker
    bool operator==(const ShardPlan&) const = default;
};

/// Sticky weighted rendezvous hashing with bounded loads (Thaler and Ravishankar; Mirrokni, Thorup
/// and Zadimoghaddam): an owner that lives and has room keeps its shards; orphans go, heaviest
/// first, to their best-ranked worker with room; overloaded workers shed, and underloaded ones
/// pull, the shards for which the other ranks best (shard_balance.hpp has the thresholds). Pure and
/// deterministic: equal inputs, in any order, give equal plans; planning again from a plan's owners
/// gives no moves. Stays close to the minimum of moved cost.
///
/// A worker that drains, is in doubt or makes no progress keeps a shard that no other can take; one
/// that lacks the probe keeps nothing. Zones play no part: any worker can probe any zone, and peers
/// in other zones confirm what it finds.
[[nodiscard]] ShardPlan plan_shards(const std::vector<PlanMember>& members,
                                    const std::vector<PlanShard>& shards,
                                    const std::map<ShardId, NodeId>& current,
                                    const PlanSettings& settings = {});

/// Rendezvous score of a worker for a shard: -capacity / ln(hash01(shard, worker)). Highest wins.
[[nodiscard]] double rendezvous_score(const ShardId& shard, const PlanMember& member);

}  // namespace muster::orchestrator
