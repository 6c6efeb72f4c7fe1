// The LBs of a fleet are probed as the group "@<fleet>": real HAProxies with their agents.
#include "common/follow/instance_group.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/load_balancer.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using follow::ClusterView;

class Instances : public testing::Test {
 protected:
    static constexpr std::size_t backends = 3;

    Instances() {
        config::GroupSpec group = make_group(responder_, "web", 0, backends, 500ms, 2);
        group.lb.server_timeout = 500ms;
        cluster_.apply(group);
        fleet_.listeners = {{.name = "main", .port = port_, .group = web}};
        fleet_.health.interval = 500ms;
        fleet_.health.timeout = 400ms;
        fleet_.health.fall = 2;
        fleet_.health.agent_port = agent_port_;
        cluster_.apply(fleet_);
        EXPECT_TRUE(cluster_.wait_all_up(20s));
        first_.start();
        second_.start();
    }

    [[nodiscard]] LoadBalancer::Settings instance(int number) const {
        const std::string host = fmt::format("127.0.0.{}", number + 1);
        return {.instance = fmt::format("lb{}", number),
                .bind_address = host,
                .address = fmt::format("{}:{}", host, port_),
                .agent_port = agent_port_};
    }
    /// "lb1 up in, lb2 down out"
    [[nodiscard]] std::string health() {
        const auto answer = cluster_.get(0, "/api/v1/backends?group=@edge");
        boost::system::error_code error;
        const boost::json::value body = boost::json::parse(answer.body, error);
        if (error) return answer.body;
        std::string all;
        for (const auto& one : body.at("backends").as_array()) {
            all += fmt::format("{}{} {} {}",
                               all.empty() ? "" : ", ",
                               one.at("id").as_string().c_str(),
                               one.at("state").as_string().c_str(),
                               one.at("rotation").at("in").as_bool() ? "in" : "out");
        }
        return all;
    }
    [[nodiscard]] bool wait_for_health(const std::string& wanted,
                                       std::chrono::seconds limit = 20s) {
        return eventually(limit, [&] { return health() == wanted; });
    }
    [[nodiscard]] std::vector<znodes::Slot> members() const {
        const ClusterView view = cluster_.observer().view();
        const auto group = view.groups.find(edge);
        if (group == view.groups.end() || !group->second.shards.contains(0)) return {};
        const auto& shard = group->second.shards.at(0);
        return shard.members && !shard.members->gone ? shard.members->value.slots
                                                     : std::vector<znodes::Slot>{};
    }
    [[nodiscard]] std::string logs() const { return first_.logs() + second_.logs(); }

    const GroupName web{"web"};
    const GroupName edge{"@edge"};
    const std::uint16_t port_ = free_port();
    const std::uint16_t agent_port_ = free_port();
    config::FleetSpec fleet_{.name = FleetName("edge")};
    Responder responder_{backends};
    Cluster cluster_;
    LoadBalancer first_{cluster_, instance(1)};
    LoadBalancer second_{cluster_, instance(2)};
};

TEST_F(Instances, AreProbedOnceTheirAgentsHaveRegistered) {
    EXPECT_TRUE(wait_for_health("lb1 up in, lb2 up in")) << health() << logs();
    const std::vector<znodes::Slot> slots = members();
    ASSERT_EQ(slots.size(), 2U);
    EXPECT_EQ(slots[0].address, fmt::format("127.0.0.2:{}", port_));
    const std::string agents = cluster_.get(1, "/api/v1/agents").body;
    EXPECT_TRUE(agents.contains(R"("health":{"state":"up","in_rotation":true)")) << agents;
    const std::string fleets = cluster_.get(1, "/api/v1/fleets").body;
    EXPECT_TRUE(fleets.contains(R"("instances":{"total":2)")) << fleets;
    const auto times = [&] {
        std::string all;
        for (std::size_t node = 0; node < cluster_.size(); ++node)
            all += cluster_.get(node, "/metrics").body;
        return all;
    };
    EXPECT_TRUE(eventually(10s, [&] {
        return times().contains(R"(muster_lb_response_seconds_count{fleet="edge",group="web"})");
    }));
    const auto refused = cluster_.request("DELETE", 0, "/api/v1/groups/@edge", "");
    EXPECT_EQ(refused.status, 409) << refused.body;
    EXPECT_TRUE(refused.body.contains("are the LBs of fleet edge")) << refused.body;
    const auto unchanged =
        cluster_.request("PATCH", 0, "/api/v1/groups/@edge/backends/lb1", R"({"state":"drain"})");
    EXPECT_EQ(unchanged.status, 409) << unchanged.body;
    const auto shown = cluster_.get(2, "/api/v1/groups/@edge?full=1");
    EXPECT_EQ(shown.status, 200);
    EXPECT_TRUE(shown.body.contains(R"("fleet":"edge")")) << shown.body;
    EXPECT_EQ(cluster_.get(2, "/api/v1/groups/@edge?format=yaml").status, 200);
}

TEST_F(Instances, GoDownWithTheirLbAloneAndNotWithTheirAgent) {
    ASSERT_TRUE(wait_for_health("lb1 up in, lb2 up in")) << health() << logs();
    second_.kill_haproxy();
    // fall 2, every 500 ms, at most 400 ms each, and peers are asked.
    const Stopwatch watch;
    ASSERT_TRUE(wait_for_health("lb1 up in, lb2 down out", 10s)) << health() << logs();
    const std::chrono::duration<double> took = watch.elapsed();
    RecordProperty("down_after_ms", static_cast<int>(took.count() * 1000));
    EXPECT_LT(took, 3s * slowdown());
    second_.start_haproxy();
    ASSERT_TRUE(wait_for_health("lb1 up in, lb2 up in")) << health() << logs();

    first_.kill_agent();
    ASSERT_TRUE(wait_for_health("lb1 degraded in, lb2 up in")) << health() << logs();
    // Its session ends, and its registration with that.
    ASSERT_TRUE(cluster_.observer().wait(
        30s, [](const ClusterView& view) { return view.agents.size() == 1; }));
    EXPECT_EQ(members().size(), 2U);
    second_.kill_agent();
    ASSERT_TRUE(
        cluster_.observer().wait(30s, [](const ClusterView& view) { return view.agents.empty(); }));
    const std::vector<znodes::Slot> before = members();
    cluster_.observer().with_store([&](coordination::Store& store) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await coordination::remove(store, {.path = "/muster/main/agents/edge"}));
    });
    ASSERT_TRUE(wait_for_health("lb1 degraded in, lb2 degraded in")) << health() << logs();
    EXPECT_EQ(members(), before);

    first_.start_agent();
    second_.start_agent();
    EXPECT_TRUE(wait_for_health("lb1 up in, lb2 up in", 40s)) << health() << logs();
}

TEST_F(Instances, StayInRotationWhenAGroupBehindThemFails) {
    ASSERT_TRUE(wait_for_health("lb1 up in, lb2 up in")) << health() << logs();
    responder_.set_all(Responder::Behaviour::failing);
    ASSERT_TRUE(wait_for_health("lb1 degraded in, lb2 degraded in")) << health() << logs();
    // Which of them it is, whoever is asked.
    for (std::size_t node = 0; node < cluster_.size(); ++node) {
        std::string why;
        EXPECT_TRUE(eventually(10s, [&] {
            why = cluster_.get(node, "/api/v1/backends/@edge/lb1").body;
            return why.contains(R"("wrong":"group web by listener main: L7STS 503")");
        })) << why;
    }
    responder_.set_all(Responder::Behaviour::reset);
    ASSERT_TRUE(cluster_.observer().wait(20s, [&](const ClusterView& view) {
        return Observer::count(view, znodes::Letter::down) == backends;
    }));
    EXPECT_EQ(health(), "lb1 degraded in, lb2 degraded in");
    // Neither LB answers in time; their agents say that they accept.
    responder_.set_all(Responder::Behaviour::hanging);
    ASSERT_TRUE(cluster_.observer().wait(20s, [&](const ClusterView& view) {
        return Observer::count(view, znodes::Letter::degraded) == 2;
    }));
    EXPECT_TRUE(eventually(10s, [&] {
        return cluster_.get(0, "/api/v1/backends/@edge/lb1").body.contains("L7TOUT");
    }));
    EXPECT_EQ(health(), "lb1 degraded in, lb2 degraded in");
    responder_.set_all(Responder::Behaviour::healthy);
    EXPECT_TRUE(wait_for_health("lb1 up in, lb2 up in")) << health() << logs();
}

TEST_F(Instances, AreFollowedToAnotherAddressAndCanBeListed) {
    ASSERT_TRUE(wait_for_health("lb1 up in, lb2 up in")) << health() << logs();
    // Nobody is there any more; then it comes back elsewhere under its name.
    second_.kill_agent();
    second_.kill_haproxy();
    ASSERT_TRUE(wait_for_health("lb1 up in, lb2 down out")) << health() << logs();
    LoadBalancer moved(cluster_,
                       {.instance = "lb2",
                        .bind_address = "127.0.0.4",
                        .address = fmt::format("127.0.0.4:{}", port_),
                        .agent_port = agent_port_});
    moved.start();
    ASSERT_TRUE(wait_for_health("lb1 up in, lb2 up in", 40s)) << health() << moved.logs();
    const std::vector<znodes::Slot> slots = members();
    ASSERT_EQ(slots.size(), 2U);
    EXPECT_EQ(slots[1].address, fmt::format("127.0.0.4:{}", port_));

    fleet_.instances = {{.id = InstanceId("lb2"),
                         .address = "127.0.0.4",
                         .port = port_,
                         .admin = config::Admin::drain},
                        {.id = InstanceId("lb9"), .address = "127.0.0.9", .port = port_}};
    cluster_.apply(fleet_);
    EXPECT_TRUE(wait_for_health("lb1 up in, lb2 drain out, lb9 down out")) << health();
    fleet_.instances.clear();
    cluster_.apply(fleet_);
    EXPECT_TRUE(wait_for_health("lb1 up in, lb2 up in")) << health();
}

}  // namespace
}  // namespace muster::test
