#include "orchestrator/shard_plan.hpp"

#include "orchestrator/rendezvous.hpp"
#include "orchestrator/shard_balance.hpp"
#include "orchestrator/shard_board.hpp"

#include <algorithm>
#include <utility>

namespace muster::orchestrator {

namespace {

/// The best-ranked worker that has room, or else the one that is least full with it.
int choose_home(const ShardBoard& board, int shard, double limit) {
    const std::int64_t cost = board.shards()[shard].cost;
    int home = ShardBoard::nobody;
    double best_score = 0;
    int emptiest = ShardBoard::nobody;
    double least = 0;
    for (int worker = 0; worker < std::ssize(board.workers()); ++worker) {
        if (!board.can_take(worker, shard)) continue;
        const double fullness = board.fullness_with(worker, cost);
        if (emptiest == ShardBoard::nobody || fullness < least) {
            emptiest = worker;
            least = fullness;
        }
        if (fullness > limit) continue;
        const double score = board.score(worker, shard);
        if (home == ShardBoard::nobody || score > best_score) {
            home = worker;
            best_score = score;
        }
    }
    return home == ShardBoard::nobody ? emptiest : home;
}

void place_homeless(ShardBoard& board, double limit) {
    std::vector<int> order = board.homeless();
    // Heaviest first: the light ones then fill the gaps.
    std::ranges::sort(
        order, {}, [&](int shard) { return std::pair(-board.shards()[shard].cost, shard); });
    for (const int shard : order) {
        [[maybe_unused]] const bool moved = board.move(shard, choose_home(board, shard, limit));
    }
}

}  // namespace

ShardPlan plan_shards(const std::vector<PlanMember>& members,
                      const std::vector<PlanShard>& shards,
                      const std::map<ShardId, NodeId>& current,
                      const PlanSettings& settings) {
    ShardBoard board(members, shards, current, settings);
    place_homeless(board, settled_limit(settings));
    balance(board, settings);

    ShardPlan plan;
    for (const ShardBoard::Shard& shard : board.shards()) {
        const ShardId& id = shard.wanted->shard;
        if (shard.owner == ShardBoard::nobody) {
            plan.unplaceable.push_back(id);
            continue;
        }
        const NodeId& node = board.workers()[shard.owner].member->node;
        plan.owners.emplace_hint(plan.owners.end(), id, node);
        const auto before = current.find(id);
        if (before == current.end()) {
            plan.moves.push_back({.shard = id, .from = {}, .to = node, .reason = shard.reason});
        } else if (before->second != node) {
            plan.moves.push_back(
                {.shard = id, .from = before->second, .to = node, .reason = shard.reason});
        }
    }
    return plan;
}

double rendezvous_score(const ShardId& shard, const PlanMember& member) {
    return rendezvous_score(stable_hash(shard), stable_hash(member.node.str()), member.capacity);
}

}  // namespace muster::orchestrator
