#include "orchestrator/assignment_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using znodes::AssignedShard;
using znodes::Role;

const NodeId n1("n1");
const NodeId n2("n2");

/// A view that tests change by hand, and the master's memory between plans.
struct Cluster {
    follow::ClusterView view;
    AssignmentMemory memory;
    AssignmentSettings settings;
    SteadyTime now{std::chrono::hours(1)};
    std::optional<SteadyTime> listening_since;  ///< none: only just, so that nothing stalls

    explicit Cluster(int shards) {
        follow::GroupView& group = view.groups[GroupName("web")];
        group.head.emplace().value.uid = "u1";
        group.spec =
            std::make_shared<const config::GroupSpec>(config::GroupSpec{.name = GroupName("web")});
        group.index = follow::Versioned<znodes::GroupIndex>{
            .value = {.group_uid = "u1", .shards = shards, .shard_size = 1}};
        for (int k = 0; k < shards; ++k) {
            group.shards[k].members = follow::Versioned<znodes::ShardMembers>{
                .value = {.group_uid = "u1", .slots = {{.backend = BackendId("b")}}}};
        }
    }
    void join(const NodeId& node, const std::string& incarnation = "i1") {
        view.members[node].value = {.node = node, .incarnation = incarnation, .probes = {"http"}};
    }
    void drain(const NodeId& node) { view.members.at(node).value.drain = true; }
    void answer_ready(const NodeId& node) {
        std::vector<znodes::AckEntry>& answers = view.acks[node].value.answers;
        for (const AssignedShard& shard : view.assignments[node].value.shards) {
            if (shard.role == Role::warm) answers.push_back({shard.shard, shard.move});
        }
    }
    [[nodiscard]] AssignmentPlan plan() const {
        return plan_assignments(view,
                                7,
                                memory,
                                {.now = now, .listening_since = listening_since.value_or(now)},
                                settings);
    }
    AssignmentPlan plan_and_apply() {
        AssignmentPlan next = plan();
        memory = next.memory;
        for (const auto& [node, document] : next.documents) {
            follow::Versioned<znodes::Assignment>& known = view.assignments[node];
            known.value.incarnation = document.incarnation;
            known.value.shards = document.shards;
            ++known.version;
            known.received = now;
        }
        return next;
    }
    /// All that is said of a shard, as "n1:own", "n1:drain n2:warm".
    [[nodiscard]] std::string holders(int shard) const {
        std::string text;
        for (const auto& [node, document] : view.assignments) {
            for (const AssignedShard& each : document.value.shards) {
                if (each.shard.number != shard) continue;
                text += (text.empty() ? "" : " ") + node.str() +
                        (each.role == Role::own     ? ":own"
                         : each.role == Role::drain ? ":drain"
                                                    : ":warm");
            }
        }
        return text;
    }
};

/// One shard, on its way from n1 (draining) to n2.
Cluster make_moving() {
    Cluster cluster(1);
    cluster.join(n1);
    cluster.plan_and_apply();
    cluster.join(n2);
    cluster.drain(n1);
    cluster.plan_and_apply();
    return cluster;
}

TEST(AssignmentPlan, FreshShardsAreOwnedAtOnceAndThenNothingIsLeftToPlan) {
    Cluster cluster(4);
    cluster.join(n1);
    EXPECT_EQ(cluster.plan_and_apply().owners.size(), 4U);
    for (int k = 0; k < 4; ++k) EXPECT_EQ(cluster.holders(k), "n1:own");
    EXPECT_TRUE(cluster.plan().documents.empty());
}

TEST(AssignmentPlan, AnOrphanGetsANewOwnerAtOnce) {
    Cluster cluster(1);
    cluster.join(n1);
    cluster.plan_and_apply();
    cluster.view.members.erase(n1);
    cluster.join(n2);
    cluster.plan_and_apply();
    EXPECT_EQ(cluster.holders(0), "n2:own");
}

TEST(AssignmentPlan, ADrainingOwnerHandsOverWhenTheHeirIsReady) {
    Cluster cluster = make_moving();
    ASSERT_EQ(cluster.holders(0), "n1:drain n2:warm");
    const AssignedShard from = cluster.view.assignments.at(n1).value.shards.at(0);
    const AssignedShard to = cluster.view.assignments.at(n2).value.shards.at(0);
    EXPECT_NE(from.move, 0);
    EXPECT_EQ(from.move, to.move);
    EXPECT_TRUE(cluster.plan().documents.empty());
    cluster.answer_ready(n2);
    cluster.plan_and_apply();
    EXPECT_EQ(cluster.holders(0), "n2:own");
}

TEST(AssignmentPlan, AnAnswerToAnotherMoveIsNoAnswer) {
    Cluster cluster = make_moving();
    cluster.answer_ready(n2);
    ++cluster.view.acks.at(n2).value.answers.at(0).move;
    EXPECT_TRUE(cluster.plan().documents.empty());
}

TEST(AssignmentPlan, AMoveThatGetsNotReadyInTimeIsCalledOff) {
    Cluster cluster = make_moving();
    cluster.now += cluster.settings.move_limit - 1ns;
    EXPECT_TRUE(cluster.plan().documents.empty());
    cluster.now += 1ns;
    cluster.plan_and_apply();
    EXPECT_EQ(cluster.holders(0), "n1:own");
}

TEST(AssignmentPlan, TheHeirOwnsWhenTheOwnerDiesInBetween) {
    Cluster cluster = make_moving();
    cluster.view.members.erase(n1);
    cluster.plan_and_apply();
    EXPECT_EQ(cluster.holders(0), "n2:own");
}

TEST(AssignmentPlan, TheOwnerOwnsAgainWhenTheHeirDiesInBetween) {
    Cluster cluster = make_moving();
    cluster.view.members.erase(n2);
    cluster.plan_and_apply();
    EXPECT_EQ(cluster.holders(0), "n1:own");
}

TEST(AssignmentPlan, ARestartedWorkerGetsItsShardsButNotItsHalfMadeMoves) {
    Cluster cluster = make_moving();
    const std::int64_t move = cluster.view.assignments.at(n2).value.shards.at(0).move;
    cluster.join(n2, "i2");
    cluster.plan_and_apply();
    EXPECT_EQ(cluster.view.assignments.at(n2).value.incarnation, "i2");
    EXPECT_EQ(cluster.holders(0), "n1:drain n2:warm");
    EXPECT_NE(cluster.view.assignments.at(n2).value.shards.at(0).move, move);

    Cluster settled(1);
    settled.join(n1);
    settled.plan_and_apply();
    settled.join(n1, "i2");
    settled.plan_and_apply();
    EXPECT_EQ(settled.holders(0), "n1:own");
    EXPECT_EQ(settled.view.assignments.at(n1).value.incarnation, "i2");
}

TEST(AssignmentPlan, AWorkerThatWasTooSlowIsBetterThanNone) {
    Cluster cluster = make_moving();
    cluster.now += cluster.settings.move_limit;
    cluster.plan_and_apply();  // called off, and n2 is barred
    ASSERT_EQ(cluster.holders(0), "n1:own");
    cluster.view.members.erase(n1);
    cluster.plan_and_apply();
    EXPECT_EQ(cluster.holders(0), "n2:own");
}

TEST(AssignmentPlan, BalanceWaitsForTheQuietTimeAndItsMovesAreCapped) {
    Cluster cluster(16);
    cluster.settings.moves_in_flight = 2;
    cluster.join(n1);
    cluster.plan_and_apply();
    cluster.join(n2);
    AssignmentPlan plan = cluster.plan_and_apply();
    const auto warm = [&cluster] {
        return std::ranges::count(
            cluster.view.assignments.at(n2).value.shards, Role::warm, &AssignedShard::role);
    };
    EXPECT_EQ(warm(), 0);
    EXPECT_TRUE(plan.again);
    cluster.now += cluster.settings.balance_delay;
    cluster.plan_and_apply();
    EXPECT_EQ(warm(), 2);
}

TEST(AssignmentPlan, AGroupThatCannotBeReadKeepsItsAssignments) {
    Cluster cluster(2);
    cluster.join(n1);
    cluster.plan_and_apply();
    cluster.view.groups.at(GroupName("web")).spec = nullptr;
    EXPECT_TRUE(cluster.plan().documents.empty());
    cluster.view.groups.clear();
    EXPECT_TRUE(cluster.plan().documents.empty());
}

TEST(AssignmentPlan, ADeletedGroupIsDropped) {
    Cluster cluster(2);
    cluster.join(n1);
    cluster.plan_and_apply();
    cluster.view.groups.at(GroupName("web")).head->value.deleted = true;
    cluster.plan_and_apply();
    EXPECT_TRUE(cluster.view.assignments.at(n1).value.shards.empty());
}

TEST(AssignmentPlan, NeverTwoOwnersNeverNoneWhateverHappens) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random(seed);
        const auto dice = [&random](unsigned sides) { return random() % sides; };
        Cluster cluster(12);
        cluster.join(n1);
        for (int step = 0; step < 200; ++step) {
            const NodeId node("n" + std::to_string(1 + dice(4)));
            switch (dice(6)) {
                case 0:
                case 1:  // joins, or restarts
                    cluster.join(node, "i" + std::to_string(step));
                    break;
                case 2:
                    cluster.view.members.erase(node);
                    break;
                case 3:
                    if (cluster.view.members.contains(node)) cluster.drain(node);
                    break;
                default:
                    cluster.answer_ready(node);
            }
            cluster.now += std::chrono::seconds(dice(10));
            EXPECT_EQ(cluster.plan().documents, cluster.plan().documents);
            cluster.plan_and_apply();
            bool someone_accepts = false;
            for (const auto& [id, member] : cluster.view.members)
                someone_accepts = someone_accepts || !member.value.drain;
            std::map<ShardId, int> owners;
            for (const auto& [id, document] : cluster.view.assignments) {
                for (const AssignedShard& shard : document.value.shards) {
                    if (shard.role == Role::warm) continue;
                    ++owners[shard.shard];
                    EXPECT_TRUE(!someone_accepts || cluster.view.members.contains(id));
                }
            }
            if (step == 0 && owners.empty()) break;  // the first worker left before the first plan
            EXPECT_EQ(owners.size(), 12U);
            for (const auto& [shard, count] : owners) EXPECT_EQ(count, 1) << shard.str();
            // A move that was called off makes room for the next; then it is quiet.
            int plans = 0;
            while (plans < 4 && !cluster.plan_and_apply().documents.empty()) ++plans;
            EXPECT_LT(plans, 4);
            ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed << " step " << step;
        }
    }
}

}  // namespace
}  // namespace muster::orchestrator
