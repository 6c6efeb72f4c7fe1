// An agent between a tree and an LB, on a clock that the test moves.
#include "common/base/files.hpp"
#include "tests/agent/agent_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>

namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(AgentTest, DoesWhatTheTreeSays) {
    start();
    clock_.run_for(1s);
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
    tree_.status("web", "UDU");
    clock_.run_for(10ms);
    EXPECT_EQ(lb_.ready(), "b1 b3");
    tree_.status("web", "UUU");
    clock_.run_for(10ms);
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
    EXPECT_EQ(lb_.changes, 3);
}

TEST_F(AgentTest, SendsClientsAwayWhenItsRecordSaysThatItLeaves) {
    instance_ = InstanceId("edge-1-1");
    const auto record = [&](const char* id, bool leaves) {
        znodes::FleetInstanceRecord one{.stamp = {.cluster = "uuid", .token = 1, .writer = "n1"},
                                        .fleet_uid = "fleet-uid",
                                        .phase = znodes::InstancePhase::draining,
                                        .token = "t",
                                        .provider = "local"};
        if (leaves) one.deadline = clock_.wall() + 1min;
        tree_.put(tree_.paths.instance(FleetName("edge"), InstanceId(id)), znodes::encode(one));
    };
    tree_.put(tree_.paths.fleet_state(FleetName("edge")), "of no interest");
    record("edge-1-1", false);
    record("edge-1-2", true);
    start();
    clock_.run_for(1s);
    ASSERT_TRUE(lb_.state);
    EXPECT_FALSE(lb_.state->leaving);
    record("edge-1-1", true);
    clock_.run_for(10ms);
    EXPECT_TRUE(lb_.state->leaving);
    record("edge-1-1", false);
    clock_.run_for(10ms);
    EXPECT_FALSE(lb_.state->leaving) << "taken back";
    EXPECT_THAT(get("/state"), HasSubstr("\"problems\":[]")) << "it reads its own record alone";
}

TEST_F(AgentTest, TakesOutWhatPeopleTakeOut) {
    start();
    clock_.run_for(1s);
    auto backends = FleetTree::backends("b1", "b2", "b3");
    backends[0].admin = config::Admin::drain;
    backends[1].admin = config::Admin::maintenance;
    tree_.group("web", backends);
    clock_.run_for(10ms);
    ASSERT_TRUE(lb_.state);
    const std::vector<Server>& servers = lb_.state->pools.at(0).servers;
    EXPECT_EQ(servers.at(0).state, ServerState::drain);
    EXPECT_EQ(servers.at(1).state, ServerState::maintenance);
    EXPECT_EQ(lb_.ready(), "b3");
    // What is removed is gone without a master, what is new waits for its slot.
    tree_.group("web", FleetTree::backends("b1", "b2", "b4"));
    clock_.run_for(10ms);
    EXPECT_EQ(lb_.ready(), "b1 b2");
    EXPECT_THAT(get("/state"), HasSubstr("1 backends wait for the master"));
    tree_.layout("web", {"b1", "b2", "b3", "b4"});
    clock_.run_for(10ms);
    EXPECT_EQ(lb_.ready(), "b1 b2 b4");
}

TEST_F(AgentTest, FollowsItsFleetToOtherGroups) {
    tree_.group("api", FleetTree::backends("a1"));
    tree_.layout("api", {"a1"});
    tree_.status("api", "U");
    start();
    clock_.run_for(1s);
    EXPECT_EQ(lb_.state->pools.size(), 1U);
    tree_.fleet({"web", "api"});
    clock_.run_for(300ms);
    EXPECT_EQ(lb_.ready("api"), "a1");
    tree_.fleet({"api"});
    clock_.run_for(300ms);
    EXPECT_EQ(lb_.state->pools.size(), 1U);
    EXPECT_EQ(lb_.ready("api"), "a1");
}

TEST_F(AgentTest, KeepsWhatItHasWhileZooKeeperIsAway) {
    start();
    clock_.run_for(1s);
    ensemble_.stop_serving();
    tree_.status("web", "DDD");
    clock_.run_for(1h);
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
    EXPECT_THAT(get("/metrics"), HasSubstr("muster_agent_connected 0"));
    tree_.status("web", "UUD");
    ensemble_.serve();
    clock_.run_for(10s);
    EXPECT_EQ(lb_.ready(), "b1 b2");
    EXPECT_THAT(get("/metrics"), HasSubstr("muster_agent_connected 1"));
}

TEST_F(AgentTest, StartsFromItsFileWithoutZooKeeper) {
    tree_.status("web", "UDU");
    start();
    clock_.run_for(3s);
    end();
    lb_.forget();
    ensemble_.stop_serving();
    start();
    clock_.run_for(1s);
    EXPECT_EQ(lb_.ready(), "nothing");  // ZooKeeper may still answer
    clock_.run_for(2s);
    EXPECT_EQ(lb_.ready(), "b1 b3");
    tree_.status("web", "UUU");
    ensemble_.serve();
    clock_.run_for(10s);
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
}

TEST_F(AgentTest, StartsFromTheLastSpecsThatItCouldRead) {
    start();
    clock_.run_for(3s);
    // As a newer build of the nodes may write them; then the file is written once more.
    const auto spoil = [&](const std::string& path) {
        znodes::GroupHead head =
            *znodes::decode<znodes::GroupHead>(ensemble_.tree().find(path)->data, "uuid");
        head.generation += 100;
        head.spec = R"({"from_the_future":1})";
        head.chunks = {"0123456789abcdef"};
        tree_.put(path, znodes::encode(head));
    };
    spoil(tree_.paths.group_head(GroupName("web")));
    spoil(tree_.paths.head(FleetName("edge")));
    clock_.run_for(3s);
    tree_.status("web", "UDU");
    clock_.run_for(3s);
    EXPECT_EQ(lb_.ready(), "b1 b3");
    end();
    lb_.forget();
    ensemble_.stop_serving();
    start();
    clock_.run_for(5s);
    EXPECT_EQ(lb_.ready(), "b1 b3");
    ensemble_.serve();
    clock_.run_for(10s);
    tree_.status("web", "DUU");
    clock_.run_for(3s);
    EXPECT_EQ(lb_.ready(), "b2 b3") << "and verdicts count as before";
}

TEST_F(AgentTest, KeepsTheLastVerdictsThoughTheLbRefusesWhatItIsTold) {
    tree_.status("web", "UDU");
    start();
    clock_.run_for(3s);
    lb_.fails = true;
    tree_.status("web", "UUU");
    clock_.run_for(3s);
    end();
    lb_.forget();
    lb_.fails = false;
    ensemble_.stop_serving();
    start();
    clock_.run_for(5s);
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
}

TEST_F(AgentTest, DoesNothingWithoutFileAndZooKeeper) {
    ensemble_.stop_serving();
    start();
    clock_.run_for(1h);
    EXPECT_EQ(lb_.calls, 0);
    ensemble_.serve();
    clock_.run_for(10s);
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
}

TEST_F(AgentTest, LeavesTheLbAloneWhenItStartsAndCanNotReadAGroup) {
    const std::string path = tree_.paths.group_head(GroupName("web"));
    const std::string good = ensemble_.tree().find(path)->data;
    tree_.put(path, "garbage");
    start();
    clock_.run_for(20s);
    EXPECT_EQ(lb_.ready(), "nothing") << "it was told";
    ASSERT_TRUE(report());
    EXPECT_EQ(report()->error, "group web can't be read");
    tree_.put(path, good);
    clock_.run_for(5s);
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
}

TEST_F(AgentTest, IsNotImpressedByAFileThatIsNotWhole) {
    start();
    clock_.run_for(3s);
    end();
    lb_.forget();
    const std::string file = (directory_.path() / "last-good").string();
    std::string text = *read_file(file);
    text[text.size() / 2] = '\x01';
    ASSERT_TRUE(replace_file(file, text));
    ensemble_.stop_serving();
    start();
    clock_.run_for(1h);
    EXPECT_EQ(lb_.calls, 0);
}

TEST_F(AgentTest, NothingThatVanishesOrTurnsIntoGarbageChangesTheLb) {
    start();
    clock_.run_for(1s);
    const ShardId shard = FleetTree::shard("web");
    const std::vector<std::string> paths = {
        tree_.paths.control(),
        tree_.paths.head(FleetName("edge")),
        tree_.paths.group_head(GroupName("web")),
        tree_.paths.index(GroupName("web")),
        tree_.paths.shard_members(shard),
        tree_.paths.status(shard),
    };
    for (const char* garbage : {"", "{", "[]", "null", "\xff\xfe", "{\"format\":99}"}) {
        for (const std::string& path : paths) {
            tree_.put(path, garbage);
            clock_.run_for(10s);
            ASSERT_EQ(lb_.ready(), "b1 b2 b3") << path << ": " << garbage;
        }
    }
    for (const std::string& path : paths) {
        ASSERT_TRUE(ensemble_.write({coordination::DeleteOp{.path = path}}).applied());
        clock_.run_for(10s);
        ASSERT_EQ(lb_.ready(), "b1 b2 b3") << path;
    }
    EXPECT_EQ(lb_.changes, 1);
    tree_.make();
    tree_.status("web", "UUD");
    clock_.run_for(10s);
    EXPECT_EQ(lb_.ready(), "b1 b2");
}

TEST_F(AgentTest, DoesNotFollowTheTreeOfAnotherCluster) {
    start();
    clock_.run_for(3s);
    tree_.control("another");
    tree_.status("web", "DDD");
    clock_.run_for(1h);
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
    EXPECT_THAT(get("/state"), HasSubstr(R"("foreign_cluster":"another")"));
    // Not after a restart, either.
    end();
    start();
    clock_.run_for(1h);
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
    tree_.control("uuid");
    clock_.run_for(10s);
    EXPECT_EQ(lb_.ready(), "");
}

TEST_F(AgentTest, TriesAnLbAgainUntilItAnswers) {
    lb_.fails = true;
    start();
    clock_.run_for(10s);
    EXPECT_GE(lb_.calls, 5);
    EXPECT_EQ(running_->agent.answer({.method = "GET", .path = "/healthz"}).status, 503);
    ASSERT_TRUE(report());
    EXPECT_THAT(report()->error, HasSubstr("no socket"));
    lb_.fails = false;
    clock_.run_for(2s);
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
    EXPECT_EQ(running_->agent.answer({.method = "GET", .path = "/healthz"}).status, 200);
    clock_.run_for(2s);
    EXPECT_THAT(report()->error, IsEmpty());
    EXPECT_TRUE(report()->accepting);
}

TEST_F(AgentTest, MendsWhatSomebodyElseHasDoneToTheLb) {
    start();
    clock_.run_for(3s);
    lb_.state->pools.clear();
    clock_.run_for(6s);
    EXPECT_EQ(lb_.ready(), "b1 b2 b3");
    EXPECT_THAT(get("/metrics"), HasSubstr("muster_agent_repairs_total 1"));
}

TEST_F(AgentTest, SendsAFlipBeforeAnyOtherWork) {
    lb_.quick = true;
    start();
    clock_.run_for(3s);
    const std::string file = (directory_.path() / "last-good").string();
    const std::string kept = *read_file(file);
    clock_.run_for(200ms);  // away from the ticks
    lb_.log.clear();
    tree_.status("web", "UDU");
    clock_.run_for(20ms);
    EXPECT_EQ(lb_.ready(), "b1 b3");
    EXPECT_EQ(lb_.log, "change ") << "no look, no check";
    EXPECT_EQ(*read_file(file), kept);
    EXPECT_THAT(get("/metrics"), HasSubstr("muster_agent_apply_seconds_count 1"));
    // Others that follow at once go before it is read back, which is then done once.
    tree_.status("web", "DDU");
    clock_.run_for(20ms);
    EXPECT_EQ(lb_.ready(), "b3");
    EXPECT_EQ(lb_.log, "change change ");
    clock_.run_for(150ms);
    EXPECT_EQ(lb_.log, "change change confirm ");
    clock_.run_for(1s);
    EXPECT_NE(*read_file(file), kept);
}

TEST_F(AgentTest, ReadsBackWithinSecondsWhateverElseChanges) {
    lb_.quick = true;
    start();
    clock_.run_for(3s);
    lb_.log.clear();
    for (int i = 0; i < 100; ++i) {
        tree_.status("web", i % 2 == 0 ? "UDU" : "UUU");
        clock_.run_for(60ms);
    }
    EXPECT_THAT(lb_.log, HasSubstr("apply check "));
    EXPECT_GE(lb_.changes, 100);
}

TEST_F(AgentTest, MendsWhatItFindsWhenItReadsBack) {
    lb_.quick = true;
    start();
    clock_.run_for(3s);
    lb_.to_mend = 2;
    clock_.run_for(1s);
    EXPECT_EQ(lb_.to_mend, 0);
    EXPECT_THAT(get("/metrics"), HasSubstr("muster_agent_repairs_total 1"));
    // One that is gone is noticed by the next look at its process, and tried until it is back.
    lb_.fails = true;
    clock_.run_for(1s);
    EXPECT_EQ(running_->agent.answer({.method = "GET", .path = "/healthz"}).status, 503);
    EXPECT_THAT(get("/metrics"), HasSubstr("muster_agent_in_step 0"));
    lb_.log.clear();
    lb_.fails = false;
    tree_.status("web", "UDU");
    clock_.run_for(1s);
    EXPECT_THAT(lb_.log, testing::StartsWith("apply check "));
    EXPECT_EQ(lb_.ready(), "b1 b3");
}

TEST_F(AgentTest, SaysWhatItHasApplied) {
    start();
    clock_.run_for(3s);
    const auto first = report();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->generations.at(GroupName("web")), 2);
    EXPECT_EQ(first->fleet_generation, 1);
    tree_.status("web", "UUD");
    const WallTime written = clock_.wall();
    clock_.run_for(3s);
    EXPECT_EQ(report()->status_time, written);
    EXPECT_THAT(get("/metrics"), HasSubstr("muster_agent_apply_seconds_count 1"));
    // With the session it goes.
    end();
    EXPECT_FALSE(report());
}

TEST_F(AgentTest, GivesABackendThatCameUpItsWeightByAndBy) {
    auto backends = FleetTree::backends("b1", "b2", "b3");
    for (config::Backend& backend : backends) backend.slow_start = 10s;
    tree_.group("web", backends);
    znodes::ShardStatus status{
        .stamp = {.cluster = "uuid", .token = 1, .writer = "n1"},
        .group_uid = "web-uid",
        .time = clock_.wall(),
        .letters = {znodes::Letter::up, znodes::Letter::up, znodes::Letter::up},
        .details = {{0, {.since = clock_.wall()}}}};
    tree_.put(tree_.paths.status(FleetTree::shard("web")), znodes::encode(status));
    start();
    clock_.run_for(1s);
    const auto weight = [&] { return lb_.state->pools.at(0).servers.at(0).weight; };
    EXPECT_LT(weight(), 30);
    clock_.run_for(5s);
    EXPECT_GT(weight(), 40);
    EXPECT_LT(weight(), 80);
    clock_.run_for(5s);
    EXPECT_EQ(weight(), 100);
}

}  // namespace
}  // namespace muster::agent
