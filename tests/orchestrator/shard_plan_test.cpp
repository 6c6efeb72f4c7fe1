#include "orchestrator/shard_plan.hpp"

#include "orchestrator/rendezvous.hpp"
#include "tests/orchestrator/plan_cases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace muster::orchestrator {
namespace {

using namespace testing;

TEST(Rendezvous, HashesAreTheSameInEveryBuild) {
    EXPECT_EQ(stable_hash("n1"), 0x5badd04f049599a9U);
    EXPECT_EQ(stable_hash(shard_id(7)), 0x48fdcadf76d6305bU);
}

TEST(Rendezvous, WorkersWinByTheirShareOfTheCapacity) {
    std::vector<PlanMember> members = make_members(4);
    members[3].capacity = 300;
    std::map<NodeId, int> won;
    for (int number = 0; number < 20'000; ++number) {
        const auto best = std::ranges::max_element(members, {}, [&](const PlanMember& each) {
            return rendezvous_score(shard_id(number), each);
        });
        ++won[best->node];
    }
    // 1/6, 1/6, 1/6, 1/2; six standard deviations.
    for (int number = 1; number <= 3; ++number) {
        EXPECT_NEAR(won[member(number).node], 3'333, 320);
    }
    EXPECT_NEAR(won[member(4).node], 10'000, 430);
}

TEST(Rendezvous, ALeaverChangesNobodyElsesWinner) {
    const std::vector<PlanMember> members = make_members(5);
    for (int number = 0; number < 1'000; ++number) {
        const auto score = [&](const PlanMember& each) {
            return rendezvous_score(shard_id(number), each);
        };
        const auto with = std::ranges::max_element(members, {}, score);
        const auto without =
            std::ranges::max_element(members.begin(), members.end() - 1, {}, score);
        if (with->node != members.back().node) EXPECT_EQ(without->node, with->node);
    }
}

TEST(ShardPlan, NothingToPlace) {
    EXPECT_EQ(plan_shards({}, {}, {}), ShardPlan{});
    EXPECT_EQ(plan_shards(make_members(3), {}, {}), ShardPlan{});
    EXPECT_EQ(plan_shards(make_members(3), {}, {{shard_id(1), NodeId("n1")}}), ShardPlan{});
}

TEST(ShardPlan, WithoutWorkersEverythingIsUnplaceable) {
    const ShardPlan plan = plan_shards({}, make_equal_shards(3), {{shard_id(1), NodeId("n1")}});
    EXPECT_EQ(plan.unplaceable, (std::vector<ShardId>{shard_id(0), shard_id(1), shard_id(2)}));
    EXPECT_TRUE(plan.owners.empty());
    EXPECT_TRUE(plan.moves.empty());
}

TEST(ShardPlan, FewShardsAreSpreadOverAllWorkers) {
    for (int workers = 1; workers <= 6; ++workers) {
        const auto members = make_members(workers);
        const auto shards = make_equal_shards(2 * workers);
        const ShardPlan plan = plan_shards(members, shards, {});
        for (const auto& [node, load] : loads(members, shards, plan.owners)) {
            EXPECT_EQ(load, 200) << workers << " workers, " << node.str();
        }
        expect_sound(members, shards, {}, plan);
    }
}

TEST(ShardPlan, GivesTheReasonOfEachMove) {
    std::vector<PlanMember> members = make_members(4);
    members[1].accepts = false;   // n2 drains
    members[2].probes = {"tcp"};  // n3 has lost its http probe
    const std::vector<PlanShard> shards = {
        {.shard = shard_id(0), .probes = {"tcp"}},
        {.shard = shard_id(1), .probes = {"http"}},
        {.shard = shard_id(2), .probes = {"http"}, .barred = NodeId("n1")},
        {.shard = shard_id(3), .probes = {"http"}},
        {.shard = shard_id(4), .probes = {"grpc"}},
        {.shard = shard_id(5), .probes = {"tcp"}},
        {.shard = shard_id(6), .probes = {"http"}},
    };
    const Owners current = {
        {shard_id(0), NodeId("n3")},
        {shard_id(1), NodeId("n2")},
        {shard_id(2), NodeId("n1")},
        {shard_id(3), NodeId("n3")},
        {shard_id(4), NodeId("n1")},
        {shard_id(5), NodeId("gone")},
    };
    const ShardPlan plan = plan_shards(members, shards, current);
    std::map<ShardId, MoveReason> reasons;
    for (const Move& move : plan.moves) reasons[move.shard] = move.reason;
    EXPECT_EQ(reasons,
              (std::map<ShardId, MoveReason>{{shard_id(1), MoveReason::drain},
                                             {shard_id(2), MoveReason::barred},
                                             {shard_id(3), MoveReason::probe},
                                             {shard_id(5), MoveReason::orphan},
                                             {shard_id(6), MoveReason::unassigned}}));
    EXPECT_EQ(plan.owners.at(shard_id(2)), NodeId("n4"));
    EXPECT_EQ(plan.unplaceable, (std::vector<ShardId>{shard_id(4)}));
    expect_sound(members, shards, current, plan);
}

TEST(ShardPlan, BalanceIsAReason) {
    const auto shards = make_equal_shards(40);
    Owners current;
    for (const PlanShard& shard : shards) current[shard.shard] = NodeId("n1");
    const ShardPlan plan = plan_shards(make_members(2), shards, current);
    EXPECT_FALSE(plan.moves.empty());
    for (const Move& move : plan.moves) {
        EXPECT_EQ(move.reason, MoveReason::balance);
        EXPECT_EQ(move.from, NodeId("n1"));
        EXPECT_EQ(move.to, NodeId("n2"));
    }
}

TEST(ShardPlan, ADrainingWorkerShedsAllThatAnotherCanTake) {
    auto members = make_members(3);
    const auto shards = make_shards(120, 1);
    const ShardPlan before = plan_shards(members, shards, {});
    members[0].accepts = false;
    const ShardPlan plan = plan_shards(members, shards, before.owners);
    EXPECT_EQ(loads(members, shards, plan.owners).at(NodeId("n1")), 0);
    expect_sound(members, shards, before.owners, plan);
    // When all drain, nothing moves and nothing is lost.
    for (PlanMember& each : members) each.accepts = false;
    const ShardPlan all = plan_shards(members, shards, plan.owners);
    EXPECT_EQ(all.owners, plan.owners);
    EXPECT_TRUE(all.moves.empty());
}

TEST(ShardPlan, WhoMakesNoProgressKeepsOnlyWhatNobodyElseCanTake) {
    std::vector<PlanShard> shards = make_equal_shards(2);
    shards[0].barred = NodeId("n1");
    shards[1].barred = NodeId("n1");
    shards[1].probes = {"tcp"};
    auto members = make_members(2);
    members[1].probes = {"http"};
    const ShardPlan plan =
        plan_shards(members, shards, {{shard_id(0), NodeId("n1")}, {shard_id(1), NodeId("n1")}});
    EXPECT_EQ(plan.owners, (Owners{{shard_id(0), NodeId("n2")}, {shard_id(1), NodeId("n1")}}));
}

TEST(ShardPlan, CapacityIsRespected) {
    auto members = make_members(4);
    members[0].capacity = 300;
    members[1].capacity = 0;
    const auto shards = make_shards(400, 2);
    const ShardPlan plan = plan_shards(members, shards, {});
    const auto load = loads(members, shards, plan.owners);
    const auto share = static_cast<double>(total_cost(shards)) / 5;
    EXPECT_LE(static_cast<double>(load.at(NodeId("n1"))), 1.05 * 3 * share);
    EXPECT_GE(static_cast<double>(load.at(NodeId("n1"))), 0.875 * 3 * share);
    EXPECT_EQ(load.at(NodeId("n2")), 0);
    EXPECT_LE(static_cast<double>(load.at(NodeId("n3"))), 1.05 * share);
}

TEST(ShardPlan, WorkersWithARareProbeAreSparedTheRest) {
    // Only n1 can run grpc, which is more than its share; n4 joins with nothing.
    auto members = make_members(4);
    members[0].probes.insert(members[0].probes.begin(), "grpc");
    auto shards = make_equal_shards(80);
    for (std::size_t i = 0; i < 40; ++i) shards[i].probes = {"grpc"};
    Owners current;
    for (std::size_t i = 0; i < 80; ++i) {
        current[shards[i].shard] = i < 40 ? NodeId("n1") : i % 2 == 0 ? NodeId("n2") : NodeId("n3");
    }
    const ShardPlan plan = plan_shards(members, shards, current);
    const auto load = loads(members, shards, plan.owners);
    EXPECT_EQ(load.at(NodeId("n1")), 4'000);
    for (const char* node : {"n2", "n3", "n4"}) {
        EXPECT_GE(load.at(NodeId(node)), 1'200) << node;
        EXPECT_LE(load.at(NodeId(node)), 1'500) << node;
    }
    expect_sound(members, shards, current, plan);
}

TEST(ShardPlan, VoluntaryMovesStayWithinTheirBudget) {
    const auto shards = make_shards(400, 3);
    const ShardPlan before = plan_shards(make_members(4), shards, {});
    const auto members = make_members(5);
    const auto budget = static_cast<double>(total_cost(shards)) * 0.02;
    Owners owners = before.owners;
    int rounds = 0;
    for (; rounds < 30; ++rounds) {
        const ShardPlan plan = plan_shards(members, shards, owners, {.voluntary_share = 0.02});
        if (plan.moves.empty()) break;
        // One shard may be heavier than the budget.
        if (plan.moves.size() > 1) {
            EXPECT_LE(static_cast<double>(moved_cost(shards, plan)), budget);
        }
        owners = plan.owners;
    }
    EXPECT_GE(rounds, 9);  // the joiner's 91 % of a fifth, in steps of 2 %
    EXPECT_LE(rounds, 15);
    EXPECT_LE(max_over_mean(members, shards, owners), 1.05);
    // Without any, a joiner waits; orphans don't.
    EXPECT_TRUE(plan_shards(members, shards, before.owners, {.voluntary_share = 0}).moves.empty());
    const ShardPlan orphans =
        plan_shards(make_members(3), shards, before.owners, {.voluntary_share = 0});
    EXPECT_FALSE(orphans.moves.empty());
    for (const Move& move : orphans.moves) EXPECT_EQ(move.reason, MoveReason::orphan);
}

TEST(ShardPlan, TheOrderOfTheInputDecidesNothing) {
    std::mt19937 random(4);
    for (unsigned seed = 1; seed <= 10; ++seed) {
        auto shards = make_shards(300, seed);
        const Owners current = plan_shards(make_members(7), shards, {}).owners;
        auto members = make_members(9);
        members.erase(members.begin() + 2);
        const ShardPlan plan = plan_shards(members, shards, current);
        EXPECT_EQ(plan_shards(members, shards, current), plan);
        std::ranges::shuffle(members, random);
        std::ranges::shuffle(shards, random);
        EXPECT_EQ(plan_shards(members, shards, current), plan);
    }
}

TEST(ShardPlan, AWorkerThatComesRightBackHasLostNothingToBalance) {
    // Gone and back between two plans: its shards are still its own.
    const auto members = make_members(5);
    const auto shards = make_shards(400, 5);
    const Owners owners = plan_shards(members, shards, {}).owners;
    EXPECT_TRUE(plan_shards(members, shards, owners).moves.empty());
}

}  // namespace
}  // namespace muster::orchestrator
