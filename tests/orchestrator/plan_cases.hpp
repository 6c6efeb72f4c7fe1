#pragma once

#include "orchestrator/shard_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

// Workers, shards and checks that the tests of shard plans share.
namespace muster::orchestrator::testing {

using Owners = std::map<ShardId, NodeId>;

inline ShardId shard_id(int number) {
    return {.group = GroupName("web"), .number = number};
}

inline PlanMember member(int number) {
    return {.node = NodeId("n" + std::to_string(number)), .probes = {"http", "tcp"}};
}

inline std::vector<PlanMember> make_members(int count) {
    std::vector<PlanMember> members;
    for (int number = 1; number <= count; ++number) members.push_back(member(number));
    return members;
}

inline std::vector<PlanShard> make_equal_shards(int count) {
    std::vector<PlanShard> shards;
    for (int number = 0; number < count; ++number) {
        shards.push_back({.shard = shard_id(number), .cost = 100, .probes = {"http"}});
    }
    return shards;
}

/// Costs log-normal with sigma 1: the heaviest of 400 is about 20 times the median.
inline std::vector<PlanShard> make_shards(int count, unsigned seed) {
    std::mt19937 random(seed);
    std::lognormal_distribution<double> cost(0, 1);
    std::vector<PlanShard> shards = make_equal_shards(count);
    for (PlanShard& shard : shards) {
        shard.cost = 1 + static_cast<std::int64_t>(1'000 * cost(random));
    }
    return shards;
}

inline std::int64_t total_cost(const std::vector<PlanShard>& shards) {
    std::int64_t total = 0;
    for (const PlanShard& shard : shards) total += shard.cost;
    return total;
}

inline std::int64_t moved_cost(const std::vector<PlanShard>& shards, const ShardPlan& plan) {
    std::int64_t moved = 0;
    for (const PlanShard& shard : shards) {
        if (std::ranges::binary_search(plan.moves, shard.shard, {}, &Move::shard))
            moved += shard.cost;
    }
    return moved;
}

inline std::map<NodeId, std::int64_t> loads(const std::vector<PlanMember>& members,
                                            const std::vector<PlanShard>& shards,
                                            const Owners& owners) {
    std::map<NodeId, std::int64_t> loads;
    for (const PlanMember& each : members) loads[each.node] = 0;
    for (const PlanShard& shard : shards) {
        if (const auto owner = owners.find(shard.shard); owner != owners.end()) {
            loads[owner->second] += shard.cost;
        }
    }
    return loads;
}

inline double max_over_mean(const std::vector<PlanMember>& members,
                            const std::vector<PlanShard>& shards,
                            const Owners& owners) {
    std::int64_t most = 0;
    for (const auto& [node, load] : loads(members, shards, owners)) most = std::max(most, load);
    return static_cast<double>(most) * static_cast<double>(members.size()) /
           static_cast<double>(total_cost(shards));
}

/// What must hold of any plan.
inline void expect_sound(const std::vector<PlanMember>& members,
                         const std::vector<PlanShard>& shards,
                         const Owners& current,
                         const ShardPlan& plan) {
    std::set<NodeId> nodes;
    for (const PlanMember& each : members) nodes.insert(each.node);
    EXPECT_EQ(plan.owners.size() + plan.unplaceable.size(), shards.size());
    Owners applied;
    for (const PlanShard& shard : shards) {
        if (const auto owner = current.find(shard.shard); owner != current.end()) {
            applied.insert(*owner);
        }
    }
    for (const Move& move : plan.moves) {
        const auto before = current.find(move.shard);
        EXPECT_EQ(move.from.has_value(), before != current.end());
        if (move.from) EXPECT_EQ(*move.from, before->second);
        EXPECT_NE(move.from, std::optional(move.to));
        applied[move.shard] = move.to;
    }
    for (const ShardId& shard : plan.unplaceable) applied.erase(shard);
    EXPECT_EQ(applied, plan.owners);
    for (const auto& [shard, node] : plan.owners) EXPECT_TRUE(nodes.contains(node));
    EXPECT_TRUE(std::ranges::is_sorted(plan.moves, {}, &Move::shard));
    // Applying it leaves nothing to plan.
    const ShardPlan again = plan_shards(members, shards, plan.owners);
    EXPECT_TRUE(again.moves.empty()) << again.moves.size() << " moves follow";
    EXPECT_EQ(again.owners, plan.owners);
}

}  // namespace muster::orchestrator::testing
