// LBs on three hosts, each a network of its own with its node: they are spread, and what happens to
// a host, its network or its node is not taken for what happens to its LBs.
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/host_network.hpp"
#include "tests/cluster/machines.hpp"
#include "tests/support/etcd_server.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/program.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using Ids = std::set<std::string>;

constexpr std::size_t hosts = 3;
constexpr int first_address = 11;
constexpr int last_address = 14;
constexpr std::chrono::seconds create_timeout{15};

/// The size that is decided on, and where the LBs in service are, as the master says.
struct Seen {
    int size = 0;
    std::map<std::string, std::string> host_of;  ///< by id: in service
    std::size_t others = 0;                      ///< on their way in or out
    std::string says;

    [[nodiscard]] Ids ids() const {
        Ids all;
        for (const auto& [id, host] : host_of) all.insert(id);
        return all;
    }
    /// How many the hosts have, the fewest first.
    [[nodiscard]] std::vector<int> spread() const {
        std::map<std::string, int> on;
        for (const auto& [id, host] : host_of) ++on[host];
        std::vector<int> counts;
        for (const auto& [host, count] : on) counts.push_back(count);
        std::ranges::sort(counts);
        return counts;
    }
    /// One that is there; empty: none is.
    [[nodiscard]] std::string on(std::size_t host) const {
        for (const auto& [id, where] : host_of) {
            if (where == Cluster::name(host).str()) return id;
        }
        return {};
    }
};

class ScalingHosts : public testing::Test {
 protected:
    void SetUp() override {
        if (const std::string missing = HostNetwork::missing(); !missing.empty())
            GTEST_SKIP() << missing;
        network_.emplace(hosts);
        for (std::size_t host = 0; host < hosts; ++host)
            network_->add_addresses(host, first_address, last_address);
        responder_.emplace(2, "10.60");
    }

    [[nodiscard]] static std::vector<std::string> addresses(std::size_t host) {
        std::vector<std::string> all;
        for (int number = first_address; number <= last_address; ++number)
            all.push_back(HostNetwork::address(host, number));
        return all;
    }
    [[nodiscard]] Cluster::Settings::Elsewhere host(std::size_t number,
                                                    const std::string& settings) {
        return {.host = HostNetwork::address(number, 1),
                .enter = network_->enter(number),
                .more_settings = fmt::format("zone: z{}\n{}", number, settings),
                .inside = [this, number](const auto& work) { network_->inside(number, work); }};
    }
    void start(Cluster::Settings settings) {
        settings.zookeepers = 1;
        settings.host = HostNetwork::address();
        cluster_.emplace(std::move(settings));
        cluster_->apply(make_group(*responder_, "web", 0, 2, 500ms));
        ASSERT_TRUE(cluster_->wait_all_up(30s));
    }
    void start_with_machines(const std::string& more_settings = {}) {
        Cluster::Settings settings{.more_settings = more_settings};
        for (std::size_t number = 0; number < hosts; ++number)
            settings.elsewhere[number] = host(number, machines_.settings(addresses(number), port_));
        start(std::move(settings));
    }

    void apply(int size) {
        const std::string fleet = fmt::format(R"(kind: Fleet
name: edge
spec:
  listeners: [{{name: main, bind: ":{0}", group: web}}]
  health: {{interval: 200ms, timeout: 200ms}}
  {5}
  provider:
    name: {6}
    parameters: {{cluster: main, zookeeper: "{1}", auth_file: "{2}", port: "{0}"}}
    create_timeout: {3}s
    drain_timeout: 6s
    grace: 1s
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
                                              create_timeout.count() * slowdown(),
                                              size,
                                              dns_,
                                              provider_);
        cluster_->apply(fleet);
    }

    /// Nothing: there is no master that answers now.
    [[nodiscard]] std::optional<Seen> ask() {
        const auto master = cluster_->master();
        if (!master || !cluster_->running(*master)) return std::nullopt;
        const auto answer = cluster_->get(*master, "/api/v1/fleets/edge/scaling");
        if (answer.status == 0) return std::nullopt;
        last_ = answer.body;
        if (answer.status != 200) return std::nullopt;
        const json::value body = json::parse(answer.body);
        if (!body.at("is_master").as_bool()) return std::nullopt;
        Seen seen{.size = body.at("target").to_number<int>()};
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
    [[nodiscard]] Seen seen() { return ask().value_or(Seen{}); }
    /// Of LBs in this state by their probes, as the master's node says.
    [[nodiscard]] Ids probed(const std::string& state) {
        Ids ids;
        const auto master = cluster_->master();
        if (!master) return ids;
        const auto answer = cluster_->get(*master, "/api/v1/backends?group=%40edge");
        if (answer.status != 200) return ids;
        for (const json::value& row : json::parse(answer.body).at("backends").as_array()) {
            if (row.at("state").as_string() == state.c_str()) ids.emplace(row.at("id").as_string());
        }
        return ids;
    }
    /// So many are in service, healthy, and no other record is there.
    [[nodiscard]] bool comes_to(std::size_t size) {
        return eventually(90s, [&] {
            const Seen now = seen();
            return now.size == static_cast<int>(size) && now.host_of.size() == size &&
                   now.others == 0 && probed("up") == now.ids();
        });
    }
    /// Neither the master's host nor another one than asked for.
    [[nodiscard]] std::size_t not_master(std::size_t further = 1) const {
        return (cluster_->master().value_or(0) + further) % hosts;
    }
    [[nodiscard]] std::string logs() const {
        return last_ + "\n" + cluster_->logs() + machines_.logs();
    }

    const std::uint16_t port_ = free_port();
    std::string provider_ = "local";
    std::string dns_;
    std::optional<HostNetwork> network_;
    Machines machines_;
    std::optional<Responder> responder_;
    std::optional<Cluster> cluster_;
    std::string last_;
};

TEST_F(ScalingHosts, ShareTheLbsAndADeadOneIsReplacedByAnotherHostsMaster) {
    start_with_machines();
    apply(3);
    ASSERT_TRUE(comes_to(3)) << logs();
    const Seen first = seen();
    EXPECT_EQ(first.spread(), (std::vector{1, 1, 1})) << last_;

    const std::size_t other = not_master();
    const std::string dead = first.on(other);
    ASSERT_TRUE(machines_.kill(Cluster::name(other).str(), dead)) << dead;
    ASSERT_TRUE(eventually(90s, [&] {
        const Seen now = seen();
        return now.host_of.size() == 3 && !now.host_of.contains(dead) && probed("up") == now.ids();
    })) << logs();
    EXPECT_EQ(seen().spread(), (std::vector{1, 1, 1})) << last_;

    apply(5);
    ASSERT_TRUE(comes_to(5)) << logs();
    EXPECT_EQ(seen().spread(), (std::vector{1, 2, 2})) << last_;
    apply(2);
    ASSERT_TRUE(comes_to(2)) << logs();
    EXPECT_EQ(seen().spread(), (std::vector{1, 1})) << last_;
    EXPECT_TRUE(eventually(20s, [&] { return machines_.count() == 2; })) << logs();
}

/// With names in an etcd at the switch.
class ScalingHostsWithDns : public ScalingHosts {
 protected:
    void SetUp() override {
        ScalingHosts::SetUp();
        if (!network_) return;
        etcd_.emplace(EtcdServer::Tls{}, HostNetwork::address());
        dns_ = "dns: [{name: api.muster.test, ttl: 5s}]";
        start_with_machines(
            fmt::format("dns:\n"
                        "  etcd: {{endpoints: [\"{}\"], timeout: 500ms}}\n"
                        "  zones: [muster.test]\n"
                        "  allowed_addresses: [10.60.0.0/16]\n",
                        etcd_->url()));
    }
    /// The hosts whose LBs have the name.
    [[nodiscard]] std::set<std::size_t> published() const {
        const std::string records =
            etcd_->ctl({"get", "--prefix", "/skydns/test/muster/api/", "--print-value-only"});
        std::set<std::size_t> found;
        for (std::size_t host = 0; host < hosts; ++host) {
            if (records.contains(fmt::format("\"10.60.{}.", host + 1))) found.insert(host);
        }
        return found;
    }
    std::optional<EtcdServer> etcd_;
};

TEST_F(ScalingHostsWithDns, KeepTheirLbsWhileTheyAreCutOffAndWhenTheirNodesStartAgain) {
    apply(3);
    ASSERT_TRUE(comes_to(3)) << logs();
    const Seen first = seen();
    ASSERT_EQ(first.spread(), (std::vector{1, 1, 1})) << last_;
    const std::set<std::size_t> all{0, 1, 2};
    ASSERT_TRUE(eventually(30s, [&] { return published() == all; })) << logs();

    // The master's, so that another one has to know what it doesn't know.
    const auto lost = cluster_->master();
    ASSERT_TRUE(lost);
    const std::string unknown = first.on(*lost);
    const Ids of_it{unknown};
    const auto programs = machines_.programs(Cluster::name(*lost).str(), unknown);
    ASSERT_FALSE(programs.empty());
    network_->cut(*lost);
    ASSERT_TRUE(eventually(30s, [&] {
        const auto master = cluster_->master();
        return master && *master != *lost && probed("down") == of_it;
    })) << logs();
    // For longer than what is DOWN on a host that is there.
    const auto since = monotonic_now();
    std::string wrong;
    int looks = 0;
    ASSERT_TRUE(eventually(60s, [&] {
        const auto now = ask();
        if (now && now->ids() != first.ids()) wrong = "others have come or gone: " + last_;
        if (now && now->others != 0) wrong = "another is made: " + last_;
        if (++looks % 10 == 0) {
            const std::set<std::size_t> names = published();
            for (const std::size_t host : all) {
                if (host != *lost && !names.contains(host)) wrong = "a healthy LB lost its name";
            }
        }
        return !wrong.empty() || monotonic_now() - since > (create_timeout + 2s) * slowdown();
    }));
    EXPECT_EQ(wrong, "") << logs();
    const Seen cut = seen();
    EXPECT_TRUE(cut.says.contains(unknown + " is down and its host not reachable")) << last_;
    EXPECT_EQ(published(), ([&] {
                  auto others = all;
                  others.erase(*lost);
                  return others;
              })())
        << "nobody can reach it there";

    network_->mend(*lost);
    ASSERT_TRUE(eventually(60s, [&] {
        return seen().ids() == first.ids() && probed("up") == first.ids() && published() == all;
    })) << logs();
    EXPECT_EQ(machines_.programs(Cluster::name(*lost).str(), unknown), programs);

    const std::size_t again = not_master();
    const std::string kept = first.on(again);
    const auto its = machines_.programs(Cluster::name(again).str(), kept);
    cluster_->kill_host(again);
    ASSERT_TRUE(cluster_->observer().wait(
        30s, [](const follow::ClusterView& view) { return view.members.size() == 2; }));
    cluster_->start(again);
    ASSERT_TRUE(cluster_->wait_members(hosts, 30s)) << logs();
    apply(4);
    ASSERT_TRUE(comes_to(4)) << logs();
    EXPECT_EQ(seen().spread(), (std::vector{1, 1, 2})) << last_;
    EXPECT_TRUE(std::ranges::includes(seen().ids(), first.ids())) << last_;
    EXPECT_EQ(machines_.programs(Cluster::name(again).str(), kept), its);
}

/// Machines as units. Nothing of a real systemd runs: systemctl is fake_systemctl to the nodes, and
/// host_units.sh is to each host what systemd would be.
class ScalingHostsWithUnits : public ScalingHosts {
 protected:
    void SetUp() override {
        ScalingHosts::SetUp();
        if (!network_) return;
        provider_ = "units";
        Cluster::Settings settings;
        for (std::size_t number = 0; number < hosts; ++number) {
            std::filesystem::create_directory(units(number));
            const auto systemctl = directory_.write(
                fmt::format("systemctl-{}", number),
                fmt::format("#!/bin/sh\nexec {} {} \"$@\"\n",
                            built_program("tests/scaler/providers/fake_systemctl").string(),
                            units(number).string()));
            std::filesystem::permissions(systemctl, std::filesystem::perms::owner_all);
            auto& one = settings.elsewhere[number] =
                host(number, "providers: {units: {systemd: {unit: lb@.service}}}\n");
            for (const std::string& word :
                 {std::string("unshare"),
                  std::string("--mount"),
                  std::string("sh"),
                  std::string("-c"),
                  std::string(R"(mount --bind "$0" /usr/bin/systemctl && exec "$@")"),
                  systemctl.string()})
                one.enter.push_back(word);
        }
        start(std::move(settings));
        for (std::size_t number = 0; number < hosts; ++number) {
            ProcessSettings keeper{.argv = network_->enter(number),
                                   .output = units(number) / "keeper.log"};
            for (const std::string& word :
                 {std::string("sh"),
                  source_file("tests/integration/scaling/host_units.sh").string(),
                  units(number).string(),
                  (cluster_->state_dir(number) / "providers/units/.units").string(),
                  std::string(MUSTER_AGENT),
                  std::to_string(port_)})
                keeper.argv.push_back(word);
            for (const std::string& address : addresses(number)) keeper.argv.push_back(address);
            keepers_.push_back(std::make_unique<Process>(keeper));
        }
    }
    [[nodiscard]] std::filesystem::path units(std::size_t host) const {
        return directory_ / fmt::format("units-{}", host);
    }
    [[nodiscard]] pid_t haproxy(std::size_t host, const std::string& id) const {
        pid_t pid = 0;
        std::ifstream(units(host) / ("pid-" + id)) >> pid;
        return pid;
    }
    [[nodiscard]] std::string all_logs() const {
        std::string all = logs();
        for (std::size_t number = 0; number < hosts; ++number) {
            all += fmt::format("--- units of {}\n{}\n", number, read_file(units(number) / "log"));
        }
        return all;
    }
    TempDir directory_;
    std::vector<std::unique_ptr<Process>> keepers_;
};

TEST_F(ScalingHostsWithUnits, ShareTheLbsReplaceADeadOneAndKeepThemWhenTheirNodesStartAgain) {
    apply(3);
    ASSERT_TRUE(comes_to(3)) << all_logs();
    const Seen first = seen();
    EXPECT_EQ(first.spread(), (std::vector{1, 1, 1})) << last_;

    const std::size_t again = not_master();
    const pid_t kept = haproxy(again, first.on(again));
    cluster_->kill_host(again);
    ASSERT_TRUE(cluster_->observer().wait(
        30s, [](const follow::ClusterView& view) { return view.members.size() == 2; }));
    cluster_->start(again);
    ASSERT_TRUE(cluster_->wait_members(hosts, 30s)) << all_logs();

    const std::size_t other = not_master(2);
    const std::string dead = first.on(other);
    const pid_t victim = haproxy(other, dead);
    ASSERT_GT(victim, 1);
    ASSERT_EQ(::kill(victim, SIGKILL), 0);
    ASSERT_TRUE(eventually(90s, [&] {
        const Seen now = seen();
        return now.host_of.size() == 3 && !now.host_of.contains(dead) && probed("up") == now.ids();
    })) << all_logs();
    EXPECT_EQ(seen().spread(), (std::vector{1, 1, 1})) << last_;
    if (again != other) EXPECT_EQ(haproxy(again, first.on(again)), kept) << "it has survived";

    apply(1);
    ASSERT_TRUE(comes_to(1)) << all_logs();
}

}  // namespace
}  // namespace muster::test
