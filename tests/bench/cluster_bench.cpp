// ./bench cluster: what a real cluster of three nodes does when things die, in figures. Its oracles
// are ZooKeeper's own tree (observer) and what the backends saw (responder). Sections can be
// chosen: MUSTER_BENCH_SECTIONS=crash,host,...
#include "tests/cluster/cluster.hpp"
#include "tests/support/eventually.hpp"

#include <fmt/format.h>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using orchestrator::ClusterView;
using znodes::Letter;
using Time = std::chrono::nanoseconds;

double ms(Time span) {
    return std::chrono::duration<double, std::milli>(span).count();
}

void metric(const std::string& name, double value, const std::string& unit) {
    fmt::print("metric {} {:.3f} {}\n", name, value, unit);
    std::fflush(stdout);
}

struct Spread {
    std::vector<Time> values;

    void add(Time value) { values.push_back(value); }
    [[nodiscard]] Time at(double share) {
        if (values.empty()) return Time{};
        std::ranges::sort(values);
        const auto rank =
            static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
        return values[rank];
    }
    void print(const std::string& what) {
        fmt::print("{}: n {}  min {:.1f}  p50 {:.1f}  p90 {:.1f}  p99 {:.1f}  max {:.1f} ms\n",
                   what,
                   values.size(),
                   ms(at(0)),
                   ms(at(0.5)),
                   ms(at(0.9)),
                   ms(at(0.99)),
                   ms(at(1)));
        std::fflush(stdout);
    }
};

int setting(const char* name, int otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::atoi(text) : otherwise;
}

void require(bool held, const std::string& what) {
    if (!held) throw std::runtime_error("not reached: " + what);
}

/// While every backend answers, each DOWN is wrong.
std::size_t wrong_verdicts(const Observer& observer) {
    const auto changes = observer.verdict_changes();
    return static_cast<std::size_t>(std::ranges::count_if(
        changes, [](const auto& change) { return change.to == Letter::down; }));
}

/// The office's change of hands after `before`: when the successor's claim, and its first control
/// write, were seen.
Observer::EpochChange wait_successor(Cluster& cluster, std::int64_t before, bool wants_write) {
    Observer::EpochChange found;
    require(eventually(20s,
                       [&] {
                           for (const auto& epoch : cluster.observer().epochs()) {
                               if (epoch.epoch <= before) continue;
                               found = epoch;
                               if (!wants_write || epoch.first_write != Time{}) return true;
                           }
                           return false;
                       }),
            "a successor");
    return found;
}

class Drill {
 public:
    explicit Drill(std::size_t backends, std::chrono::milliseconds interval, int shard_size)
        : responder_(backends), interval_(interval) {
        cluster_.apply(make_group(responder_, "web", 0, backends, interval, shard_size));
        require(cluster_.wait_all_up(60s), "all backends UP");
        require(cluster_.wait_members(3, 30s), "three settled members");
    }

    void crashes(int kills, Spread& successor, Spread& claim, Time& longest_gap) {
        for (int i = 0; i < kills; ++i) {
            const std::size_t victim = cluster_.master().value();
            const std::int64_t epoch = cluster_.observer().view().epoch->version;
            begin_round();
            responder_.reset_gaps();
            const Time start = Responder::now();
            cluster_.kill_process(victim);
            const auto next = wait_successor(cluster_, epoch, true);
            successor.add(next.first_write - start);
            claim.add(next.seen - start);
            require(eventually(10s, [&] { return !cluster_.running(victim); }),
                    "the guardian's end");
            require(
                eventually(3 * interval_, [&] { return Responder::now() - start > 2 * interval_; }),
                "two intervals");
            longest_gap = std::max(longest_gap, responder_.longest_gap());
            cluster_.start(victim);
            require(cluster_.wait_members(3, 30s), "three settled members");
        }
        kills_ += static_cast<std::size_t>(kills);
    }

    void hosts(int kills, bool with_zookeeper_leader, Spread& successor, Time& longest_gap) {
        for (int i = 0; i < kills; ++i) {
            const std::size_t victim = cluster_.master().value();
            const std::size_t server = cluster_.zookeeper().leader();
            const std::int64_t epoch = cluster_.observer().view().epoch->version;
            begin_round();
            responder_.reset_gaps();
            const Time start = Responder::now();
            if (with_zookeeper_leader) cluster_.zookeeper().kill(server);
            cluster_.kill_host(victim);
            successor.add(wait_successor(cluster_, epoch, true).first_write - start);
            require(eventually(10s, [&] { return Responder::now() - start > 4s + 2 * interval_; }),
                    "the gap's end");
            longest_gap = std::max(longest_gap, responder_.longest_gap());
            if (with_zookeeper_leader) cluster_.zookeeper().start(server);
            cluster_.zookeeper().wait_until_serving();
            cluster_.start(victim);
            require(cluster_.wait_members(3, 30s), "three settled members");
        }
        kills_ += static_cast<std::size_t>(kills);
    }

    void step_downs(int count, Spread& successor) {
        for (int i = 0; i < count; ++i) {
            const std::size_t master = cluster_.master().value();
            const std::int64_t epoch = cluster_.observer().view().epoch->version;
            begin_round();
            const Time start = Responder::now();
            require(cluster_.post(master, "/api/v1/step-down", "{}").status == 200,
                    "step-down accepted");
            successor.add(wait_successor(cluster_, epoch, false).seen - start);
            require(cluster_.wait_for_master(10s), "a master");
        }
    }

    /// Every node leaves in turn (SIGTERM) and comes back. Returns probes that were missed: turns
    /// later than 1.5 intervals.
    std::size_t planned_moves(int rounds) {
        std::size_t missed = 0;
        for (int i = 0; i < rounds; ++i) {
            const std::size_t leaver = static_cast<std::size_t>(i) % cluster_.size();
            begin_round();
            responder_.reset_gaps();
            const ExitStatus status = cluster_.terminate(leaver, 40s);
            require(status.code == 0, "an orderly end");
            for (std::size_t b = 0; b < responder_.size(); ++b) {
                if (responder_.record(b).longest_gap > interval_ * 3 / 2) ++missed;
            }
            cluster_.start(leaver);
            require(cluster_.wait_members(3, 60s), "three settled members");
        }
        return missed;
    }

    Cluster& cluster() { return cluster_; }
    Responder& responder() { return responder_; }
    std::size_t kills() const { return kills_; }
    std::size_t wrong() { return wrong_ + wrong_verdicts(cluster_.observer()); }

 private:
    void begin_round() {
        wrong_ += wrong_verdicts(cluster_.observer());
        cluster_.observer().forget();
    }

    Responder responder_;
    std::chrono::milliseconds interval_;
    Cluster cluster_;
    std::size_t kills_ = 0;
    std::size_t wrong_ = 0;
};

struct Usage {
    double cpu_seconds = 0;
    double rss_kib = 0;
};

Usage usage_of(pid_t pid) {
    Usage usage;
    std::ifstream stat(fmt::format("/proc/{}/stat", pid));
    std::string text;
    std::getline(stat, text);
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skip;
    for (int i = 0; i < 11; ++i) fields >> skip;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    usage.cpu_seconds = (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmRSS:")) usage.rss_kib = std::stod(line.substr(6));
    }
    return usage;
}

/// 10,000 backends at 2 s: lateness and completeness by the backends' own record, then half of them
/// fail at once.
void load(std::size_t backends, std::chrono::seconds watch) {
    constexpr auto interval = 2'000ms;
    rlimit files{.rlim_cur = 60'000, .rlim_max = 60'000};
    setrlimit(RLIMIT_NOFILE, &files);
    Responder responder(backends);
    Cluster cluster;
    cluster.apply(make_group(responder, "fleet", 0, backends, interval));
    require(cluster.wait_all_up(120s), "all backends UP");
    require(cluster.wait_members(3, 60s), "three settled members");

    cluster.observer().forget();
    Usage before;
    for (std::size_t n = 0; n < 3; ++n)
        before.cpu_seconds += usage_of(cluster.child(n)).cpu_seconds;
    responder.trace(true);
    const Time start = Responder::now();
    require(eventually(watch + 10s, [&] { return Responder::now() - start > watch; }),
            "the time to watch");
    const auto trace = responder.traced();
    responder.trace(false);
    Usage after;
    for (std::size_t n = 0; n < 3; ++n) {
        const Usage usage = usage_of(cluster.child(n));
        after.cpu_seconds += usage.cpu_seconds;
        after.rss_kib += usage.rss_kib;
    }
    std::map<std::uint32_t, std::vector<Time>> arrivals;
    for (const auto& [when, backend] : trace) arrivals[backend].push_back(when);
    Spread late;
    std::size_t missed = 0;
    for (const auto& [backend, times] : arrivals) {
        for (std::size_t i = 1; i < times.size(); ++i) {
            const Time gap = times[i] - times[i - 1];
            if (gap > interval * 3 / 2) ++missed;
            late.add(std::max(Time{}, gap - interval));
        }
    }
    missed += backends - arrivals.size();
    late.print("lateness of a probe against the one before, as the backends saw it");
    const double seconds = std::chrono::duration<double>(watch).count();
    metric("late_start_p99_ms", ms(late.at(0.99)), "ms");
    metric("missed_probes", static_cast<double>(missed), "probes");
    metric("probes_per_second", static_cast<double>(trace.size()) / seconds, "1/s");
    metric("cpu_us_per_probe",
           (after.cpu_seconds - before.cpu_seconds) * 1e6 / static_cast<double>(trace.size()),
           "us");
    metric("rss_kib_per_backend", after.rss_kib / static_cast<double>(backends), "KiB");
    metric("wrong_verdicts", static_cast<double>(wrong_verdicts(cluster.observer())), "verdicts");

    // Half of them fail. The decision falls with the third failing answer; the observer says when
    // ZooKeeper had it.
    cluster.observer().forget();
    responder.trace(true);
    const Time failure = Responder::now();
    for (std::size_t b = 0; b < backends / 2; ++b) responder.set(b, Responder::Behaviour::failing);
    require(cluster.observer().wait(60s,
                                    [&](const ClusterView& view) {
                                        return Observer::count(view, Letter::down) == backends / 2;
                                    }),
            "half of the backends DOWN");
    std::map<std::string, std::vector<Time>> failing;
    for (const auto& [when, backend] : responder.traced()) {
        if (when >= failure) failing[responder.address(backend)].push_back(when);
    }
    responder.trace(false);
    Spread publish;
    for (const auto& change : cluster.observer().verdict_changes()) {
        const auto& times = failing[change.backend.str()];
        if (change.to == Letter::down && times.size() >= 3)
            publish.add(std::max(Time{}, change.seen - times[2]));
    }
    publish.print("from the third failing answer to ZooKeeper");
    metric("mass_failure_publish_ms", ms(publish.at(1)), "ms");
    metric("probes_seen_by_responder", static_cast<double>(responder.probes()), "probes");
}

int run() {
    const char* chosen = std::getenv("MUSTER_BENCH_SECTIONS");
    const std::string sections = chosen != nullptr ? chosen : "crash,graceful,moves,host,load";
    const auto wanted = [&](const char* name) { return sections.find(name) != std::string::npos; };
    std::uint64_t probes = 0;
    std::size_t kills = 0;
    if (wanted("crash") || wanted("graceful") || wanted("moves") || wanted("host")) {
        Drill drill(24, 1'000ms, 2);
        Time gap{};
        Spread crash;
        Spread claim;
        Spread graceful;
        if (wanted("graceful")) {
            drill.step_downs(setting("MUSTER_BENCH_STEP_DOWNS", 50), graceful);
            graceful.print("step-down, from the request to the successor's claim");
            metric("failover_graceful_p99_ms", ms(graceful.at(0.99)), "ms");
        }
        if (wanted("crash")) {
            drill.crashes(setting("MUSTER_BENCH_KILLS", 300), crash, claim, gap);
            claim.print("kill -9 of the master process, to the successor's claim");
            crash.print("kill -9 of the master process, to the successor's first control write");
            metric("failover_crash_p50_ms", ms(crash.at(0.5)), "ms");
            metric("failover_crash_p99_ms", ms(crash.at(0.99)), "ms");
            if (!graceful.values.empty()) {
                metric("failover_crash_to_graceful_ratio",
                       ms(claim.at(0.5)) / std::max(0.001, ms(graceful.at(0.5))),
                       "x");
            }
            metric("probe_gap_crash_max_ms", ms(gap), "ms");
            metric("probe_gap_crash_over_interval_ms", ms(gap - 1s), "ms");
        }
        if (wanted("moves")) {
            const std::size_t missed = drill.planned_moves(setting("MUSTER_BENCH_MOVES", 9));
            metric("planned_move_missed_probes", static_cast<double>(missed), "probes");
        }
        if (wanted("host")) {
            Spread host;
            Time host_gap{};
            drill.hosts(setting("MUSTER_BENCH_HOSTS", 20), false, host, host_gap);
            host.print("host of the master lost, to the successor's first control write");
            metric("failover_host_p99_ms", ms(host.at(0.99)), "ms");
            metric("probe_gap_host_max_ms", ms(host_gap), "ms");
            Spread both;
            drill.hosts(setting("MUSTER_BENCH_HOSTS", 20) / 2, true, both, host_gap);
            both.print("host of the master lost together with ZooKeeper's leader");
            metric("failover_host_and_zookeeper_leader_p99_ms", ms(both.at(0.99)), "ms");
        }
        metric("wrong_verdicts_in_drills", static_cast<double>(drill.wrong()), "verdicts");
        kills = drill.kills();
        probes = drill.responder().probes();
        metric("kills", static_cast<double>(kills), "kills");
        metric("probes_seen_in_drills", static_cast<double>(probes), "probes");
    }
    if (wanted("load")) {
        load(static_cast<std::size_t>(setting("MUSTER_BENCH_BACKENDS", 10'000)),
             std::chrono::seconds(setting("MUSTER_BENCH_WATCH_SECONDS", 30)));
    }
    return 0;
}

}  // namespace
}  // namespace muster::test

int main() {
    try {
        return muster::test::run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench cluster: %s\n", error.what());
        return 1;
    }
}
