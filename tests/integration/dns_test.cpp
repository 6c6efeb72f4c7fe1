// Names of a fleet, end to end: real HAProxies with their agents, ZooKeeper, musterds, etcd and a
// CoreDNS that is asked.
#include "common/base/asio_clock.hpp"
#include "dnsupdate/dns_asker.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/load_balancer.hpp"
#include "tests/support/coredns_server.hpp"
#include "tests/support/etcd_server.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using dnsupdate::DnsName;
using dnsupdate::RecordType;

class Dns : public testing::Test {
 protected:
    static constexpr std::size_t backends = 3;

    void SetUp() override {
        if (const std::string missing = CoreDnsServer::missing(); !missing.empty())
            GTEST_SKIP() << missing;
        coredns_.emplace("muster.test", "etcd {\n path /skydns\n endpoint " + etcd_.url() + "\n}");
        eu_.emplace("muster.test", "etcd {\n path /skydns-eu\n endpoint " + etcd_.url() + "\n}");
        Cluster::Settings settings;
        settings.more_settings = fmt::format(
            "dns:\n"
            "  etcd: {{endpoints: [\"{}\"], timeout: 500ms}}\n"
            "  zones: [muster.test]\n"
            "  allowed_addresses: [127.0.0.0/8]\n"
            "  servers: [\"127.0.0.1:{}\"]\n"
            "  views: {{eu: {{root: /skydns-eu, servers: [\"127.0.0.1:{}\"]}}}}\n",
            etcd_.url(),
            coredns_->port(),
            eu_->port());
        cluster_.emplace(std::move(settings));
        config::GroupSpec group = make_group(responder_, "web", 0, backends, 500ms, 2);
        cluster_->apply(group);
        fleet_.listeners = {{.name = "main", .port = port_, .group = GroupName("web")}};
        fleet_.health.interval = 500ms;
        fleet_.health.timeout = 400ms;
        fleet_.health.fall = 2;
        fleet_.health.agent_port = agent_port_;
        fleet_.dns = {{.name = "api.muster.test",
                       .types = {config::DnsType::a, config::DnsType::srv},
                       .ttl = 5s}};
        cluster_->apply(fleet_);
        ASSERT_TRUE(cluster_->wait_all_up(20s));
        for (int number = 1; number <= 2; ++number) {
            const std::string host = fmt::format("127.0.0.{}", number + 1);
            lbs_.push_back(std::make_unique<LoadBalancer>(
                *cluster_,
                LoadBalancer::Settings{.instance = fmt::format("lb{}", number),
                                       .bind_address = host,
                                       .address = fmt::format("{}:{}", host, port_),
                                       .agent_port = agent_port_}));
            lbs_.back()->start();
        }
    }

    /// "127.0.0.2 127.0.0.3", the code where it isn't NOERROR, or why nobody answers.
    [[nodiscard]] std::string answer(RecordType type = RecordType::a) {
        return answer_of(*coredns_, type);
    }
    [[nodiscard]] std::string answer_of(const CoreDnsServer& server, RecordType type) {
        auto asked = asio::co_spawn(context_,
                                    dnsupdate::ask(clock_,
                                                   {.host = "127.0.0.1", .port = server.port()},
                                                   DnsName("api.muster.test"),
                                                   type,
                                                   6s),
                                    asio::use_future);
        context_.restart();
        context_.run();
        const Result<dnsupdate::DnsAnswer> got = asked.get();
        if (!got) return got.error().message();
        if (got->code != "NOERROR") return got->code;
        std::vector<std::string> data;
        for (const dnsupdate::DnsRecord& record : got->records) data.push_back(record.data);
        std::ranges::sort(data);
        return fmt::format("{}", fmt::join(data, " "));
    }
    [[nodiscard]] bool answers(const std::string& wanted, std::chrono::seconds limit = 20s) {
        return eventually(limit, [&] { return answer() == wanted; });
    }
    /// What masters hand on.
    [[nodiscard]] std::string state() {
        std::string data;
        cluster_->observer().with_store([&](coordination::Store& store) -> asio::awaitable<void> {
            const auto node =
                co_await store.get("/muster/main/dns/state", coordination::Watch::none);
            data = node ? node->data : node.error().message();
        });
        return data;
    }
    [[nodiscard]] std::string logs() {
        std::string all;
        for (std::size_t node = 0; node < cluster_->size(); ++node) {
            if (cluster_->running(node)) all += cluster_->get(node, "/api/v1/dns").body + "\n";
            all += cluster_->output(node);
        }
        return all;
    }

    const std::uint16_t port_ = free_port();
    const std::uint16_t agent_port_ = free_port();
    const std::string both_ = "127.0.0.2 127.0.0.3";
    EtcdServer etcd_;
    std::optional<CoreDnsServer> coredns_;
    std::optional<CoreDnsServer> eu_;  ///< of clients in that view
    config::FleetSpec fleet_{.name = FleetName("edge")};
    Responder responder_{backends};
    std::optional<Cluster> cluster_;
    std::vector<std::unique_ptr<LoadBalancer>> lbs_;
    asio::io_context context_;
    AsioClock clock_;
};

TEST_F(Dns, AnswersWithTheLoadBalancersThatServeAndNeverWithNone) {
    ASSERT_TRUE(answers(both_)) << answer() << logs();
    const std::string services = answer(RecordType::srv);
    EXPECT_TRUE(services.contains(fmt::format("10 50 {} edge-lb1.api.muster.test", port_)))
        << services;
    const auto master = cluster_->master();
    ASSERT_TRUE(master);
    const std::string told = cluster_->get(*master, "/api/v1/dns").body;
    EXPECT_TRUE(told.contains(R"("stage":"publishing")")) << told;
    EXPECT_TRUE(eventually(10s, [&] {
        return cluster_->get(*master, "/metrics")
            .body.contains(
                fmt::format("muster_dns_server_right{{server=\"127.0.0.1:{}\",store=\"etcd\"}} 1",
                            coredns_->port()));
    })) << cluster_->get(*master, "/metrics").body;

    const Stopwatch watch;
    lbs_[1]->kill_haproxy();
    ASSERT_TRUE(answers("127.0.0.2", 10s)) << answer() << logs();
    const std::chrono::duration<double> took = watch.elapsed();
    RecordProperty("gone_after_ms", static_cast<int>(took.count() * 1000));
    fmt::print("an LB that died was out of DNS after {:.2f} s\n", took.count());

    // With both dead the name answers still; which of them is for panic and the planner to say.
    lbs_[0]->kill_haproxy();
    const Stopwatch dead;
    while (dead.elapsed() < 8s) {
        const std::string now = answer();
        ASSERT_TRUE(now == "127.0.0.2" || now == both_) << now << logs();
    }
    lbs_[0]->start_haproxy();
    lbs_[1]->start_haproxy();
    EXPECT_TRUE(answers(both_)) << answer() << logs();
}

TEST_F(Dns, AnswersInEachViewAndSaysWhoIsNotOutOfTheCachesYet) {
    ASSERT_TRUE(answers(both_)) << answer() << logs();
    const auto eu_answers = [&](const std::string& wanted) {
        return eventually(20s, [&] { return answer_of(*eu_, RecordType::a) == wanted; });
    };
    ASSERT_TRUE(eu_answers(both_)) << answer_of(*eu_, RecordType::a) << logs();
    const std::string fences = etcd_.ctl({"get", "--prefix", "/muster/", "--keys-only"});
    EXPECT_EQ(fences.find("fence"), fences.rfind("fence")) << "one for both: " << fences;
    const auto master = cluster_->master();
    ASSERT_TRUE(master);
    for (const CoreDnsServer* const server : {&*coredns_, &*eu_}) {
        EXPECT_TRUE(eventually(10s, [&] {
            return cluster_->get(*master, "/metrics")
                .body.contains(
                    fmt::format("muster_dns_server_up{{server=\"127.0.0.1:{}\",store=\"{}\"}} 1",
                                server->port(),
                                server == &*eu_ ? "etcd-eu" : "etcd"));
        })) << logs();
    }
    const auto leaving = [&] {
        return cluster_->get(*master, "/api/v1/dns")
            .body.contains(R"("leaving":[{"member":"edge-lb2")");
    };
    EXPECT_FALSE(leaving()) << logs();
    lbs_[1]->kill_haproxy();
    ASSERT_TRUE(eu_answers("127.0.0.2")) << answer_of(*eu_, RecordType::a) << logs();
    EXPECT_TRUE(eventually(5s, leaving)) << "caches may hold it: " << logs();
    EXPECT_TRUE(eventually(30s, [&] { return !leaving(); }))
        << "5 s of the TTL, 10 s of the floors: " << logs();
    // A server without its store is told of, and nothing else happens.
    eu_->pause();
    EXPECT_TRUE(eventually(20s, [&] {
        return cluster_->get(*master, "/metrics")
            .body.contains(
                fmt::format("muster_dns_server_up{{server=\"127.0.0.1:{}\",store=\"etcd-eu\"}} 0",
                            eu_->port()));
    })) << logs();
    EXPECT_EQ(answer(), "127.0.0.2");
    eu_->resume();
    lbs_[1]->start_haproxy();
    EXPECT_TRUE(answers(both_)) << answer() << logs();
    EXPECT_TRUE(eu_answers(both_)) << answer_of(*eu_, RecordType::a) << logs();
}

TEST_F(Dns, GoesOnUnderTheNextMaster) {
    ASSERT_TRUE(answers(both_)) << answer() << logs();
    const auto master = cluster_->master();
    ASSERT_TRUE(master);
    const std::string fence = etcd_.ctl({"get", "--prefix", "/muster/", "--print-value-only"});
    EXPECT_TRUE(eventually(10s, [&] { return state().contains(R"("etcd":{"born":true)"); }))
        << state() << logs();
    cluster_->kill_process(*master);
    lbs_[1]->kill_haproxy();
    ASSERT_TRUE(answers("127.0.0.2")) << answer() << logs();
    EXPECT_GT(etcd_.ctl({"get", "--prefix", "/muster/", "--print-value-only"}), fence);
    lbs_[1]->start_haproxy();
    EXPECT_TRUE(answers(both_)) << answer() << logs();
}

TEST_F(Dns, AMasterThatSleptWritesNothingWhenItWakes) {
    ASSERT_TRUE(answers(both_)) << answer() << logs();
    const auto master = cluster_->master();
    ASSERT_TRUE(master);
    cluster_->pause(*master);
    lbs_[1]->kill_haproxy();
    ASSERT_TRUE(answers("127.0.0.2", 30s)) << answer();
    const auto heir = cluster_->master();
    ASSERT_TRUE(heir);
    ASSERT_NE(heir, master);
    const std::string before = etcd_.ctl({"get", "--prefix", "/"});
    cluster_->resume(*master);
    EXPECT_TRUE(eventually(20s, [&] {
        const std::string told = cluster_->get(*master, "/api/v1/dns").body;
        return told.contains(R"("stores":[])") && told.contains(R"("source":"live")");
    })) << logs();
    EXPECT_EQ(etcd_.ctl({"get", "--prefix", "/"}), before);
    EXPECT_EQ(answer(), "127.0.0.2");
    lbs_[1]->start_haproxy();
    EXPECT_TRUE(answers(both_)) << answer() << logs();
}

TEST_F(Dns, ChangesNothingWhileEtcdIsAwayAndCatchesUp) {
    ASSERT_TRUE(answers(both_)) << answer() << logs();
    const auto master = cluster_->master();
    ASSERT_TRUE(master);
    etcd_.kill();
    lbs_[1]->kill_haproxy();
    EXPECT_TRUE(eventually(20s, [&] {
        return cluster_->get(*master, "/metrics")
            .body.contains(R"(muster_dns_trouble{store="etcd"} 1)");
    })) << logs();
    etcd_.start();
    // Nothing was lost. The master may be back before us.
    const std::string back = answer();
    EXPECT_TRUE(back == both_ || back == "127.0.0.2") << back;
    EXPECT_TRUE(answers("127.0.0.2", 30s)) << answer() << logs();
    EXPECT_EQ(cluster_->master(), master) << "etcd is no reason to change the master";
}

}  // namespace
}  // namespace muster::test
