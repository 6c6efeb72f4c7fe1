// ./bench dns: names on a real etcd and CoreDNS.
//  - fencing: random schedules of late writes on etcd, and some on whole clusters; 0 may land
//  - faults: a prober of ten milliseconds under all faults of tests/never_empty
//  - publish: 10,000 records of 500 names, until CoreDNS answers all; then nothing, then one change
//  - gone: LBs that fail one after another; from their status to the last answer with their address
// MUSTER_BENCH_SECTIONS (fencing,faults,publish,gone), MUSTER_BENCH_SCHEDULES (1,000),
// MUSTER_BENCH_CLUSTER_SCHEDULES (50), MUSTER_BENCH_KILLS (50).
#include "common/base/asio_clock.hpp"
#include "dnsupdate/dns_asker.hpp"
#include "dnsupdate/dns_updater.hpp"
#include "dnsupdate/etcd_provider.hpp"
#include "tests/bench/support/figures.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/responder.hpp"
#include "tests/fencing/cluster_schedules.hpp"
#include "tests/fencing/schedules.hpp"
#include "tests/never_empty/name_faults.hpp"
#include "tests/support/coredns_server.hpp"
#include "tests/support/etcd_server.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace muster::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using dnsupdate::DnsName;
using dnsupdate::RecordType;

void fencing() {
    fencing::Tally tally = fencing::run_schedules(
        {.first_seed = static_cast<std::uint32_t>(setting("MUSTER_BENCH_SEED", 1)),
         .count = static_cast<std::size_t>(setting("MUSTER_BENCH_SCHEDULES", 1'000))});
    std::printf("%zu schedules: %zu late writes done in time, %zu after the claim\n",
                tally.schedules,
                tally.in_time,
                tally.attempted);
    const fencing::Tally of_clusters = fencing::run_cluster_schedules(
        static_cast<std::size_t>(setting("MUSTER_BENCH_CLUSTER_SCHEDULES", 50)), 1);
    std::printf("%zu schedules of a real cluster: %zu after the claim\n",
                of_clusters.schedules,
                of_clusters.attempted);
    tally += of_clusters;
    for (const auto* const list : {&tally.violations, &tally.emptied, &tally.wrong})
        for (const std::string& one : *list) std::printf("WRONG: %s\n", one.c_str());
    metric("fencing_schedules", static_cast<double>(tally.schedules), "schedules");
    metric("etcd_restores", static_cast<double>(tally.restores), "restores");
    metric("zookeeper_wipes", static_cast<double>(tally.wipes), "wipes");
    metric("transactions_judged", static_cast<double>(tally.transactions), "transactions");
    metric("stale_writes_attempted", static_cast<double>(tally.attempted), "writes");
    metric("fencing_violations", static_cast<double>(tally.violations.size()), "violations");
    metric("emptied_in_history", static_cast<double>(tally.emptied.size()), "revisions");
    require(tally.wrong.empty(), "every schedule goes as it should");
}

void faults() {
    NameProber::Tally all;
    for (const FaultReport& report : run_name_faults(name_faults())) {
        std::printf(
            "%-26s %5zu answers, %zu empty, %zu NXDOMAIN, %4zu failures; well after %.1f s\n",
            report.fault.c_str(),
            report.tally.answers,
            report.tally.empty,
            report.tally.nxdomain,
            report.tally.failures,
            ms(report.well_again) / 1000);
        for (const std::string& one : report.tally.first_bad)
            std::printf("  BAD: %s\n", one.c_str());
        all.answers += report.tally.answers;
        all.empty += report.tally.empty;
        all.nxdomain += report.tally.nxdomain;
        all.failures += report.tally.failures;
    }
    metric("faults", static_cast<double>(name_faults().size()), "faults");
    metric("answers", static_cast<double>(all.answers), "answers");
    metric("empty_answers", static_cast<double>(all.empty + all.nxdomain), "answers");
    metric("failed_answers", static_cast<double>(all.failures), "answers");
}

/// An updater on a real etcd, which asks a real CoreDNS.
class Publishing {
 public:
    Publishing() {
        dnsupdate::UpdaterSettings settings;
        settings.verifier.servers = {{.host = "127.0.0.1", .port = coredns_.port()}};
        settings.verifier.limit = 120s;
        dnsupdate::UpdaterLinks links{
            .wanted = [this] { return dnsupdate::DesiredRecords{.desired = wanted}; },
            .may_write = [] { return true; },
            .paused = [] { return false; },
            .deposed = [] {},
            .keep = [](dnsupdate::StoreMark) -> asio::awaitable<bool> { co_return true; },
            .ask =
                [this](config::Endpoint server,
                       DnsName name,
                       RecordType type,
                       std::chrono::nanoseconds timeout) {
                    return dnsupdate::ask(
                        clock_, std::move(server), std::move(name), type, timeout);
                },
            .on_change = [] {}};
        updater_ = std::make_unique<dnsupdate::DnsUpdater>(
            context_.get_executor(),
            clock_,
            provider_,
            settings,
            std::move(links),
            dnsupdate::Fence{.token = {.epoch = 1}, .nonce = "n"},
            dnsupdate::StoreMark{});
    }
    ~Publishing() {
        asio::co_spawn(context_, updater_->stop(), rethrow);
        context_.restart();
        context_.run();
    }

    void start() { updater_->start(); }
    void look() { updater_->look(); }
    [[nodiscard]] dnsupdate::UpdaterStatus status() const { return updater_->status(); }
    bool run_until(std::chrono::nanoseconds limit, const std::function<bool()>& done) {
        const Stopwatch watch;
        while (!done()) {
            if (watch.elapsed() > limit) return false;
            context_.run_one_for(20ms);
        }
        return true;
    }
    [[nodiscard]] std::string revision() const {
        const std::string said = etcd_.ctl({"endpoint", "status", "-w", "fields"});
        const std::size_t at = said.find("\"Revision\" : ");
        return said.substr(at, said.find('\n', at) - at);
    }

    dnsupdate::Desired wanted{.complete = true};

 private:
    EtcdServer etcd_;
    CoreDnsServer coredns_{"muster.test",
                           "etcd {\n path /skydns\n endpoint " + etcd_.url() + "\n}"};
    asio::io_context context_;
    AsioClock clock_;
    dnsupdate::etcd::Client client_{clock_, {.endpoints = {etcd_.url()}}};
    dnsupdate::EtcdProvider provider_{
        client_, {.owner = "muster/c-1", .zones = {DnsName("muster.test")}}, "prod"};
    std::unique_ptr<dnsupdate::DnsUpdater> updater_;
};

void publish() {
    constexpr int names = 500;
    constexpr int records = 20;
    Publishing world;
    for (int name = 0; name < names; ++name) {
        dnsupdate::DesiredSet& set =
            world.wanted.sets[DnsName(fmt::format("n{}.muster.test", name))];
        for (int record = 0; record < records; ++record)
            set.records.members.emplace(
                dnsupdate::MemberId(fmt::format("lb-{}", record)),
                dnsupdate::Member{
                    .address = fmt::format("10.{}.{}.{}", name / 250, name % 250, record + 1),
                    .port = 80});
    }
    const Stopwatch watch;
    world.start();
    require(world.run_until(120s, [&] { return world.status().counters.added >= names * records; }),
            "10,000 records are written");
    const auto written = watch.elapsed();
    const auto all_shown = [&] {
        const auto servers = world.status().servers;
        return !servers.empty() && servers[0].asked && servers[0].waiting == 0 &&
               servers[0].wrong.empty() && servers[0].given_up == 0;
    };
    require(world.run_until(120s, all_shown), "CoreDNS answers all of them");
    const auto shown = watch.elapsed();

    const std::string before = world.revision();
    const auto rounds = world.status().counters.rounds;
    require(world.run_until(60s, [&] { return world.status().counters.rounds >= rounds + 3; }),
            "three rounds without a change");
    const bool nothing = world.revision() == before;
    const auto written_before = world.status().counters.written;

    world.wanted.sets[DnsName("n7.muster.test")]
        .records.members[dnsupdate::MemberId("lb-3")]
        .address = "10.9.9.9";
    const Stopwatch change;
    world.look();
    require(world.run_until(60s, [&] { return world.status().counters.written > written_before; }),
            "a change is written");
    require(world.run_until(60s, all_shown), "CoreDNS answers it");
    const auto changed = change.elapsed();
    const auto transactions =
        std::stoll(world.revision().substr(13)) - std::stoll(before.substr(13));
    metric("publish_10000_s", ms(written) / 1000, "s");
    metric("publish_10000_shown_s", ms(shown) / 1000, "s");
    metric("noop_writes", nothing ? 0 : 1, "writes");
    metric("one_change_transactions", static_cast<double>(transactions), "transactions");
    metric("one_change_shown_ms", ms(changed), "ms");
}

void gone() {
    constexpr std::size_t instances = 10;
    EtcdServer etcd;
    CoreDnsServer coredns("muster.test", "etcd {\n path /skydns\n endpoint " + etcd.url() + "\n}");
    Responder responder(instances);
    Cluster cluster({.more_settings = fmt::format("dns:\n"
                                                  "  allowed_addresses: [127.0.0.0/8]\n"
                                                  "  etcd: {{endpoints: [\"{}\"]}}\n"
                                                  "  zones: [muster.test]\n"
                                                  "  servers: [\"127.0.0.1:{}\"]\n",
                                                  etcd.url(),
                                                  coredns.port())});
    cluster.apply(make_group(responder, "web", 0, 1, 1s));
    config::FleetSpec fleet{.name = FleetName("edge")};
    for (std::size_t i = 0; i < instances; ++i)
        fleet.instances.push_back({.id = InstanceId(fmt::format("lb-{}", i)),
                                   .address = responder.host(i),
                                   .port = responder.port()});
    fleet.listeners = {{.name = "main", .port = responder.port(), .group = GroupName("web")}};
    fleet.health = {.interval = 1s, .timeout = 500ms, .rise = 1, .fall = 2};
    fleet.dns = {{.name = "api.muster.test", .ttl = 5s}};
    cluster.apply(fleet);
    asio::io_context context;
    AsioClock clock;
    const auto answered = [&] {
        auto asked = asio::co_spawn(context,
                                    dnsupdate::ask(clock,
                                                   {.host = "127.0.0.1", .port = coredns.port()},
                                                   DnsName("api.muster.test"),
                                                   RecordType::a,
                                                   6s),
                                    asio::use_future);
        context.restart();
        context.run();
        std::set<std::string> addresses;
        if (const auto answer = asked.get(); answer)
            for (const dnsupdate::DnsRecord& record : answer->records)
                addresses.insert(record.data);
        return addresses;
    };
    require(eventually(60s, [&] { return answered().size() == instances; }), "all are published");
    Spread after_detection;
    Spread after_death;
    const int kills = setting("MUSTER_BENCH_KILLS", 50);
    for (int kill = 0; kill < kills; ++kill) {
        const std::size_t victim = static_cast<std::size_t>(kill) % instances;
        cluster.observer().forget();
        const auto died = monotonic_now();
        responder.set(victim, Responder::Behaviour::reset);
        std::chrono::nanoseconds left{};
        require(eventually(30s,
                           [&] {
                               if (answered().contains(responder.host(victim))) return false;
                               left = monotonic_now();
                               return true;
                           }),
                "a dead LB leaves DNS");
        std::chrono::nanoseconds detected{};
        for (const auto& change : cluster.observer().verdict_changes())
            if (change.to == znodes::Letter::down) detected = change.seen;
        require(detected.count() > 0, "its status says so");
        after_detection.add(std::max(left - detected, std::chrono::nanoseconds(0)));
        after_death.add(left - died);
        responder.set(victim, Responder::Behaviour::healthy);
        require(eventually(30s, [&] { return answered().size() == instances; }), "it comes back");
    }
    after_detection.print("from the status of a dead LB to its last answer");
    after_death.print("from the death of an LB to its last answer");
    metric("gone_after_detection_p50_ms", ms(after_detection.at(0.5)), "ms");
    metric("gone_after_detection_p99_ms", ms(after_detection.at(0.99)), "ms");
    metric("gone_after_death_p99_ms", ms(after_death.at(0.99)), "ms");
}

void run() {
    const char* const wanted = std::getenv("MUSTER_BENCH_SECTIONS");
    const std::string_view sections = wanted != nullptr ? wanted : "fencing,faults,publish,gone";
    if (const std::string missing = CoreDnsServer::missing(); !missing.empty())
        throw std::runtime_error(missing);
    if (sections.contains("publish")) publish();
    if (sections.contains("gone")) gone();
    if (sections.contains("fencing")) fencing();
    if (sections.contains("faults")) faults();
}

}  // namespace
}  // namespace muster::test

int main() {
    return muster::test::exit_code_of(muster::test::run);
}
