// Real clusters, a real HAProxy with its agent, and clients in front of it.
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/load_balancer.hpp"
#include "tests/cluster/steady_load.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

class Agents : public testing::Test {
 protected:
    static constexpr std::size_t backends = 6;

    Agents() {
        cluster_.apply(group(backends));
        cluster_.apply(
            config::FleetSpec{.name = FleetName("edge"),
                              .listeners = {{.name = "main", .port = port_, .group = web}}});
        EXPECT_TRUE(cluster_.wait_all_up(20s));
        lb_.start();
    }

    /// Of the first so many.
    [[nodiscard]] config::GroupSpec group(std::size_t count) const {
        config::GroupSpec spec = make_group(responder_, "web", 0, count, 500ms, 2);
        spec.check.fast_interval = 100ms;
        spec.check.timeout = 300ms;
        spec.check.fall = 2;
        return spec;
    }
    [[nodiscard]] SteadyLoad::Settings load(int per_second) const {
        return {.port = port_, .per_second = per_second};
    }
    void set_state(std::size_t backend, const std::string& state) {
        // A node that has not read the newest generation yet says so.
        Cluster::HttpAnswer answer;
        ASSERT_TRUE(eventually(10s, [&] {
            answer = cluster_.request("PATCH",
                                      0,
                                      "/api/v1/groups/web/backends/" + responder_.address(backend),
                                      fmt::format(R"({{"state":"{}"}})", state));
            return answer.status == 200;
        })) << answer.body;
    }
    [[nodiscard]] std::string server(std::size_t backend) const {
        return lb_.server("web:http", responder_.address(backend));
    }
    [[nodiscard]] bool wait_for_server(std::size_t backend, const std::string& state) const {
        return eventually(15s, [&] { return server(backend) == state; });
    }

    const GroupName web{"web"};
    const std::uint16_t port_ = free_port();
    Responder responder_{backends + 2};
    Cluster cluster_;
    LoadBalancer lb_{cluster_, {}};
};

TEST_F(Agents, TellTheNodesWhatTheyHaveApplied) {
    // With the rights that an agent and a node have in ZooKeeper.
    std::string body;
    EXPECT_TRUE(eventually(
        10s,
        [&] {
            body = cluster_.get(0, "/api/v1/agents").body;
            return body.contains(R"("instance":"lb1")") && body.contains(R"("accepting":true)") &&
                   body.contains(R"("behind":[],"behind_since":null,"error":"")");
        }))
        << body << lb_.logs();
}

TEST_F(Agents, TakeABackendOutThatFailsAndBringItBack) {
    const int worker = lb_.worker_pid();
    SteadyLoad traffic(load(200));
    ASSERT_TRUE(traffic.wait_for(200, 10s)) << traffic.counts().first_failure;
    EXPECT_EQ(traffic.counts().failed, 0U) << traffic.counts().first_failure;
    EXPECT_EQ(traffic.counts().by_body.size(), backends);

    responder_.set(0, Responder::Behaviour::failing);
    ASSERT_TRUE(wait_for_server(0, "maintenance 26")) << server(0) << lb_.logs();
    const std::uint64_t seen = responder_.record(0).requests;
    const std::uint64_t failed = traffic.counts().failed;
    ASSERT_TRUE(traffic.wait_for(200, 10s));
    EXPECT_LE(responder_.record(0).requests, seen + 1) << "nothing more goes there";
    EXPECT_LE(traffic.counts().failed, failed + 1);

    responder_.set(0, Responder::Behaviour::healthy);
    ASSERT_TRUE(wait_for_server(0, "ready 26")) << server(0);
    const std::uint64_t before = responder_.record(0).requests;
    EXPECT_TRUE(eventually(10s, [&] { return responder_.record(0).requests > before; }));
    EXPECT_EQ(lb_.worker_pid(), worker) << "without a reload";
}

TEST_F(Agents, LoseNoRequestWhenPeopleChangeTheBackends) {
    const int worker = lb_.worker_pid();
    const auto reloads = lb_.metric("muster_agent_reloads_total");
    SteadyLoad traffic(load(500));
    ASSERT_TRUE(traffic.wait_for(200, 10s));
    set_state(1, "drain");
    ASSERT_TRUE(wait_for_server(1, "drain 26")) << server(1) << lb_.logs();
    set_state(2, "maintenance");
    ASSERT_TRUE(wait_for_server(2, "maintenance 26")) << server(2);
    set_state(1, "active");
    ASSERT_TRUE(wait_for_server(1, "ready 26")) << server(1);

    config::GroupSpec spec = group(backends + 2);
    spec.backends[0].weight = 30;
    cluster_.apply(spec);
    ASSERT_TRUE(eventually(20s, [&] { return traffic.counts().by_body.contains("7"); }))
        << lb_.logs();
    ASSERT_TRUE(wait_for_server(0, "ready 8")) << server(0);
    cluster_.apply(group(backends - 1));
    ASSERT_TRUE(wait_for_server(7, "none")) << server(7);
    ASSERT_TRUE(traffic.wait_for(200, 10s));

    EXPECT_EQ(traffic.counts().failed, 0U) << traffic.counts().first_failure;
    EXPECT_EQ(lb_.worker_pid(), worker);
    EXPECT_EQ(lb_.metric("muster_agent_reloads_total"), reloads);
}

TEST_F(Agents, ReloadForAnotherAlgorithmWithoutLosingARequest) {
    const int worker = lb_.worker_pid();
    SteadyLoad traffic(load(500));
    ASSERT_TRUE(traffic.wait_for(200, 10s));
    config::GroupSpec spec = group(backends);
    spec.lb.algorithm = config::Algorithm::least_connections;
    cluster_.apply(spec);
    ASSERT_TRUE(eventually(20s, [&] {
        const int now = lb_.worker_pid();
        return now != 0 && now != worker;
    })) << lb_.logs();
    ASSERT_TRUE(traffic.wait_for(500, 10s));
    EXPECT_EQ(traffic.counts().failed, 0U) << traffic.counts().first_failure;
}

TEST_F(Agents, MendOneBackendWhileAnotherFlips) {
    config::GroupSpec other = group(2);
    other.name = GroupName("api");
    cluster_.apply(other);
    cluster_.apply(config::FleetSpec{
        .name = FleetName("edge"),
        .listeners = {{.name = "main", .port = port_, .group = web},
                      {.name = "second", .port = free_port(), .group = other.name}}});
    const std::string name = responder_.address(1);
    const auto in_other = [&] { return lb_.server("api:http", name); };
    ASSERT_TRUE(eventually(20s, [&] { return in_other() == "ready 26"; })) << lb_.logs();
    // The apply that made it so has ended once the agent looks again.
    const double looks = lb_.metric("muster_agent_applies_total").value_or(0);
    ASSERT_TRUE(eventually(
        10s, [&] { return lb_.metric("muster_agent_applies_total").value_or(0) > looks + 1; }));
    const double repairs = lb_.metric("muster_agent_repairs_total").value_or(0);

    (void)lb_.tell_haproxy("set server api:http/" + name + " state maint");
    ASSERT_EQ(in_other(), "maintenance 26");
    int flips = 0;
    EXPECT_TRUE(eventually(10s,
                           [&] {
                               const bool drains = ++flips % 2 == 1;
                               set_state(0, drains ? "drain" : "active");
                               return wait_for_server(0, drains ? "drain 26" : "ready 26") &&
                                      in_other() == "ready 26";
                           }))
        << in_other() << lb_.logs();
    EXPECT_TRUE(eventually(
        5s, [&] { return lb_.metric("muster_agent_repairs_total").value_or(0) > repairs; }));
}

TEST_F(Agents, SeeAHaproxyThatRestartsBehindTheirBack) {
    LoadBalancer lb(
        cluster_,
        {.instance = "lb2", .bind_address = "127.0.0.2", .more_settings = "  file_interval: 1h\n"});
    lb.start();
    const std::string name = responder_.address(2);
    const auto state = [&] { return lb.server("web:http", name); };
    ASSERT_EQ(state(), "ready 26");
    responder_.set(2, Responder::Behaviour::failing);
    ASSERT_TRUE(eventually(15s, [&] { return state() == "maintenance 26"; })) << lb.logs();
    // What it starts from is older than that.
    const int worker = lb.worker_pid();
    lb.kill_haproxy();
    lb.start_haproxy();
    EXPECT_TRUE(eventually(15s,
                           [&] {
                               const int now = lb.worker_pid();
                               return now != 0 && now != worker && state() == "maintenance 26";
                           }))
        << state() << lb.logs();
    EXPECT_TRUE(lb.wait_in_step(10s)) << lb.logs();
}

TEST_F(Agents, GoOnWithoutZooKeeperWhateverIsRestarted) {
    responder_.set(3, Responder::Behaviour::failing);
    ASSERT_TRUE(wait_for_server(3, "maintenance 26")) << server(3);
    // What it knows is on disk within a second.
    ASSERT_TRUE(eventually(10s, [&] { return lb_.metric("muster_agent_connected") == 1; }));
    SteadyLoad traffic(load(200));
    ASSERT_TRUE(traffic.wait_for(300, 10s));
    for (std::size_t i = 0; i < cluster_.zookeeper().size(); ++i) cluster_.zookeeper().kill(i);
    ASSERT_TRUE(eventually(20s, [&] { return lb_.metric("muster_agent_connected") == 0; }));

    lb_.kill_agent();
    ASSERT_TRUE(traffic.wait_for(200, 10s));
    EXPECT_EQ(traffic.counts().failed, 0U) << traffic.counts().first_failure;
    lb_.start_agent();
    ASSERT_TRUE(lb_.wait_in_step(20s)) << lb_.logs();
    EXPECT_EQ(server(3), "maintenance 26");
    lb_.kill_haproxy();
    lb_.start_haproxy();
    ASSERT_TRUE(lb_.wait_in_step(20s)) << lb_.logs();
    ASSERT_TRUE(wait_for_server(3, "maintenance 26")) << server(3);
    EXPECT_EQ(server(0), "ready 26");

    for (std::size_t i = 0; i < cluster_.zookeeper().size(); ++i) cluster_.zookeeper().start(i);
    responder_.set(3, Responder::Behaviour::healthy);
    EXPECT_TRUE(eventually(60s, [&] { return server(3) == "ready 26"; }))
        << server(3) << lb_.logs();
}

}  // namespace
}  // namespace muster::test
