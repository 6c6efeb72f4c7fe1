// Traffic of a name shifted between two fleets, end to end: real HAProxies with their agents,
// ZooKeeper, musterds, etcd, musterctl, and a CoreDNS that is asked.
#include "common/base/asio_clock.hpp"
#include "dnsupdate/dns_asker.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/load_balancer.hpp"
#include "tests/support/coredns_server.hpp"
#include "tests/support/etcd_server.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/process.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using dnsupdate::DnsName;
using dnsupdate::RecordType;
using testing::HasSubstr;

constexpr const char* services = "api.muster.test";     // A and SRV
constexpr const char* addresses = "plain.muster.test";  // A alone

using Shares = std::map<std::string, int>;

class TrafficShifts : public testing::Test {
 protected:
    static constexpr std::size_t backends = 2;

    void SetUp() override {
        if (const std::string missing = CoreDnsServer::missing(); !missing.empty())
            GTEST_SKIP() << missing;
        coredns_.emplace("muster.test", "etcd {\n path /skydns\n endpoint " + etcd_.url() + "\n}");
        Cluster::Settings settings;
        settings.more_settings = fmt::format(
            "dns:\n"
            "  allowed_addresses: [127.0.0.0/8]\n"
            "  etcd: {{endpoints: [\"{}\"], timeout: 500ms}}\n"
            "  zones: [muster.test]\n"
            "  servers: [\"127.0.0.1:{}\"]\n",
            etcd_.url(),
            coredns_->port());
        cluster_.emplace(std::move(settings));
        cluster_->apply(make_group(responder_, "web", 0, backends, 500ms, 2));
        int host = 2;
        for (const char* const name : {"blue", "green"}) {
            config::FleetSpec fleet{.name = FleetName(name)};
            fleet.listeners = {{.name = "main", .port = port_, .group = GroupName("web")}};
            fleet.health.interval = 500ms;
            fleet.health.timeout = 400ms;
            fleet.health.fall = 2;
            fleet.health.agent_port = agent_port_;
            fleet.dns = {
                {.name = services, .types = {config::DnsType::a, config::DnsType::srv}, .ttl = 5s},
                {.name = addresses, .types = {config::DnsType::a}, .ttl = 5s}};
            cluster_->apply(fleet);
            const std::string address = fmt::format("127.0.0.{}", host++);
            lbs_[name] = std::make_unique<LoadBalancer>(
                *cluster_,
                LoadBalancer::Settings{.fleet = name,
                                       .instance = "lb",
                                       .bind_address = address,
                                       .address = fmt::format("{}:{}", address, port_),
                                       .agent_port = agent_port_});
            lbs_[name]->start();
        }
        ASSERT_TRUE(eventually(30s, [&] {
            return weights() == Shares{{"blue", 50}, {"green", 50}};
        })) << answer(services, RecordType::srv);
    }

    [[nodiscard]] dnsupdate::DnsAnswer ask(const std::string& name, RecordType type) {
        auto asked = asio::co_spawn(
            context_,
            dnsupdate::ask(
                clock_, {.host = "127.0.0.1", .port = coredns_->port()}, DnsName(name), type, 6s),
            asio::use_future);
        context_.restart();
        context_.run();
        Result<dnsupdate::DnsAnswer> got = asked.get();
        return got ? *std::move(got) : dnsupdate::DnsAnswer{.code = got.error().message()};
    }
    [[nodiscard]] std::string answer(const std::string& name, RecordType type) {
        const dnsupdate::DnsAnswer got = ask(name, type);
        std::string text = got.code;
        for (const dnsupdate::DnsRecord& record : got.records) text += " | " + record.data;
        return text;
    }
    /// What CoreDNS answers, by fleets: "10 95 443 blue-lb.api.muster.test." is 95 of blue.
    [[nodiscard]] Shares weights() {
        Shares all;
        for (const dnsupdate::DnsRecord& record : ask(services, RecordType::srv).records) {
            std::istringstream in(record.data);
            int priority = 0;
            int weight = 0;
            int port = 0;
            std::string target;
            in >> priority >> weight >> port >> target;
            all[target.substr(0, target.find('-'))] += weight;
        }
        return all;
    }

    /// musterctl, at the nodes that run.
    std::string ctl(std::vector<std::string> arguments, int expected = 0) {
        std::vector<std::string> urls;
        for (std::size_t node = 0; node < cluster_->size(); ++node) {
            if (cluster_->running(node)) urls.push_back(cluster_->url(node));
        }
        arguments.insert(arguments.begin(),
                         {built_program("ctl/musterctl").string(),
                          "--author",
                          "alice",
                          "--url",
                          fmt::format("{}", fmt::join(urls, ","))});
        const std::filesystem::path output = directory_.path() / "musterctl.out";
        std::filesystem::remove(output);
        Process process(ProcessSettings{.argv = std::move(arguments), .output = output});
        const auto status = process.wait(30s);
        EXPECT_TRUE(status && status->code == expected) << process.output();
        return process.output();
    }
    [[nodiscard]] boost::json::object shift(const std::string& name = services) {
        for (std::size_t node = 0; node < cluster_->size(); ++node) {
            if (!cluster_->running(node)) continue;
            const auto got = cluster_->get(node, "/api/v1/traffic-shift");
            if (got.status != 200) continue;
            for (const auto& one : boost::json::parse(got.body).at("shifts").as_array()) {
                if (one.at("name").as_string() == name) return one.as_object();
            }
        }
        return {};
    }
    [[nodiscard]] std::string phase(const std::string& name = services) {
        const boost::json::object found = shift(name);
        return found.contains("phase") ? std::string(found.at("phase").as_string()) : "";
    }
    [[nodiscard]] std::string logs() {
        std::string all = boost::json::serialize(shift()) + "\n";
        for (std::size_t node = 0; node < cluster_->size(); ++node) all += cluster_->output(node);
        return all;
    }
    void pin_to_blue(const std::string& name) {
        const std::string said = ctl({"shift", name, "blue=100", "--over", "0s"});
        ASSERT_TRUE(eventually(30s, [&] { return phase(name) == "done"; })) << said << logs();
    }

    const std::uint16_t port_ = free_port();
    const std::uint16_t agent_port_ = free_port();
    TempDir directory_;
    EtcdServer etcd_;
    std::optional<CoreDnsServer> coredns_;
    Responder responder_{backends};
    std::optional<Cluster> cluster_;
    std::map<std::string, std::unique_ptr<LoadBalancer>> lbs_;
    asio::io_context context_;
    AsioClock clock_;
};

TEST_F(TrafficShifts, GoStepByStepAndCoreDnsAnswersEachToThePoint) {
    pin_to_blue(services);
    EXPECT_EQ(weights(), (Shares{{"blue", 100}}));
    ctl({"shift", services, "blue=50", "green=50", "--over", "10s", "--interval", "2s"});
    std::set<Shares> seen;
    ASSERT_TRUE(eventually(60s, [&] {
        const Shares now = weights();
        seen.insert(now);
        // A node that is asked may not have seen yet that there is another one.
        return now.contains("green") && phase() == "done";
    })) << logs();
    for (int green = 10; green <= 50; green += 10)
        EXPECT_TRUE(seen.contains({{"blue", 100 - green}, {"green", green}})) << green << logs();
    EXPECT_EQ(seen.size(), 6U) << "and nothing else on the way";
    EXPECT_THAT(ctl({"get", "shifts"}), HasSubstr("blue=50 green=50"));
    EXPECT_THAT(ctl({"shift", services, "--status"}), HasSubstr("done"));
    EXPECT_THAT(ctl({"events", "--audit"}), HasSubstr("alice"));
    EXPECT_THAT(ctl({"events"}), HasSubstr("traffic of api.muster.test: done"));
    const auto master = cluster_->master();
    ASSERT_TRUE(master);
    EXPECT_THAT(cluster_->get(*master, "/metrics").body,
                HasSubstr(R"(muster_dns_shift_percent{name="api.muster.test",party="green"} 50)"));

    ctl({"shift", services, "blue=10", "--over", "0s"}, 1);
    ctl({"shift", services, "blue=50", "geen=50"}, 1);
    ctl({"shift", services, "--forget"});
    EXPECT_TRUE(eventually(10s, [&] { return phase().empty(); }));
    EXPECT_EQ(weights(), (Shares{{"blue", 50}, {"green", 50}})) << "as the fleets say";
}

TEST_F(TrafficShifts, RollBackWhenTheFleetThatGainsDies) {
    pin_to_blue(services);
    ctl({"shift",
         services,
         "blue=20",
         "green=80",
         "--over",
         "80s",
         "--interval",
         "2s",
         "--patience",
         "5s"});
    ASSERT_TRUE(eventually(60s, [&] { return weights()["green"] >= 6; })) << logs();
    lbs_["green"]->kill_haproxy();
    // Health comes first: it is out before anybody thinks of the shift.
    ASSERT_TRUE(eventually(20s, [&] { return weights() == Shares{{"blue", 100}}; })) << logs();
    ASSERT_TRUE(eventually(30s, [&] { return phase() == "rolled_back"; })) << logs();
    EXPECT_THAT(std::string(shift().at("why").as_string()), HasSubstr("of green are healthy"));
    lbs_["green"]->start_haproxy();
    const Stopwatch watch;
    while (watch.elapsed() < 6s) ASSERT_EQ(weights(), (Shares{{"blue", 100}})) << logs();
    EXPECT_EQ(phase(), "rolled_back");
}

TEST_F(TrafficShifts, GoOnUnderTheNextMasterAndAreCancelled) {
    pin_to_blue(services);
    ctl({"shift", services, "blue=50", "green=50", "--over", "100s", "--interval", "2s"});
    ctl({"shift", services, "blue=40", "green=60"}, 4);  // one at a time
    ASSERT_TRUE(eventually(60s, [&] { return weights()["green"] >= 3; })) << logs();
    const auto master = cluster_->master();
    ASSERT_TRUE(master);
    const int before = weights()["green"];
    cluster_->kill_process(*master);
    int last = before;
    ASSERT_TRUE(eventually(60s, [&] {
        const int now = weights()["green"];
        EXPECT_GE(now, last) << "never back";
        EXPECT_LE(now, last + 1) << "never more than a step";
        last = now;
        return now >= before + 3;
    })) << logs();
    ctl({"shift", services, "--cancel"});
    EXPECT_TRUE(eventually(20s, [&] { return phase() == "cancelled"; })) << logs();
    EXPECT_EQ(weights(), (Shares{{"blue", 100}}));
}

TEST_F(TrafficShifts, GiveClientsThatAskForAddressesAloneTheirTurns) {
    ctl({"shift", addresses, "blue=80", "green=20", "--over", "0s"});
    ASSERT_TRUE(eventually(40s, [&] { return phase(addresses) == "done"; })) << logs();
    // One LB each: a slot of 5 s has one address. Of the 5 slots of a rotation one is green's.
    std::vector<std::string> slots;
    const Stopwatch watch;
    while (watch.elapsed() < 27s) {
        const std::string now = answer(addresses, RecordType::a);
        ASSERT_TRUE(now.starts_with("NOERROR | 127.0.0.")) << now << logs();
        if (slots.empty() || slots.back() != now) slots.push_back(now);
    }
    EXPECT_EQ(std::set<std::string>(slots.begin(), slots.end()),
              (std::set<std::string>{"NOERROR | 127.0.0.2", "NOERROR | 127.0.0.3"}))
        << logs();
}

}  // namespace
}  // namespace muster::test
