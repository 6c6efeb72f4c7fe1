// Which generation of a group an agent's LB has, while the master writes rollouts.
#include "common/base/files.hpp"
#include "tests/agent/agent_fixture.hpp"

#include <gmock/gmock.h>

namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using znodes::WaveVerdict;

/// lb2 beside a group whose first generation has b1, b2, b3, and whose second has b2, b3, b4.
class RolloutTest : public AgentTest {
 protected:
    RolloutTest() {
        instance_ = InstanceId("lb2");
        first_ = tree_.generation();
        tree_.layout("web", {"b1", "b2", "b3", "b4"});
        tree_.status("web", "UUUU");
    }

    /// As the API and the master do it: what is under way is known before the head is.
    void begin() {
        tree_.rollout("web", first_, first_ + 1, canary(WaveVerdict::watching));
        tree_.group("web", second());
        clock_.run_for(1s);
    }
    static std::vector<config::Backend> second() {
        auto backends = FleetTree::backends("b1", "b2", "b3", "b4");
        backends.erase(backends.begin());
        return backends;
    }
    static std::vector<znodes::RolloutWave> canary(WaveVerdict verdict,
                                                   WaveVerdict others = WaveVerdict::waiting) {
        return {{.members = {{FleetName("edge"), {InstanceId("lb1")}}}, .verdict = verdict},
                {.members = {{FleetName("edge"), {InstanceId("lb2")}}}, .verdict = others}};
    }
    void start_and_settle() {
        start();
        clock_.run_for(3s);
    }
    [[nodiscard]] std::int64_t applied() const {
        return report()->generations.at(GroupName("web"));
    }
    /// b1 is not probed any more once the second is there: the first without it.
    void expect_first() const {
        EXPECT_EQ(lb_.ready(), "b2 b3");
        EXPECT_EQ(applied(), first_);
    }
    void expect_second() const {
        EXPECT_EQ(lb_.ready(), "b2 b3 b4");
        EXPECT_EQ(applied(), first_ + 1);
    }
    void end_and_restart_without_zookeeper() {
        end();
        lb_.forget();
        ensemble_.stop_serving();
        start();
        clock_.run_for(5s);
    }

    std::int64_t first_ = 0;
};

TEST_F(RolloutTest, WithoutOneTheNewestIsApplied) {
    start_and_settle();
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
    tree_.group("web", second());
    clock_.run_for(3s);
    expect_second();
}

TEST_F(RolloutTest, AnLbStaysOnTheStableGenerationUntilItsWave) {
    start_and_settle();
    begin();
    expect_first();
    tree_.rollout("web", first_, first_ + 1, canary(WaveVerdict::passed, WaveVerdict::watching));
    clock_.run_for(3s);
    expect_second();
}

TEST_F(RolloutTest, ACanaryGoesFirst) {
    instance_ = InstanceId("lb1");
    start_and_settle();
    begin();
    clock_.run_for(3s);
    expect_second();
}

TEST_F(RolloutTest, ACanaryGoesBackWhenItsWaveFails) {
    instance_ = InstanceId("lb1");
    start_and_settle();
    begin();
    tree_.rollout("web", first_, first_ + 1, canary(WaveVerdict::failed));
    clock_.run_for(3s);
    expect_first();
}

TEST_F(RolloutTest, ACanaryGoesBackThoughHistoryIsGone) {
    // It has read the stable generation at the beginning.
    instance_ = InstanceId("lb1");
    start_and_settle();
    begin();
    ASSERT_TRUE(
        ensemble_
            .write({coordination::DeleteOp{.path = tree_.paths.history(GroupName("web"), first_)}})
            .applied());
    tree_.rollout("web", first_, first_ + 1, canary(WaveVerdict::failed));
    clock_.run_for(3s);
    expect_first();
}

TEST_F(RolloutTest, AnAgentThatStartsMeanwhileReadsTheStableOneFromHistory) {
    begin();
    start_and_settle();
    expect_first();
}

TEST_F(RolloutTest, WhatHasEndedHoldsTheLbWhereItIs) {
    start_and_settle();
    tree_.rollout("web", first_, first_);
    tree_.group("web", second());
    clock_.run_for(3s);
    expect_first();
}

TEST_F(RolloutTest, OneThatVanishesChangesNothing) {
    start_and_settle();
    begin();
    ASSERT_TRUE(
        ensemble_.write({coordination::DeleteOp{.path = tree_.paths.rollout(GroupName("web"))}})
            .applied());
    clock_.run_for(1h);
    expect_first();
    ASSERT_TRUE(
        ensemble_.write({coordination::DeleteOp{.path = tree_.paths.rollouts()}}).applied());
    clock_.run_for(1h);
    expect_first();
    tree_.rollout("web", first_ + 1, first_ + 1);
    clock_.run_for(3s);
    expect_second();
}

TEST_F(RolloutTest, GarbageChangesNothing) {
    start_and_settle();
    begin();
    for (const char* garbage :
         {"", "{", "[]", "null", "\xff\xfe", R"({"v":99})", R"({"v":1,"cluster":"other"})"}) {
        tree_.put(tree_.paths.rollout(GroupName("web")), garbage);
        clock_.run_for(10s);
        expect_first();
    }
    EXPECT_THAT(get("/state"), HasSubstr("/rollouts/web"));
}

TEST_F(RolloutTest, GarbageFromTheBeginningHoldsWhatIsApplied) {
    start_and_settle();
    tree_.put(tree_.paths.rollout(GroupName("web")), "{");
    clock_.run_for(1s);
    tree_.group("web", second());
    clock_.run_for(3s);
    expect_first();
}

TEST_F(RolloutTest, ANewLbGetsTheNewestWhenAllElseIsGarbage) {
    tree_.put(tree_.paths.rollout(GroupName("web")), "{");
    tree_.group("web", second());
    start_and_settle();
    expect_second();
}

TEST_F(RolloutTest, AnAssignedGenerationThatWasPrunedLeavesWhatTheLbHas) {
    start_and_settle();
    tree_.rollout("web", first_ + 50, first_ + 50);
    tree_.group("web", second());
    clock_.run_for(3s);
    expect_first();
    EXPECT_THAT(get("/state"), HasSubstr("can't be read"));
}

TEST_F(RolloutTest, HistoryOfAnotherGroupsLifeIsNotApplied) {
    tree_.group("web", second());
    znodes::GroupHead head = *znodes::decode<znodes::GroupHead>(
        ensemble_.tree().find(tree_.paths.history(GroupName("web"), first_))->data, "uuid");
    head.uid = "an earlier one";
    tree_.put(tree_.paths.history(GroupName("web"), first_), znodes::encode(head));
    tree_.rollout("web", first_, first_ + 1);
    start_and_settle();
    expect_second();
}

TEST_F(RolloutTest, DrainAndMaintenanceOfTheNewestActAtOnce) {
    start_and_settle();
    auto backends = second();
    backends[0].admin = config::Admin::drain;
    backends[1].admin = config::Admin::maintenance;
    tree_.rollout("web", first_, first_ + 1);
    tree_.group("web", backends);
    clock_.run_for(3s);
    EXPECT_EQ(lb_.ready(), "");
    EXPECT_EQ(applied(), first_);
    EXPECT_EQ(lb_.state->pools.at(0).servers.at(1).state, ServerState::drain);
    EXPECT_EQ(lb_.state->pools.at(0).servers.at(2).state, ServerState::maintenance);
}

TEST_F(RolloutTest, ADrainThatTheNewestHasEndedIsOver) {
    auto backends = FleetTree::backends("b1", "b2", "b3");
    backends[1].admin = config::Admin::drain;
    tree_.group("web", backends);
    first_ = tree_.generation();
    start_and_settle();
    EXPECT_EQ(lb_.ready(), "b1 b3");
    begin();
    expect_first();
}

TEST_F(RolloutTest, NewBackendsEverywhereDoNotEmptyAnLbOnTheStableGeneration) {
    start_and_settle();
    auto others = FleetTree::backends("c1", "c2", "c3");
    tree_.rollout("web", first_, first_ + 1);
    tree_.group("web", others);
    tree_.layout("web", {"c1", "c2", "c3"});
    tree_.status("web", "UUU");
    clock_.run_for(3s);
    // All of its backends count as DOWN. These tests' groups have no panic; the default has.
    EXPECT_EQ(lb_.ready(), "");
    tree_.panic_enter_percent = 50;
    tree_.group("web", FleetTree::backends("b1", "b2", "b3"));
    first_ = tree_.generation();
    tree_.rollout("web", first_, first_);
    tree_.layout("web", {"b1", "b2", "b3"});
    tree_.status("web", "UUU");
    clock_.run_for(3s);
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
    tree_.group("web", others);
    tree_.layout("web", {"c1", "c2", "c3"});
    clock_.run_for(3s);
    EXPECT_EQ(applied(), first_);
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
}

TEST_F(RolloutTest, ABackendThatHasMovedIsNotJudgedByItsNewAddress) {
    start_and_settle();
    auto moved = FleetTree::backends("b1", "b2", "b3");
    moved[0].address = "10.9.9.9";
    tree_.rollout("web", first_, first_ + 1);
    tree_.group("web", moved);
    clock_.run_for(3s);
    EXPECT_EQ(lb_.ready(), "b2 b3");
    EXPECT_EQ(lb_.state->pools.at(0).servers.at(0).address, "10.0.0.1");
}

TEST_F(RolloutTest, ARestartWithoutZooKeeperStaysOnTheStableGeneration) {
    start_and_settle();
    begin();
    clock_.run_for(3s);
    end_and_restart_without_zookeeper();
    EXPECT_EQ(lb_.ready(), "b2 b3");
    ensemble_.serve();
    clock_.run_for(10s);
    expect_first();
    tree_.rollout("web", first_ + 1, first_ + 1);
    clock_.run_for(3s);
    expect_second();
}

TEST_F(RolloutTest, ARestartWithoutZooKeeperStaysThoughHistoryIsGone) {
    start_and_settle();
    begin();
    ASSERT_TRUE(
        ensemble_
            .write({coordination::DeleteOp{.path = tree_.paths.history(GroupName("web"), first_)}})
            .applied());
    clock_.run_for(3s);
    end_and_restart_without_zookeeper();
    EXPECT_EQ(lb_.ready(), "b2 b3");
    ensemble_.serve();
    clock_.run_for(1h);
    expect_first();
}

TEST_F(RolloutTest, ARestartWithoutZooKeeperKeepsWhatAPrunedGenerationHasLeft) {
    start_and_settle();
    tree_.rollout("web", first_ + 50, first_ + 50);
    tree_.group("web", second());
    clock_.run_for(3s);
    expect_first();
    end_and_restart_without_zookeeper();
    EXPECT_EQ(lb_.ready(), "b2 b3");
    ensemble_.serve();
    clock_.run_for(10s);
    expect_first();
}

TEST_F(RolloutTest, OfAnEarlierGroupOfThatNameSaysNothing) {
    start_and_settle();
    tree_.put(tree_.paths.rollout(GroupName("web")),
              znodes::encode(znodes::Rollout{.stamp = {.cluster = "uuid"},
                                             .group_uid = "an earlier one",
                                             .stable = first_,
                                             .candidate = first_}));
    tree_.group("web", second());
    clock_.run_for(3s);
    expect_second();
}

TEST_F(RolloutTest, OfAGroupThatTheFleetNamesLaterIsReadBeforeTheGroupIsServed) {
    tree_.group("api", FleetTree::backends("a1"));
    const std::int64_t stable = tree_.generation();
    tree_.group("api", FleetTree::backends("a1", "a2"));
    tree_.layout("api", {"a1", "a2"});
    tree_.status("api", "UU");
    tree_.rollout("api", stable, stable);
    start_and_settle();
    tree_.fleet({"web", "api"});
    clock_.run_for(3s);
    EXPECT_EQ(lb_.ready("api"), "a1");
    // Released: it follows the newest, as without a rollout.
    tree_.put(tree_.paths.rollout(GroupName("api")),
              znodes::encode(znodes::Rollout{
                  .stamp = {.cluster = "uuid"}, .group_uid = "api-uid", .released = true}));
    clock_.run_for(3s);
    EXPECT_EQ(lb_.ready("api"), "a1 a2");
}

}  // namespace
}  // namespace muster::agent
