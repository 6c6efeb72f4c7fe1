// The figures that shard plans must reach; each test prints what it found.
#include "orchestrator/shard_plan.hpp"
#include "tests/orchestrator/plan_cases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>

namespace muster::orchestrator {
namespace {

using namespace testing;

TEST(ShardPlanFigures, OneMoreWorkerMovesLittleMoreThanItsShare) {
    double most_moved = 0;
    std::map<int, double> fullest;
    for (const int per_worker : {20, 80}) {
        for (int n = 2; n <= 20; ++n) {
            for (unsigned seed = 1; seed <= 2; ++seed) {
                const auto shards = make_shards(per_worker * (n + 1), seed);
                const Owners before = plan_shards(make_members(n), shards, {}).owners;
                const auto members = make_members(n + 1);
                const ShardPlan plan = plan_shards(members, shards, before);
                const double moved = static_cast<double>(moved_cost(shards, plan)) * (n + 1) /
                                     static_cast<double>(total_cost(shards));
                EXPECT_LE(moved, 1.15) << n << " workers, seed " << seed;
                EXPECT_GE(moved, 0.80) << n << " workers, seed " << seed;
                most_moved = std::max(most_moved, moved);
                const double full = max_over_mean(members, shards, plan.owners);
                EXPECT_LE(full, per_worker >= 80 ? 1.05 : 1.10) << n << " seed " << seed;
                fullest[per_worker] = std::max(fullest[per_worker], full);
                if (n % 5 == 0) expect_sound(members, shards, before, plan);
            }
        }
    }
    std::printf("join: moved at most %.3f of 1/(n+1); max/mean %.4f (20 a worker), %.4f (80)\n",
                most_moved,
                fullest[20],
                fullest[80]);
}

TEST(ShardPlanFigures, ALeaverMovesItsOwnShards) {
    double worst = 0;
    for (int n = 2; n <= 20; ++n) {
        const auto shards = make_shards(80 * n, static_cast<unsigned>(n));
        const Owners before = plan_shards(make_members(n), shards, {}).owners;
        auto members = make_members(n);
        const std::int64_t orphaned = loads(members, shards, before).at(members.front().node);
        members.erase(members.begin());
        const ShardPlan plan = plan_shards(members, shards, before);
        worst = std::max(
            worst, static_cast<double>(moved_cost(shards, plan)) / static_cast<double>(orphaned));
        EXPECT_LE(max_over_mean(members, shards, plan.owners), 1.05) << n;
    }
    EXPECT_LE(worst, 1.05);
    std::printf("leave: moved at most %.3f of the orphans' cost\n", worst);
}

/// The minimum: what a leaver held; the part that makes a joiner equal to the others.
TEST(ShardPlanFigures, SixtyJoinsAndLeavesMoveNearTheMinimum) {
    double worst = 0;
    double fullest = 0;
    for (unsigned seed = 1; seed <= 2; ++seed) {
        std::mt19937 random(seed);
        const auto shards = make_shards(1'600, seed);
        auto members = make_members(18);
        Owners owners = plan_shards(members, shards, {}).owners;
        double moved = 0;
        double minimum = 0;
        for (int step = 0, next = 100; step < 60; ++step) {
            const bool join = members.size() < 14 || (members.size() < 20 && (random() & 1U) != 0);
            if (join) {
                members.push_back(member(next++));
                minimum +=
                    static_cast<double>(total_cost(shards)) / static_cast<double>(members.size());
            } else {
                const auto leaver =
                    members.begin() + static_cast<std::ptrdiff_t>(random() % members.size());
                minimum += static_cast<double>(loads(members, shards, owners).at(leaver->node));
                members.erase(leaver);
            }
            const ShardPlan plan = plan_shards(members, shards, owners);
            moved += static_cast<double>(moved_cost(shards, plan));
            owners = plan.owners;
            fullest = std::max(fullest, max_over_mean(members, shards, owners));
        }
        worst = std::max(worst, moved / minimum);
    }
    EXPECT_LE(worst, 1.05);
    EXPECT_LE(fullest, 1.05);
    std::printf(
        "60 joins and leaves: moved at most %.3f of the minimum, max/mean %.4f\n", worst, fullest);
}

TEST(ShardPlanFigures, OneMoreBackendMovesNoOther) {
    for (unsigned seed = 1; seed <= 12; ++seed) {
        std::mt19937 random(seed);
        const auto members = make_members(2 + static_cast<int>(seed % 7));
        // 16 backends a shard, each of cost 500.
        auto shards = make_equal_shards(static_cast<int>(members.size()) * 12);
        for (PlanShard& shard : shards)
            shard.cost = 500 * static_cast<std::int64_t>(1 + random() % 16);
        const Owners before = plan_shards(members, shards, {}).owners;
        for (std::size_t i = 0; i < shards.size(); ++i) {
            auto grown = shards;
            grown[i].cost += 500;
            EXPECT_TRUE(plan_shards(members, grown, before).moves.empty()) << seed << " " << i;
        }
        auto more = shards;
        more.push_back({.shard = shard_id(9'999), .cost = 500, .probes = {"http"}});
        const ShardPlan plan = plan_shards(members, more, before);
        ASSERT_EQ(plan.moves.size(), 1U);
        EXPECT_EQ(plan.moves[0].shard, shard_id(9'999));
    }
}

TEST(ShardPlanFigures, AnyHistoryKeepsEveryPlanSound) {
    for (unsigned seed = 1; seed <= 8; ++seed) {
        std::mt19937 random(seed);
        auto members = make_members(5);
        auto shards = make_shards(60 + static_cast<int>(random() % 60), seed);
        const char* const probes[] = {"http", "tcp", "grpc", ""};
        for (PlanShard& shard : shards)
            shard.probes = {probes[random() % 16 < 13 ? 0 : random() % 4]};
        Owners owners;
        for (int step = 0; step < 25; ++step) {
            for (PlanMember& each : members) {
                if (random() % 8 == 0) each.accepts = !each.accepts;
                if (random() % 8 == 0) each.capacity = static_cast<int>(random() % 3) * 100;
            }
            if (random() % 4 == 0) members.push_back(member(100 + step));
            if (random() % 4 == 0 && !members.empty()) members.pop_back();
            for (PlanShard& shard : shards) {
                shard.barred.reset();
                if (random() % 20 == 0 && !members.empty()) {
                    shard.barred = members[random() % members.size()].node;
                }
                shard.cost = std::max<std::int64_t>(
                    1, shard.cost * static_cast<std::int64_t>(90 + random() % 21) / 100);
            }
            const ShardPlan plan = plan_shards(members, shards, owners);
            expect_sound(members, shards, owners, plan);
            if (::testing::Test::HasFailure()) FAIL() << "seed " << seed << " step " << step;
            owners = plan.owners;
        }
    }
}

}  // namespace
}  // namespace muster::orchestrator
