// LBs on three hosts, each a network of its own with its node: they are spread, and what happens to
// a host, its network or its node is not taken for what happens to its LBs.
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/host_network.hpp"
#include "tests/cluster/machines.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr std::size_t hosts = 3;

class ScalingHosts : public testing::Test {
 protected:
    void SetUp() override {
        if (const std::string missing = HostNetwork::missing(); !missing.empty())
            GTEST_SKIP() << missing;
        network_.emplace(hosts);
        responder_.emplace(2, "10.60");
        Cluster::Settings settings{.zookeepers = 1, .host = HostNetwork::address()};
        for (std::size_t host = 0; host < hosts; ++host) {
            network_->add_addresses(host, 11, 14);
            std::vector<std::string> addresses;
            for (int number = 11; number <= 14; ++number)
                addresses.push_back(HostNetwork::address(host, number));
            settings.elsewhere[host] = {
                .host = HostNetwork::address(host, 1),
                .enter = network_->enter(host),
                .more_settings =
                    fmt::format("zone: z{}\n{}", host, machines_.settings(addresses, port_)),
                .inside = [this, host](const auto& work) { network_->inside(host, work); }};
        }
        cluster_.emplace(std::move(settings));
        cluster_->apply(make_group(*responder_, "web", 0, 2, 500ms));
        ASSERT_TRUE(cluster_->wait_all_up(30s));
    }

    [[nodiscard]] std::string fleet(int size) const {
        return fmt::format(R"(kind: Fleet
name: edge
spec:
  listeners: [{{name: main, bind: ":{0}", group: web}}]
  health: {{interval: 200ms, timeout: 200ms}}
  provider:
    name: local
    parameters: {{cluster: main, zookeeper: "{1}", auth_file: "{2}", port: "{0}"}}
    create_timeout: {3}s
    drain_timeout: 2s
    grace: 2s
  scaling:
    min: 1
    max: 5
    period: 1s
    warm_up: 1s
    metrics: [{{name: floor, fixed: {4}}}]
    in: {{window: 0s, budgets: [{{count: 5, window: 1s}}]}}
)",
                           port_,
                           fmt::join(cluster_->zookeeper_addresses(), ","),
                           cluster_->agent_auth_file().string(),
                           create_timeout.count(),
                           size);
    }
    [[nodiscard]] bool apply(int size) {
        return eventually(30s, [&] {
            const auto master = cluster_->master();
            if (!master) return false;
            const auto answer = cluster_->post(*master, "/api/v1/apply", fleet(size));
            last_ = answer.body;
            return answer.status == 200;
        });
    }

    /// The size that is decided on, and where the LBs in service are, as the master says.
    struct Seen {
        int size = 0;
        std::map<std::string, std::string> host_of;  ///< by id: in service
        std::size_t others = 0;                      ///< on their way in or out
        std::string says;
        [[nodiscard]] std::vector<int> spread() const {
            std::map<std::string, int> on;
            for (const auto& [id, host] : host_of) ++on[host];
            std::vector<int> counts;
            for (const auto& [host, count] : on) counts.push_back(count);
            std::ranges::sort(counts);
            return counts;
        }
    };
    [[nodiscard]] Seen seen() {
        Seen seen;
        const auto master = cluster_->master();
        if (!master || !cluster_->running(*master)) return seen;
        const auto answer = cluster_->get(*master, "/api/v1/fleets/edge/scaling");
        if (answer.status == 0) return seen;
        last_ = answer.body;
        if (answer.status != 200) return seen;
        const json::value body = json::parse(answer.body);
        seen.size = body.at("target").to_number<int>();
        for (const json::value& one : body.at("instances").as_array()) {
            if (one.at("phase").as_string() == "serving")
                seen.host_of.emplace(one.at("id").as_string(), one.at("host").as_string());
            else
                ++seen.others;
        }
        for (const json::value& line : body.at("says").as_array())
            seen.says += std::string(line.as_string()) + "\n";
        return seen;
    }
    /// So many are in service, healthy, and nothing else is there.
    [[nodiscard]] bool comes_to(std::size_t size) {
        return eventually(90s, [&] {
            const Seen now = seen();
            return now.size == static_cast<int>(size) && now.host_of.size() == size &&
                   now.others == 0 && up().size() == size && machines_.count() == size;
        });
    }
    /// Those that probes call up, as the master's node says.
    [[nodiscard]] std::set<std::string> up() {
        std::set<std::string> ids;
        const auto master = cluster_->master();
        if (!master) return ids;
        const auto answer = cluster_->get(*master, "/api/v1/backends?group=%40edge");
        if (answer.status != 200) return ids;
        for (const json::value& row : json::parse(answer.body).at("backends").as_array()) {
            if (row.at("state").as_string() == "up") ids.emplace(row.at("id").as_string());
        }
        return ids;
    }
    [[nodiscard]] std::string on(const Seen& seen, std::size_t host) const {
        const auto found = std::ranges::find(seen.host_of,
                                             Cluster::name(host).str(),
                                             &std::pair<const std::string, std::string>::second);
        return found == seen.host_of.end() ? "" : found->first;
    }
    [[nodiscard]] std::string logs() const {
        std::string all = last_ + "\n";
        for (std::size_t node = 0; node < cluster_->size(); ++node)
            all += fmt::format("--- n{}\n{}\n", node, cluster_->output(node));
        return all + machines_.logs();
    }

    static constexpr std::chrono::seconds create_timeout{20};
    const std::uint16_t port_ = free_port();
    std::optional<HostNetwork> network_;
    Machines machines_;
    std::optional<Responder> responder_;
    std::optional<Cluster> cluster_;
    std::string last_;
};

TEST_F(ScalingHosts, AreSharedOutAndADeadLbIsReplacedByAnotherHostsMaster) {
    ASSERT_TRUE(apply(3));
    ASSERT_TRUE(comes_to(3)) << logs();
    const Seen first = seen();
    EXPECT_EQ(first.spread(), (std::vector{1, 1, 1})) << last_;

    const auto master = cluster_->master();
    ASSERT_TRUE(master);
    const std::size_t other = (*master + 1) % hosts;
    const std::string dead = on(first, other);
    ASSERT_TRUE(machines_.kill(Cluster::name(other).str(), dead)) << dead;
    ASSERT_TRUE(eventually(90s, [&] {
        const Seen now = seen();
        return now.host_of.size() == 3 && !now.host_of.contains(dead) && up().size() == 3;
    })) << logs();
    EXPECT_EQ(seen().spread(), (std::vector{1, 1, 1})) << last_;
}

}  // namespace
}  // namespace muster::test
