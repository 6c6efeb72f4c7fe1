// A fleet that muster makes itself: real nodes, real HAProxies with their agents as machines of a
// process provider.
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/machines.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/program.hpp"
#include "tests/support/prometheus_server.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

class Scaling : public testing::Test {
 protected:
    Scaling() {
        Cluster::Settings settings;
        settings.more_settings =
            fmt::format("prometheus: {{endpoints: [\"{}\"]}}\n", prometheus_.url()) +
            machines_.settings({"127.30.0.1",
                                "127.30.0.2",
                                "127.30.0.3",
                                "127.30.0.4",
                                "127.30.0.5",
                                "127.30.0.6"},
                               port_);
        cluster_.emplace(settings);
    }

    [[nodiscard]] std::string fleet(int size, const std::string& provider = "local") const {
        return fmt::format(R"(kind: Fleet
name: edge
spec:
  listeners: [{{name: main, bind: ":{}", group: web}}]
  health: {{interval: 200ms, timeout: 200ms}}
  provider:
    name: {}
    hosts: [n0]
    parameters: {{cluster: main, zookeeper: "{}", auth_file: "{}", port: "{}"}}
    drain_timeout: 2s
    grace: 2s
  scaling:
    min: 1
    max: 5
    period: 1s
    warm_up: 1s
    metrics: [{{name: floor, fixed: {}}}]
    in: {{window: 0s, budgets: [{{count: 5, window: 1s}}]}}
)",
                           port_,
                           provider,
                           fmt::join(cluster_->zookeeper_addresses(), ","),
                           cluster_->agent_auth_file().string(),
                           port_,
                           size);
    }
    /// What Prometheus refuses is refused at its place; where there is none, that is a warning.
    void refuse_queries() {
        const auto with = [&](const std::string& query) {
            std::string document = fleet(2);
            const std::string none = "metrics: [";
            document.insert(document.find(none) + none.size(),
                            "{name: rps, query: '" + query + "', target: {total_average: 9}}, ");
            return cluster_->post(0, "/api/v1/apply?dry_run=1", document);
        };
        // Well-formed for all that muster itself knows of PromQL.
        const auto refused = with("sum(rate(up[1m]) + rate(up))");
        EXPECT_EQ(refused.status, 409) << refused.body;
        EXPECT_TRUE(refused.body.contains("spec.scaling.metrics[0].query: ")) << refused.body;
        EXPECT_TRUE(refused.body.contains("range vector")) << "its own words: " << refused.body;
        const auto taken = with("sum(rate(up[1m]))");
        EXPECT_EQ(taken.status, 200) << taken.body;
        EXPECT_TRUE(taken.body.contains("metrics[0].query: gives no series now")) << taken.body;
        prometheus_.kill();
        const auto unchecked = with("sum(rate(up[1m]) + rate(up))");
        EXPECT_EQ(unchecked.status, 200) << unchecked.body;
        EXPECT_TRUE(unchecked.body.contains("could not be checked")) << unchecked.body;
    }

    /// What has LBs isn't deleted; without any it is, and its name can be had again.
    void take_down() {
        const auto node = *cluster_->master();
        const auto refused = cluster_->request("DELETE", node, "/api/v1/fleets/edge", "");
        EXPECT_EQ(refused.status, 409) << refused.body;
        EXPECT_TRUE(refused.body.contains("LBs that muster made")) << refused.body;
        std::string none = fleet(2);
        none.replace(none.find("min: 1\n    max: 5"), 17, "max: 0");
        cluster_->apply(none);
        ASSERT_TRUE(eventually(60s, [&] {
            last_ = cluster_->request("DELETE", node, "/api/v1/fleets/edge", "").body;
            return last_.contains("removed");
        })) << logs();
        EXPECT_EQ(machines_.count(), 0U);
        cluster_->apply(fleet(1));
        EXPECT_TRUE(comes_to(1)) << logs();
    }

    /// The ids of the LBs that probes call up, as any node says.
    [[nodiscard]] std::set<std::string> up() {
        std::set<std::string> ids;
        for (std::size_t node = 0; node < cluster_->size(); ++node) {
            if (!cluster_->running(node)) continue;
            const auto answer = cluster_->get(node, "/api/v1/backends?group=%40edge");
            if (answer.status != 200) continue;
            last_ = answer.body;
            for (const json::value& row : json::parse(answer.body).at("backends").as_array()) {
                if (row.at("state").as_string() == "up") ids.emplace(row.at("id").as_string());
            }
            break;
        }
        return ids;
    }
    [[nodiscard]] bool comes_to(std::size_t size) {
        return eventually(90s, [&] { return up().size() == size && machines_.count() == size; });
    }
    /// LBs in service, as the master says, which has decided on their number.
    [[nodiscard]] std::size_t serving() {
        const auto master = cluster_->master();
        if (!master) return 0;
        const auto answer = cluster_->get(*master, "/api/v1/fleets/edge/scaling");
        last_ = answer.body;
        if (answer.status != 200) return 0;
        const json::value scaling = json::parse(answer.body);
        if (scaling.at("explanation").is_null()) return 0;
        return static_cast<std::size_t>(std::ranges::count_if(
            scaling.at("instances").as_array(),
            [](const json::value& one) { return one.at("phase").as_string() == "serving"; }));
    }
    [[nodiscard]] std::string logs() const {
        return last_ + "\n" + cluster_->logs() + machines_.logs();
    }

    const std::uint16_t port_ = free_port();
    Machines machines_;
    TempDir results_;
    Responder responder_{4};
    PrometheusServer prometheus_;
    std::optional<Cluster> cluster_;
    std::string last_;
};

TEST_F(Scaling, MakesReplacesAndRemovesLoadBalancersAlsoUnderANewMaster) {
    cluster_->apply(make_group(responder_, "web", 0, 4, 500ms));
    ASSERT_TRUE(cluster_->wait_all_up(30s));
    const auto refused = cluster_->post(0, "/api/v1/apply", fleet(2, "locl"));
    EXPECT_EQ(refused.status, 409) << refused.body;
    EXPECT_TRUE(refused.body.contains("spec.provider.name")) << refused.body;
    refuse_queries();
    cluster_->apply(fleet(2));
    ASSERT_TRUE(comes_to(2)) << logs();
    ASSERT_TRUE(eventually(30s, [&] { return serving() == 2; })) << last_;
    const std::set<std::string> first = up();
    EXPECT_EQ(*first.begin(), "edge-1-1");

    ASSERT_TRUE(machines_.kill("n0", *first.begin()));
    ASSERT_TRUE(eventually(90s, [&] {
        const auto now = up();
        return now.size() == 2 && !now.contains(*first.begin());
    })) << logs();

    cluster_->apply(fleet(4));
    const auto master = cluster_->master();
    ASSERT_TRUE(master);
    ASSERT_TRUE(eventually(30s, [&] { return machines_.count() >= 3; })) << logs();
    if (*master != 0) cluster_->kill_process(*master);  // n0 is the host of all LBs
    ASSERT_TRUE(comes_to(4)) << logs();

    cluster_->apply(fleet(2));
    ASSERT_TRUE(comes_to(2)) << logs();

    // What the masters have recorded, the killed one included, is decided again.
    std::vector<std::string> argv{built_program("ctl/musterctl"), "-o", "json", "scale", "replay"};
    std::size_t masters = 0;
    for (std::size_t node = 0; node < cluster_->size(); ++node) {
        const auto recordings = cluster_->state_dir(node) / "recordings" / "edge";
        if (!std::filesystem::exists(recordings)) continue;
        ++masters;
        argv.push_back(recordings.string());
    }
    EXPECT_EQ(masters, *master == 0 ? 1U : 2U);
    Process replayed(ProcessSettings{.argv = argv, .output = results_ / "replayed"});
    const auto end = replayed.wait(60s);
    ASSERT_TRUE(end && end->code == 0) << replayed.output();
    const json::value told = json::parse(replayed.output());
    EXPECT_GT(told.at("ticks").to_number<int>(), 10);
    EXPECT_EQ(told.at("differences"), 0);
    take_down();
}

}  // namespace
}  // namespace muster::test
