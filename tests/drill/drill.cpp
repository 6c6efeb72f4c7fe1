// muster_drill: starts a cluster of its own (3 ZooKeeper, 3 musterd, 12 backends in two groups),
// breaks it in seven ways, and prints for each how long detection took, the longest time that any
// backend went unprobed, and how many verdicts were wrong. What is measured comes from ZooKeeper's
// tree and from the backends' own record. Exit code 0 = all as promised.
#include "tests/cluster/cluster.hpp"
#include "tests/support/eventually.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using orchestrator::ClusterView;
using znodes::Letter;
using Time = std::chrono::nanoseconds;

constexpr std::size_t backends = 12;
constexpr auto interval = 1'000ms;

void require(bool held, const std::string& what) {
    if (!held) throw std::runtime_error("not reached: " + what);
}

/// One way to break things.
struct Case {
    std::string name;
    std::set<std::size_t> broken;  ///< backends that are really DOWN meanwhile
    Time gap_limit{};              ///< longest time without a probe that is promised
    std::function<Time()> run;     ///< breaks, waits; returns what "detected" took
    std::function<void()> repair;
};

class Drill {
 public:
    Drill() {
        fmt::print("starting 3 ZooKeeper, 3 musterd, {} backends\n", backends);
        cluster_.apply(make_group(responder_, "web", 0, backends / 2, interval, 2));
        cluster_.apply(make_group(responder_, "app", backends / 2, backends / 2, interval, 2));
        require(cluster_.wait_all_up(30s), "all backends UP");
        require(cluster_.wait_members(3, 30s), "three settled members");
    }

    bool run() {
        fmt::print("\n{:<46} {:>12} {:>14} {:>9}\n", "what", "detected", "longest gap", "wrong");
        bool good = true;
        for (const Case& one : cases()) good = perform(one) && good;
        fmt::print("\nprobes seen by the backends: {}\n{}\n",
                   responder_.probes(),
                   good ? "all green" : "NOT as promised");
        return good;
    }

 private:
    std::vector<Case> cases() {
        const Time undisturbed = interval + 250ms;
        return {
            {.name = "backend killed (connection reset)",
             .broken = {2},
             .gap_limit = undisturbed,
             .run = [this] { return fail(2, Responder::Behaviour::reset); },
             .repair = [this] { responder_.set_all(Responder::Behaviour::healthy); }},
            {.name = "backend hung (accepts, never answers)",
             .broken = {7},
             .gap_limit = undisturbed + interval,
             .run = [this] { return fail(7, Responder::Behaviour::hanging); },
             .repair = [this] { responder_.set_all(Responder::Behaviour::healthy); }},
            {.name = "worker process killed with -9",
             .gap_limit = undisturbed,
             .run = [this] { return kill((cluster_.master().value() + 1) % 3); },
             .repair = [this] { cluster_.start(victim_); }},
            {.name = "master process killed with -9",
             .gap_limit = undisturbed,
             .run = [this] { return kill(cluster_.master().value()); },
             .repair = [this] { cluster_.start(victim_); }},
            {.name = "master frozen for 6 s, then resumed",
             .gap_limit = 2s + undisturbed + 500ms,
             .run = [this] { return freeze(); },
             .repair = [this] { cluster_.resume(victim_); }},
            {.name = "one ZooKeeper server (the leader) killed",
             .gap_limit = undisturbed,
             .run = [this] { return kill_zookeeper_leader(); },
             .repair = [this] { restart_zookeeper(); }},
            {.name = "all ZooKeeper servers stopped for 20 s",
             .gap_limit = undisturbed,
             .run = [this] { return stop_zookeeper(); },
             .repair = [] {}},
        };
    }

    bool perform(const Case& one) {
        cluster_.observer().forget();
        responder_.reset_gaps();
        const Time detected = one.run();
        const Time gap = responder_.longest_gap();
        one.repair();
        require(cluster_.wait_members(3, 60s), "three settled members after: " + one.name);
        require(cluster_.wait_all_up(30s), "all backends UP after: " + one.name);
        std::size_t wrong = 0;
        for (const auto& change : cluster_.observer().verdict_changes()) {
            const bool really = std::ranges::any_of(one.broken, [&](std::size_t b) {
                return BackendId(responder_.address(b)) == change.backend;
            });
            if (change.to == Letter::down && !really) ++wrong;
        }
        const bool good = wrong == 0 && gap <= one.gap_limit;
        fmt::print(
            "{:<46} {:>9.0f} ms {:>11.0f} ms {:>9}{}\n",
            one.name,
            std::chrono::duration<double, std::milli>(detected).count(),
            std::chrono::duration<double, std::milli>(gap).count(),
            wrong,
            good ? "" : fmt::format("   promised: gap <= {} ms, wrong 0", one.gap_limit / 1ms));
        std::fflush(stdout);
        return good;
    }

    Time fail(std::size_t backend, Responder::Behaviour behaviour) {
        const Time start = Responder::now();
        responder_.set(backend, behaviour);
        require(cluster_.observer().wait(20s,
                                         [](const ClusterView& view) {
                                             return Observer::count(view, Letter::down) == 1;
                                         }),
                "the backend DOWN");
        return Responder::now() - start;
    }

    /// Until every shard is owned by somebody else; then two more intervals, so that a gap shows.
    Time wait_taken_over(Time start) {
        const NodeId gone = Cluster::name(victim_);
        require(cluster_.observer().wait(20s,
                                         [&](const ClusterView& view) {
                                             const auto owners = Observer::owners(view);
                                             return owners.size() == backends / 2 &&
                                                    std::ranges::none_of(
                                                        owners, [&](const auto& item) {
                                                            return item.second == gone;
                                                        });
                                         }),
                "another owner for every shard");
        const Time taken = Responder::now() - start;
        require(eventually(10s, [&] { return Responder::now() - start > taken + 2 * interval; }),
                "two intervals");
        return taken;
    }

    Time kill(std::size_t node) {
        victim_ = node;
        const Time start = Responder::now();
        cluster_.kill_process(node);
        const Time taken = wait_taken_over(start);
        require(eventually(10s, [&] { return !cluster_.running(node); }), "the guardian's end");
        return taken;
    }

    Time freeze() {
        victim_ = cluster_.master().value();
        const Time start = Responder::now();
        cluster_.pause(victim_);
        const Time taken = wait_taken_over(start);
        require(eventually(10s, [&] { return Responder::now() - start > 6s; }), "six seconds");
        return taken;
    }

    Time kill_zookeeper_leader() {
        server_ = cluster_.zookeeper().leader();
        const Time start = Responder::now();
        cluster_.zookeeper().kill(server_);
        // Detected = the ensemble takes writes again: the nodes' progress comes through.
        const auto before = progress_sequence(cluster_.observer().view());
        require(
            cluster_.observer().wait(
                30s, [&](const ClusterView& view) { return progress_sequence(view) > before + 3; }),
            "writes to ZooKeeper");
        return Responder::now() - start;
    }

    void restart_zookeeper() {
        cluster_.zookeeper().start(server_);
        cluster_.zookeeper().wait_until_serving();
    }

    Time stop_zookeeper() {
        for (std::size_t i = 0; i < 3; ++i) cluster_.zookeeper().kill(i);
        const Time start = Responder::now();
        require(eventually(30s, [&] { return Responder::now() - start > 20s; }), "twenty seconds");
        const auto before = progress_sequence(cluster_.observer().view());
        const Time back = Responder::now();
        for (std::size_t i = 0; i < 3; ++i) cluster_.zookeeper().start(i);
        cluster_.zookeeper().wait_until_serving();
        require(cluster_.observer().wait(
                    30s, [&](const ClusterView& view) { return progress_sequence(view) > before; }),
                "writes to ZooKeeper");
        return Responder::now() - back;
    }

    static std::int64_t progress_sequence(const ClusterView& view) {
        std::int64_t sum = 0;
        for (const auto& [node, progress] : view.progress) sum += progress.version;
        return sum;
    }

    Responder responder_{backends};
    Cluster cluster_;
    std::size_t victim_ = 0;
    std::size_t server_ = 0;
};

}  // namespace
}  // namespace muster::test

int main() {
    try {
        muster::test::Drill drill;
        return drill.run() ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "drill: %s\n", error.what());
        return 1;
    }
}
