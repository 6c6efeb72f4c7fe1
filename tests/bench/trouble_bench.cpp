// ./bench trouble: seven nodes watch 10,000 backends that are well. One node gets a tenth of a
// processor, one has no port left for a new connection, and one is cut from a third of the
// backends; the others are well. Nobody may be published DOWN but the few that are killed
// meanwhile, and those must be. MUSTER_BENCH_SECONDS of trouble (90), MUSTER_BENCH_BACKENDS
// (10,000).
#include "tests/bench/support/figures.hpp"
#include "tests/bench/support/own_network.hpp"
#include "tests/bench/trouble/own_host.hpp"
#include "tests/bench/trouble/throttle.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/support/eventually.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using follow::ClusterView;
using znodes::Letter;

constexpr std::size_t throttled = 1;
constexpr std::size_t without_ports = 2;
constexpr std::size_t cut_off = 3;
constexpr std::size_t groups = 10;
constexpr auto interval = 2s;

class Trouble {
 public:
    explicit Trouble(std::size_t backends)
        : responder_(backends, "10.61"),
          cluster_(
              {.zookeepers = 1,
               .nodes = 7,
               .host = "10.60.0.1",
               .elsewhere = {{without_ports,
                              {.host = without_ports_.address(), .enter = without_ports_.enter()}},
                             {cut_off, {.host = cut_off_.address(), .enter = cut_off_.enter()}}}}) {
        for (std::size_t i = 0; i < groups; ++i) {
            const std::size_t first = i * backends / groups;
            const std::size_t end = (i + 1) * backends / groups;
            cluster_.apply(
                make_group(responder_, fmt::format("fleet{}", i), first, end - first, interval));
        }
        require(cluster_.wait_all_up(180s), "all backends UP");
        require(cluster_.wait_members(cluster_.size(), 60s), "settled members");
        cluster_.observer().forget();
    }

    void begin() {
        began_ = Responder::now();
        throttle_.emplace(cluster_.child(throttled), 10ms, 90ms);
        ports_ = without_ports_.take_all_ports();
        // 13 of 40 subnets, each of 250 backends.
        for (const char* third : {"10.61.0.0/21", "10.61.8.0/22", "10.61.12.0/24"})
            cut_off_.lose_packets_to(third);
    }

    /// Kills some that all but one node can see, and some that no node is cut from.
    void kill(std::size_t count) {
        killed_at_ = Responder::now();
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t victim = i * responder_.size() / count + 7;
            responder_.set(victim, Responder::Behaviour::failing);
            killed_.insert(responder_.address(victim));
        }
    }

    [[nodiscard]] bool wait(std::chrono::seconds span) const {
        const auto end = Responder::now() + span;
        return eventually(span + 10s, [&] { return Responder::now() >= end; });
    }

    [[nodiscard]] bool killed_are_down(std::chrono::seconds limit) {
        return cluster_.observer().wait(limit, [&](const follow::ClusterView& view) {
            return Observer::count(view, Letter::down) >= killed_.size();
        });
    }

    /// What each node says of itself; one without a port can't even ask itself.
    void print_nodes() {
        const follow::ClusterView view = cluster_.observer().view();
        const auto owners = Observer::owners(view);
        for (std::size_t node = 0; node < cluster_.size(); ++node) {
            const auto ask = [&] { text_ = cluster_.get(node, "/metrics").body; };
            text_.clear();
            if (node == without_ports) without_ports_.inside(ask);
            if (node == cut_off) cut_off_.inside(ask);
            if (node != without_ports && node != cut_off) ask();
            const auto member = view.members.find(Cluster::name(node));
            std::printf(
                "n%zu: %td of %zu shards, %s, falls confirmed %g, refused %g\n",
                node,
                std::ranges::count_if(
                    owners, [&](const auto& owner) { return owner.second == Cluster::name(node); }),
                owners.size(),
                member == view.members.end() ? "gone"
                : member->second.value.doubt ? "in doubt"
                                             : "sure",
                value("muster_falls_total{peers=\"confirmed\"}"),
                value("muster_falls_total{peers=\"refused\"}"));
        }
        std::fflush(stdout);
    }

    void end() {
        throttle_.reset();
        ports_.clear();
        cut_off_.find_again();
        responder_.set_all(Responder::Behaviour::healthy);
    }
    [[nodiscard]] bool recovered() {
        return cluster_.wait_all_up(120s) && cluster_.wait_members(cluster_.size(), 60s);
    }

    void report() const {
        std::size_t wrong = 0;
        Spread detection;
        std::set<std::string> found;
        for (const auto& change : cluster_.observer().verdict_changes()) {
            if (change.to != Letter::down) continue;
            if (!killed_.contains(change.backend.str()) || change.seen < killed_at_) {
                std::printf("wrong: %s DOWN by %s %.1f s after trouble began\n",
                            change.backend.str().c_str(),
                            change.writer.c_str(),
                            ms(change.seen - began_) / 1000);
                ++wrong;
            } else if (found.insert(change.backend.str()).second) {
                detection.add(change.seen - killed_at_);
            }
        }
        detection.print("from a backend's failure to DOWN in ZooKeeper, in trouble");
        metric("trouble_wrong_down_published", static_cast<double>(wrong), "verdicts");
        metric("trouble_killed", static_cast<double>(killed_.size()), "backends");
        metric("trouble_killed_found_down", static_cast<double>(found.size()), "backends");
        metric("trouble_detection_p50_ms", ms(detection.at(0.5)), "ms");
        metric("trouble_detection_max_ms", ms(detection.at(1)), "ms");
        metric("trouble_probes", static_cast<double>(responder_.probes()), "probes");
    }

 private:
    [[nodiscard]] double value(const std::string& name) const {
        const std::size_t at = text_.find("\n" + name + " ");
        return at == std::string::npos ? -1 : std::stod(text_.substr(at + name.size() + 2));
    }

    OwnHost without_ports_{1};
    OwnHost cut_off_{2};
    Responder responder_;
    Cluster cluster_;
    std::optional<Throttle> throttle_;
    std::vector<FileDescriptor> ports_;
    std::set<std::string> killed_;
    Responder::Time began_{};
    Responder::Time killed_at_{};
    std::string text_;
};

void run() {
    bench::enter_own_network();
    bench::run_command(
        "ip address add 10.60.0.1/32 dev lo && ip route add local 10.61.0.0/16 dev lo");
    const std::chrono::seconds span(setting("MUSTER_BENCH_SECONDS", 90));
    Trouble trouble(static_cast<std::size_t>(setting("MUSTER_BENCH_BACKENDS", 10'000)));
    trouble.begin();
    require(trouble.wait(span / 2), "half of the trouble");
    trouble.print_nodes();
    trouble.kill(30);
    const bool found = trouble.killed_are_down(60s);
    require(trouble.wait(span / 2), "the other half");
    trouble.print_nodes();
    trouble.report();
    require(found, "what was killed found DOWN");
    trouble.end();
    require(trouble.recovered(), "all UP again");
}

}  // namespace
}  // namespace muster::test

int main() {
    return muster::test::exit_code_of(muster::test::run);
}
