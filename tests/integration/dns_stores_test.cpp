// One intent in three stores: etcd with CoreDNS, BIND and Knot. A cluster of real musterds; the
// load balancers are sockets that take connections.
#include "common/base/asio_clock.hpp"
#include "dnsupdate/dns_asker.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/support/coredns_server.hpp"
#include "tests/support/etcd_server.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/name_server.hpp"
#include "tests/support/ports.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
using dnsupdate::DnsName;
using dnsupdate::RecordType;

class DnsStores : public testing::Test {
 protected:
    static constexpr int still_names = 10;

    void SetUp() override {
        if (const std::string missing = CoreDnsServer::missing(); !missing.empty())
            GTEST_SKIP() << missing;
        coredns_.emplace("muster.test", "etcd {\n path /skydns\n endpoint " + etcd_.url() + "\n}");
        const auto secret = directory_.write("tsig", NameServer::secret() + "\n");
        std::filesystem::permissions(secret, std::filesystem::perms::owner_read);
        const auto update_server = [&](const NameServer& server) {
            return fmt::format(
                "    - {{server: \"127.0.0.1:{}\", zones: [muster.test], key: muster, "
                "secret_file: {}, timeout: 1s}}\n",
                server.port(),
                secret.string());
        };
        Cluster::Settings settings;
        settings.more_settings = fmt::format(
                                     "dns:\n"
                                     "  etcd: {{endpoints: [\"{}\"], timeout: 500ms}}\n"
                                     "  zones: [muster.test]\n"
                                     "  allowed_addresses: [127.0.0.0/29]\n"
                                     "  servers: [\"127.0.0.1:{}\"]\n"
                                     "  rfc2136:\n",
                                     etcd_.url(),
                                     coredns_->port()) +
                                 update_server(bind_) + update_server(knot_);
        cluster_.emplace(std::move(settings));
        // What doesn't change while others do: a full rewrite would be seen in the counters.
        config::FleetSpec still = fleet("still", {{"s1", "127.0.0.4"}});
        for (int number = 0; number < still_names; ++number)
            still.dns.push_back({.name = fmt::format("still{}.muster.test", number),
                                 .types = {config::DnsType::a},
                                 .ttl = 5s});
        // The last one is healthy, too, but at an address that isn't to be published.
        config::FleetSpec edge =
            fleet("edge", {{"lb1", "127.0.0.2"}, {"lb2", "127.0.0.3"}, {"lb3", "127.0.0.9"}});
        edge.dns = {{.name = "api.muster.test",
                     .types = {config::DnsType::a, config::DnsType::srv},
                     .ttl = 5s}};
        for (const char* address : {"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.9"})
            open(address);
        cluster_->apply(still);
        cluster_->apply(edge);
    }

    struct Listed {
        const char* id;
        const char* address;
    };
    [[nodiscard]] config::FleetSpec fleet(const char* name,
                                          const std::vector<Listed>& instances) const {
        config::FleetSpec spec{.name = FleetName(name)};
        spec.listeners = {{.name = "main", .port = port_, .group = GroupName("web")}};
        spec.health.interval = 500ms;
        spec.health.timeout = 400ms;
        spec.health.fall = 2;
        spec.health.requests = false;
        for (const Listed& one : instances)
            spec.instances.push_back(
                {.id = InstanceId(one.id), .address = one.address, .port = port_});
        return spec;
    }
    void open(const std::string& address) {
        sockets_.emplace(
            address,
            tcp::acceptor(context_, tcp::endpoint(asio::ip::make_address(address), port_)));
    }
    void close(const std::string& address) { sockets_.erase(address); }

    /// Every record of the answer with its TTL, sorted; or why there is none.
    [[nodiscard]] std::string answer(std::uint16_t server,
                                     const std::string& name = "api.muster.test",
                                     RecordType type = RecordType::a) {
        auto asked = asio::co_spawn(
            context_,
            dnsupdate::ask(clock_, {.host = "127.0.0.1", .port = server}, DnsName(name), type, 2s),
            asio::use_future);
        context_.restart();
        context_.run();
        const Result<dnsupdate::DnsAnswer> got = asked.get();
        if (!got) return got.error().message();
        if (got->code != "NOERROR") return got->code;
        std::vector<std::string> data;
        for (const dnsupdate::DnsRecord& record : got->records)
            data.push_back(fmt::format("{} {} {}", record.ttl, record.type, record.data));
        std::ranges::sort(data);
        return fmt::format("{}", fmt::join(data, ", "));
    }
    [[nodiscard]] bool answers(std::uint16_t server,
                               const std::string& wanted,
                               std::chrono::seconds limit = 20s) {
        return eventually(limit, [&] { return answer(server) == wanted; });
    }
    [[nodiscard]] std::string on_the_master(const std::string& path) {
        const auto master = cluster_->master();
        return master ? cluster_->get(*master, path).body : "";
    }
    /// A metric of the master's; -1: it has none.
    [[nodiscard]] double metric(const std::string& name, const std::string& store) {
        const std::string text = on_the_master("/metrics");
        const std::string line = fmt::format("\n{}{{store=\"{}\"}} ", name, store);
        const std::size_t at = text.find(line);
        return at == std::string::npos ? -1 : std::stod(text.substr(at + line.size()));
    }
    [[nodiscard]] static std::string store_of(const NameServer& server) {
        return fmt::format("rfc2136:127.0.0.1:{}:muster.test", server.port());
    }
    [[nodiscard]] std::string logs() {
        std::string all = on_the_master("/api/v1/dns") + "\n";
        for (std::size_t node = 0; node < cluster_->size(); ++node) all += cluster_->output(node);
        return all;
    }
    [[nodiscard]] bool all_in_order(const std::string& wanted) {
        return answers(coredns_->port(), wanted) && answers(bind_.port(), wanted) &&
               answers(knot_.port(), wanted) && eventually(20s, [&] {
                   const double put = metric("muster_dns_names_differing", "etcd") +
                                      metric("muster_dns_names_differing", store_of(bind_)) +
                                      metric("muster_dns_names_differing", store_of(knot_));
                   return put == 0;
               });
    }

    const std::uint16_t port_ = free_port();
    const std::string both_ = "5 A 127.0.0.2, 5 A 127.0.0.3";
    const std::string one_ = "5 A 127.0.0.2";
    TempDir directory_;
    EtcdServer etcd_;
    std::optional<CoreDnsServer> coredns_;
    NameServer bind_{NameServer::Kind::bind, "muster.test", ""};
    NameServer knot_{NameServer::Kind::knot, "muster.test", ""};
    std::optional<Cluster> cluster_;
    asio::io_context context_;
    std::map<std::string, tcp::acceptor> sockets_;
    AsioClock clock_;
};

TEST_F(DnsStores, AnswerTheSameAndNoneWaitsForAnother) {
    ASSERT_TRUE(all_in_order(both_)) << answer(coredns_->port()) << "\n"
                                     << answer(bind_.port()) << "\n"
                                     << answer(knot_.port()) << "\n"
                                     << logs();
    std::vector<std::string> names{"api.muster.test"};
    for (int number = 0; number < still_names; ++number)
        names.push_back(fmt::format("still{}.muster.test", number));
    for (const std::string& name : names) {
        for (const RecordType type : {RecordType::a, RecordType::srv, RecordType::aaaa}) {
            // CoreDNS makes up SRV records, with port 0, where there are none.
            if (type == RecordType::srv && name != names.front()) continue;
            const std::string wanted = answer(coredns_->port(), name, type);
            EXPECT_EQ(answer(bind_.port(), name, type), wanted) << name;
            EXPECT_EQ(answer(knot_.port(), name, type), wanted) << name;
        }
    }
    const std::string services = answer(bind_.port(), "api.muster.test", RecordType::srv);
    EXPECT_TRUE(services.contains("edge-lb1.api.muster.test")) << services;

    const std::string told =
        "lb3 of fleet edge is not published as api.muster.test: 127.0.0.9 is in none of "
        "dns.allowed_addresses (127.0.0.0/29)";
    EXPECT_TRUE(on_the_master("/api/v1/dns").contains(told)) << logs();
    EXPECT_TRUE(logs().contains("event=dns_problem what=\"" + told)) << logs();

    // One that is frozen holds up none.
    const double put = metric("muster_dns_records_put_total", store_of(bind_));
    const double removed = metric("muster_dns_records_removed_total", store_of(bind_));
    ASSERT_GE(put, still_names + 2);
    bind_.pause();
    const Stopwatch watch;
    close("127.0.0.3");
    EXPECT_TRUE(answers(coredns_->port(), one_, 10s)) << answer(coredns_->port()) << logs();
    EXPECT_TRUE(answers(knot_.port(), one_, 10s)) << answer(knot_.port()) << logs();
    const std::chrono::duration<double> took = watch.elapsed();
    fmt::print("the others had it after {:.2f} s\n", took.count());
    EXPECT_TRUE(eventually(20s, [&] { return metric("muster_dns_trouble", store_of(bind_)) == 1; }))
        << logs();
    EXPECT_EQ(metric("muster_dns_trouble", store_of(knot_)), 0);
    EXPECT_EQ(metric("muster_dns_trouble", "etcd"), 0);

    // What it missed, and nothing else, is written when it is back: lb2 goes, and lb1's share of
    // the SRV records changes with it.
    bind_.resume();
    EXPECT_TRUE(answers(bind_.port(), one_, 30s)) << answer(bind_.port()) << logs();
    ASSERT_TRUE(eventually(20s, [&] {
        return metric("muster_dns_records_removed_total", store_of(bind_)) >= removed + 1;
    })) << logs();
    EXPECT_EQ(metric("muster_dns_records_removed_total", store_of(bind_)), removed + 1);
    EXPECT_EQ(metric("muster_dns_records_put_total", store_of(bind_)), put + 1);

    // The same with etcd.
    const double in_etcd = metric("muster_dns_records_put_total", "etcd");
    etcd_.pause();
    open("127.0.0.3");
    EXPECT_TRUE(answers(bind_.port(), both_, 15s)) << answer(bind_.port()) << logs();
    EXPECT_TRUE(answers(knot_.port(), both_, 15s)) << answer(knot_.port()) << logs();
    etcd_.resume();
    EXPECT_TRUE(answers(coredns_->port(), both_, 30s)) << answer(coredns_->port()) << logs();
    EXPECT_TRUE(eventually(
        10s, [&] { return metric("muster_dns_records_put_total", "etcd") == in_etcd + 2; }))
        << metric("muster_dns_records_put_total", "etcd") - in_etcd << logs();
}

TEST_F(DnsStores, AreAllTakenOverByTheNextMaster) {
    ASSERT_TRUE(all_in_order(both_)) << logs();
    const std::string known = fmt::format("\"{}\":{{\"born\":true", store_of(knot_));
    const auto state = [&] {
        std::string data;
        cluster_->observer().with_store([&](coordination::Store& store) -> asio::awaitable<void> {
            const auto node =
                co_await store.get("/muster/main/dns/state", coordination::Watch::none);
            data = node ? node->data : node.error().message();
        });
        return data;
    };
    EXPECT_TRUE(eventually(10s, [&] {
        const std::string now = state();
        return now.contains(known) && now.contains(R"("etcd":{"born":true)") &&
               now.contains(fmt::format("\"{}\":{{\"born\":true", store_of(bind_)));
    })) << state();
    const auto master = cluster_->master();
    ASSERT_TRUE(master);
    cluster_->kill_process(*master);
    close("127.0.0.3");
    for (const std::uint16_t server : {coredns_->port(), bind_.port(), knot_.port()})
        EXPECT_TRUE(answers(server, one_)) << answer(server) << logs();
    open("127.0.0.3");
    for (const std::uint16_t server : {coredns_->port(), bind_.port(), knot_.port()})
        EXPECT_TRUE(answers(server, both_)) << answer(server) << logs();
}

}  // namespace
}  // namespace muster::test
