// ./bench loss: a real cluster, ZooKeeper and 10,000 healthy backends on a network that loses 5 %
// of all packets, one by one. What the probers find DOWN is wrong: how often do they, and how often
// does ZooKeeper hear of it, peers having been asked? MUSTER_BENCH_PROBES (3,100,000).
#include "tests/bench/support/figures.hpp"
#include "tests/bench/support/own_network.hpp"
#include "tests/bench/support/packet_loss.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/support/eventually.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using znodes::Letter;

constexpr std::size_t backends = 10'000;
constexpr double share = 0.05;

/// Of all nodes together.
double sum_of(Cluster& cluster, const std::string& name) {
    double sum = 0;
    for (std::size_t node = 0; node < cluster.size(); ++node) {
        std::string text;
        require(eventually(60s,
                           [&] {
                               text = "\n" + cluster.get(node, "/metrics").body;
                               return text.find("\n" + name + " ") != std::string::npos;
                           }),
                name + " of a node");
        sum += std::stod(text.substr(text.find("\n" + name + " ") + name.size() + 2));
    }
    return sum;
}

void run() {
    bench::enter_own_network();
    const auto wanted = static_cast<std::uint64_t>(setting("MUSTER_BENCH_PROBES", 3'100'000));
    Responder responder(backends);
    Cluster cluster({.zookeepers = 1});
    cluster.apply(make_group(responder, "web", 0, backends / 2, 2s));
    cluster.apply(make_group(responder, "api", backends / 2, backends / 2, 2s));
    require(cluster.wait_all_up(120s), "all backends UP");
    cluster.observer().forget();
    const std::uint64_t before = responder.probes();
    bench::lose_packets(share);
    std::uint64_t told = 0;
    const bool enough = eventually(6h, [&] {
        const std::uint64_t seen = responder.probes() - before;
        if (seen / 300'000 > std::exchange(told, seen / 300'000)) {
            std::printf("%.1f million probes\n", static_cast<double>(seen) / 1e6);
            std::fflush(stdout);
        }
        return seen >= wanted;
    });
    require(enough, "so many probes");
    const auto probes = static_cast<double>(responder.probes() - before);
    const auto changes = cluster.observer().verdict_changes();
    const auto published = std::ranges::count(changes, Letter::down, &Observer::VerdictChange::to);
    const double refused = sum_of(cluster, "muster_falls_total{peers=\"refused\"}");
    metric("loss_probes", probes, "probes");
    metric("loss_failed_probes",
           sum_of(cluster, "muster_probe_results_total{result=\"failure\"}"),
           "probes");
    metric("loss_wrong_down_per_million_unconfirmed",
           (refused + static_cast<double>(published)) * 1e6 / probes,
           "verdicts");
    metric("loss_wrong_down_published", static_cast<double>(published), "verdicts");
}

}  // namespace
}  // namespace muster::test

int main() {
    return muster::test::exit_code_of(muster::test::run);
}
