#include "tests/bench/scaler/scale_in.hpp"

#include "tests/bench/support/figures.hpp"
#include "tests/cluster/dns_load.hpp"
#include "tests/cluster/dns_order.hpp"
#include "tests/cluster/scaled_fleet.hpp"
#include "tests/support/eventually.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace muster::test {

namespace {

using namespace std::chrono_literals;

DnsLoad::Counts told(const char* what, const DnsLoad& load, const DnsLoad::Counts& before) {
    DnsLoad::Counts counts = load.counts().since(before);
    std::printf("%s: %s\n", what, counts.str().c_str());
    std::fflush(stdout);
    return counts;
}

}  // namespace

void scale_in() {
    if (const std::string missing = CoreDnsServer::missing(); !missing.empty())
        throw std::runtime_error(missing);
    constexpr auto limit = 180s;
    const int rate = setting("MUSTER_BENCH_RATE", 5'000);
    ScaledFleet fleet;
    const DnsOrder order(fleet.etcd(), fleet.cluster().observer(), "edge");
    fleet.resize(4);
    require(fleet.comes_to(4, limit), "4 LBs serve\n" + fleet.logs());
    const DnsLoad load({.name_server = fleet.coredns().port(),
                        .name = ScaledFleet::name(),
                        .port = fleet.port(),
                        .per_second = rate,
                        .clients = 200,
                        .idle_clients = 50,
                        .requests_of_connection = 200});
    require(eventually(30s, [&] { return load.counts().by_address.size() == 4; }), "all are used");
    const auto a_while = [&] {
        require(load.wait_for(static_cast<std::uint64_t>(rate) * 10, 120s), "10 s of load");
    };
    DnsLoad::Counts begin = load.counts();
    a_while();
    told("4 LBs", load, begin);

    begin = load.counts();
    Stopwatch watch;
    fleet.resize(2);
    require(fleet.comes_to(2, limit), "it shrinks\n" + fleet.logs());
    const double took = ms(watch.elapsed()) / 1'000;
    const DnsLoad::Counts in = told("4 -> 2", load, begin);
    begin = load.counts();
    a_while();
    told("2 LBs", load, begin);

    begin = load.counts();
    fleet.resize(4);
    require(fleet.comes_to(4, limit), "it grows\n" + fleet.logs());
    require(eventually(60s, [&] { return load.counts().since(begin).by_address.size() >= 4; }),
            "the new ones are used");
    const DnsLoad::Counts out = told("2 -> 4", load, begin);
    std::printf("%s", order.str().c_str());
    const std::vector<std::string> wrong = order.wrong();
    for (const std::string& one : wrong) std::printf("WRONG: %s\n", one.c_str());

    // Its requests fail until the probes have found it, DNS has dropped it, and caches have.
    begin = load.counts();
    const std::set<std::string> serve = fleet.serving();
    fleet.end_at_once(*serve.begin());
    fleet.end_at_once(*serve.rbegin());
    require(eventually(60s, [&] { return fleet.answered().size() == 2; }), "dead LBs leave DNS");
    a_while();
    const DnsLoad::Counts undrained = told("two ended at once", load, begin);

    metric("scale_in_failed_requests", static_cast<double>(in.failed), "count");
    metric("scale_in_requests", static_cast<double>(in.sent), "count");
    metric("scale_in_rate", in.per_second(), "1/s");
    metric("scale_in_p99_ms", static_cast<double>(in.latency(0.99).count()) / 1'000, "ms");
    metric("scale_in_s", took, "s");
    metric("scale_out_failed_requests", static_cast<double>(out.failed), "count");
    metric("undrained_failed_requests", static_cast<double>(undrained.failed), "count");
    metric("undrained_requests", static_cast<double>(undrained.sent), "count");
    metric("dns_records_of_unready", static_cast<double>(wrong.size()), "count");
    // After the figures: they are of use also when they are bad.
    require(in.failed == 0, "no request fails while LBs leave");
    require(wrong.empty(), "DNS has no LB that doesn't serve");
}

}  // namespace muster::test
