// Two real HAProxy with their agents, on a real cluster, while a rollout goes from one to the
// other. The test is the master here.
#include "common/znodes/rollout.hpp"

#include "tests/cluster/cluster.hpp"
#include "tests/cluster/load_balancer.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <stdexcept>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using znodes::WaveVerdict;

class Rollouts : public testing::Test {
 protected:
    static constexpr std::size_t backends = 4;

    Rollouts() {
        cluster_.apply(group(config::Algorithm::round_robin));
        cluster_.apply(
            config::FleetSpec{.name = FleetName("edge"),
                              .listeners = {{.name = "main", .port = free_port(), .group = web}}});
        EXPECT_TRUE(cluster_.wait_all_up(20s));
        for (LoadBalancer& lb : lbs_) lb.start();
    }

    [[nodiscard]] config::GroupSpec group(config::Algorithm algorithm) const {
        config::GroupSpec spec = make_group(responder_, "web", 0, backends, 500ms, 2);
        spec.lb.algorithm = algorithm;
        return spec;
    }

    /// Written as the master does.
    void write(std::int64_t stable, std::int64_t candidate, WaveVerdict first, WaveVerdict rest) {
        const auto wave = [](const char* instance, WaveVerdict verdict) {
            return znodes::RolloutWave{.members = {{FleetName("edge"), {InstanceId(instance)}}},
                                       .verdict = verdict};
        };
        const follow::ClusterView view = cluster_.observer().view();
        put(znodes::encode(
            znodes::Rollout{.stamp = {.cluster = view.cluster(), .token = 1, .writer = "test"},
                            .group_uid = view.groups.at(web).head->value.uid,
                            .stable = stable,
                            .candidate = candidate,
                            .waves = {wave("lb-1", first), wave("lb-2", rest)}}));
    }
    void put(const std::string& data) {
        cluster_.observer().with_store([&](coordination::Store& store) -> asio::awaitable<void> {
            const std::string path = znodes::Paths("main").rollout(web);
            const auto made = co_await coordination::create(store, {.path = path, .data = data});
            if (made) co_return;
            const auto done = co_await coordination::set(store, {.path = path, .data = data});
            if (!done) throw std::runtime_error(path + ": " + done.error().message());
        });
    }

    /// What the agent says that its LB has.
    [[nodiscard]] static std::int64_t generation(const LoadBalancer& lb) {
        boost::system::error_code error;
        const boost::json::value state = lb.state();
        const auto* const found = state.find_pointer("/groups/0/generation", error);
        return found != nullptr && found->is_int64() ? found->get_int64() : 0;
    }
    [[nodiscard]] static bool wait_for(const LoadBalancer& lb, std::int64_t wanted) {
        return eventually(20s, [&] { return generation(lb) == wanted && lb.wait_in_step(20s); });
    }
    /// What HAProxy itself does.
    [[nodiscard]] static std::string algorithm(const LoadBalancer& lb) {
        const std::string pools = lb.tell_haproxy("show stat -1 2 -1");
        return pools.contains("leastconn")    ? "leastconn"
               : pools.contains("roundrobin") ? "roundrobin"
                                              : pools;
    }
    [[nodiscard]] bool has_read_problem(const LoadBalancer& lb) const {
        return eventually(
            10s, [&] { return boost::json::serialize(lb.state()).contains("rollouts/web"); });
    }

    const GroupName web{"web"};
    Responder responder_{backends};
    Cluster cluster_;
    LoadBalancer lbs_[2] = {{cluster_, {.instance = "lb-1", .bind_address = "127.0.0.1"}},
                            {cluster_, {.instance = "lb-2", .bind_address = "127.0.0.2"}}};
};

TEST_F(Rollouts, GoFromOneLbToTheOther) {
    LoadBalancer& first = lbs_[0];
    LoadBalancer& second = lbs_[1];
    ASSERT_TRUE(wait_for(first, 1)) << first.logs();
    ASSERT_TRUE(wait_for(second, 1)) << second.logs();

    write(1, 2, WaveVerdict::watching, WaveVerdict::waiting);
    cluster_.apply(group(config::Algorithm::least_connections));
    ASSERT_TRUE(wait_for(first, 2)) << first.logs();
    EXPECT_EQ(algorithm(first), "leastconn");
    EXPECT_EQ(generation(second), 1);
    EXPECT_EQ(algorithm(second), "roundrobin");
    const int worker = second.worker_pid();

    // What people take out is out everywhere, and the verdicts go on.
    const auto drained = [&](const std::string& state) {
        return cluster_
                   .request("PATCH",
                            0,
                            "/api/v1/groups/web/backends/" + responder_.address(0),
                            R"({"state":")" + state + R"("})")
                   .status == 200;
    };
    ASSERT_TRUE(eventually(10s, [&] { return drained("drain"); }));
    EXPECT_TRUE(eventually(10s, [&] {
        return second.server("web:http", responder_.address(0)) == "drain 26";
    })) << second.server("web:http", responder_.address(0));
    responder_.set(1, Responder::Behaviour::failing);
    EXPECT_TRUE(eventually(
        20s, [&] { return second.server("web:http", responder_.address(1)) == "maintenance 26"; }));
    responder_.set(1, Responder::Behaviour::healthy);
    ASSERT_TRUE(eventually(10s, [&] { return drained("active"); }));
    EXPECT_EQ(generation(second), 1);

    put("garbage");
    EXPECT_TRUE(has_read_problem(second));
    EXPECT_EQ(generation(first), 2);
    EXPECT_EQ(generation(second), 1);

    // Nothing but the file is there.
    for (std::size_t i = 0; i < cluster_.zookeeper().size(); ++i) cluster_.zookeeper().kill(i);
    ASSERT_TRUE(eventually(20s, [&] { return second.metric("muster_agent_connected") == 0; }));
    second.kill_agent();
    second.start_agent();
    ASSERT_TRUE(wait_for(second, 1)) << second.logs();
    EXPECT_EQ(algorithm(second), "roundrobin");
    EXPECT_EQ(second.worker_pid(), worker) << "without a reload";

    for (std::size_t i = 0; i < cluster_.zookeeper().size(); ++i) cluster_.zookeeper().start(i);
    ASSERT_TRUE(eventually(60s, [&] { return second.metric("muster_agent_connected") == 1; }));
    ASSERT_TRUE(cluster_.wait_members(3, 60s));
    write(2, 2, WaveVerdict::passed, WaveVerdict::passed);
    ASSERT_TRUE(wait_for(second, 2)) << second.logs();
    EXPECT_EQ(algorithm(second), "leastconn");
    EXPECT_EQ(generation(first), 2);
}

}  // namespace
}  // namespace muster::test
