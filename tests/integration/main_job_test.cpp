// The main job on real parts: three musterd processes, three ZooKeeper servers, backends that
// remember who asked.
#include "tests/cluster/cluster.hpp"
#include "tests/support/eventually.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <set>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using follow::ClusterView;
using znodes::Letter;

class MainJob : public testing::Test {
 protected:
    static constexpr std::size_t backends = 12;

    void SetUp() override {
        cluster.apply(make_group(responder, "web", 0, 6, 500ms, 2));
        cluster.apply(make_group(responder, "app", 6, 6, 500ms, 2));
        ASSERT_TRUE(cluster.wait_all_up(20s));
        ASSERT_TRUE(cluster.wait_members(3, 20s));
    }

    bool wait_count(std::chrono::nanoseconds limit, Letter letter, std::size_t wanted) {
        return cluster.observer().wait(limit, [&](const follow::ClusterView& view) {
            return Observer::count(view, letter) == wanted;
        });
    }
    /// Whether every shard has a living owner again.
    bool wait_owned(std::chrono::nanoseconds limit) {
        return cluster.observer().wait(limit, [](const follow::ClusterView& view) {
            const auto owners = Observer::owners(view);
            return owners.size() == 6 && std::ranges::all_of(owners, [&](const auto& item) {
                       return view.members.contains(item.second);
                   });
        });
    }
    void expect_no_wrong_verdict() {
        for (const Observer::VerdictChange& change : cluster.observer().verdict_changes()) {
            EXPECT_NE(change.to, Letter::down) << change.backend.str() << " was declared DOWN by "
                                               << change.writer << " although it answered";
        }
    }

    Responder responder{backends};
    Cluster cluster;
};

TEST_F(MainJob, SharesOutTheShardsAndPublishesWhatItFinds) {
    std::set<NodeId> workers;
    for (const auto& [shard, node] : Observer::owners(cluster.observer().view()))
        workers.insert(node);
    EXPECT_EQ(workers.size(), 3U) << "every node has work";

    cluster.observer().forget();
    responder.set(3, Responder::Behaviour::failing);
    EXPECT_TRUE(wait_count(10s, Letter::down, 1));
    responder.set(4, Responder::Behaviour::hanging);
    EXPECT_TRUE(wait_count(10s, Letter::down, 2));
    responder.set(5, Responder::Behaviour::reset);
    EXPECT_TRUE(wait_count(10s, Letter::down, 3));
    responder.set_all(Responder::Behaviour::healthy);
    EXPECT_TRUE(wait_count(10s, Letter::up, backends));
    EXPECT_EQ(cluster.get(1, "/api/v1/dns/fence").status, 409) << "it publishes no names";
    // A node's own view follows a moment after the observer's.
    EXPECT_TRUE(eventually(5s, [&] {
        const auto answer = cluster.get(1, "/api/v1/backends?state=up");
        return answer.status == 200 && answer.body.find(responder.address(3)) != std::string::npos;
    }));
}

TEST_F(MainJob, AnyNodeExplainsABackendByTheResultsOfItsOwner) {
    const auto owners = Observer::owners(cluster.observer().view());
    const NodeId owner = owners.at({.group = GroupName("web"), .number = 0});
    const znodes::ShardMembers members =
        cluster.observer().view().groups.at(GroupName("web")).shards.at(0).members->value;
    const std::string backend = members.slots.at(0).backend.str();
    const std::string from = "\"recent\":{\"from\":\"" + owner.str() + "\"";
    for (std::size_t node = 0; node < cluster.size(); ++node) {
        Cluster::HttpAnswer answer;
        EXPECT_TRUE(eventually(5s,
                               [&] {
                                   answer = cluster.get(node, "/api/v1/backends/web/" + backend);
                                   return answer.status == 200 &&
                                          answer.body.find(from) != std::string::npos &&
                                          answer.body.find("\"result\":\"success\"") !=
                                              std::string::npos;
                               }))
            << Cluster::name(node).str() << " says " << answer.body;
    }
}

TEST_F(MainJob, TellsWhoChangedWhat) {
    (void)cluster.post(0, "/api/v1/pause", R"({"dns": true})");
    for (const char* expected : {R"("action":"created","object":"web")",
                                 R"("action":"created","object":"app")",
                                 R"("action":"paused")",
                                 "paused now: dns"}) {
        // Another node's ZooKeeper server may be a moment behind.
        Cluster::HttpAnswer answer;
        EXPECT_TRUE(eventually(5s,
                               [&] {
                                   answer = cluster.get(2, "/api/v1/audit");
                                   return answer.status == 200 &&
                                          answer.body.find(expected) != std::string::npos;
                               }))
            << expected << " is not in " << answer.body;
    }
}

TEST_F(MainJob, ReplacesAMasterWhoseProcessIsKilled) {
    const std::size_t old = cluster.master().value();
    cluster.observer().forget();
    responder.reset_gaps();
    cluster.kill_process(old);
    ASSERT_TRUE(cluster.observer().wait(10s, [&](const follow::ClusterView& view) {
        return view.epoch && view.epoch->value.node != Cluster::name(old) &&
               view.members.size() == 2;
    }));
    EXPECT_TRUE(wait_owned(10s));
    EXPECT_TRUE(eventually(10s, [&] { return !cluster.running(old); }))
        << "the guardian ends with its child";
    cluster.start(old);
    EXPECT_TRUE(cluster.wait_members(3, 30s));
    EXPECT_TRUE(wait_count(10s, Letter::up, backends));
    expect_no_wrong_verdict();
    RecordProperty("longest_gap_ms", static_cast<int>(responder.longest_gap() / 1ms));
}

TEST_F(MainJob, ReplacesAHostThatVanishes) {
    const std::size_t old = cluster.master().value();
    cluster.observer().forget();
    cluster.kill_host(old);
    ASSERT_TRUE(cluster.observer().wait(15s, [&](const follow::ClusterView& view) {
        return view.epoch && view.epoch->value.node != Cluster::name(old);
    }));
    EXPECT_TRUE(wait_owned(10s));
    EXPECT_TRUE(wait_count(10s, Letter::up, backends));
    expect_no_wrong_verdict();
}

TEST_F(MainJob, SurvivesAPausedMaster) {
    const std::size_t old = cluster.master().value();
    const std::int64_t epoch = cluster.observer().view().epoch->version;
    cluster.observer().forget();
    cluster.pause(old);
    ASSERT_TRUE(cluster.observer().wait(15s, [&](const follow::ClusterView& view) {
        return view.epoch && view.epoch->version > epoch && view.members.size() == 2;
    }));
    cluster.resume(old);
    EXPECT_TRUE(cluster.wait_members(3, 30s)) << "the deposed master comes back as a worker";
    EXPECT_TRUE(wait_owned(10s));
    EXPECT_TRUE(wait_count(10s, Letter::up, backends));
    expect_no_wrong_verdict();
}

TEST_F(MainJob, HandsItsShardsOverBeforeItLeaves) {
    const std::size_t leaver = cluster.master().value();
    cluster.observer().forget();
    responder.reset_gaps();
    const ExitStatus status = cluster.terminate(leaver, 40s);
    EXPECT_EQ(status.code, 0) << cluster.output(leaver);
    EXPECT_TRUE(wait_owned(5s));
    EXPECT_TRUE(wait_count(5s, Letter::up, backends));
    expect_no_wrong_verdict();
}

TEST_F(MainJob, KeepsEverythingWhileZooKeeperIsDown) {
    cluster.observer().forget();
    for (std::size_t i = 0; i < 3; ++i) cluster.zookeeper().kill(i);
    const std::uint64_t before = responder.probes();
    ASSERT_TRUE(eventually(20s, [&] { return responder.probes() > before + 10 * backends; }))
        << "probing goes on";
    const auto answer = cluster.get(0, "/api/v1/backends?state=up");
    EXPECT_EQ(answer.status, 200) << "the API answers from what it has";
    EXPECT_NE(answer.body.find("cached"), std::string::npos);
    responder.set(7, Responder::Behaviour::failing);
    const std::uint64_t then = responder.probes();
    ASSERT_TRUE(eventually(20s, [&] { return responder.probes() > then + 10 * backends; }));
    for (std::size_t i = 0; i < 3; ++i) cluster.zookeeper().start(i);
    EXPECT_TRUE(wait_count(30s, Letter::down, 1)) << "what happened meanwhile is published";
    EXPECT_TRUE(wait_count(10s, Letter::up, backends - 1));
    EXPECT_TRUE(cluster.wait_members(3, 20s));
}

TEST_F(MainJob, LivesThroughTheLossOfAZooKeeperServer) {
    cluster.observer().forget();
    cluster.zookeeper().kill(cluster.zookeeper().leader());
    responder.set(2, Responder::Behaviour::failing);
    EXPECT_TRUE(wait_count(20s, Letter::down, 1));
    responder.set(2, Responder::Behaviour::healthy);
    EXPECT_TRUE(wait_count(20s, Letter::up, backends));
    for (const Observer::VerdictChange& change : cluster.observer().verdict_changes()) {
        EXPECT_TRUE(change.backend == BackendId(responder.address(2)) || change.to != Letter::down);
    }
}

}  // namespace
}  // namespace muster::test
