// ./bench cluster: what a real cluster of three nodes does when things die, in figures. Sections
// can be chosen: MUSTER_BENCH_SECTIONS=graceful,crash,moves,host,crash_loaded,load,stale.
#include "tests/bench/cluster/drill.hpp"
#include "tests/bench/cluster/load.hpp"
#include "tests/bench/support/figures.hpp"
#include "tests/stale/measure.hpp"

#include <sys/resource.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

class Sections {
 public:
    explicit Sections(std::string_view text) : text_("," + std::string(text) + ",") {}
    [[nodiscard]] bool wanted(const std::string& name) const {
        return text_.find("," + name + ",") != std::string::npos;
    }

 private:
    std::string text_;
};

void report(const Drill& drill, const std::string& suffix) {
    metric("wrong_verdicts_in_drills" + suffix,
           static_cast<double>(drill.wrong_verdicts()),
           "verdicts");
    metric("kills" + suffix, static_cast<double>(drill.kills()), "kills");
    metric("probes_seen_in_drills" + suffix, static_cast<double>(drill.probes()), "probes");
}

void idle(const Sections& sections) {
    Drill drill(24, 1s, 2);
    Spread graceful;
    if (sections.wanted("graceful")) {
        graceful = drill.step_downs(setting("MUSTER_BENCH_STEP_DOWNS", 100));
        graceful.print("step-down, from the request to the successor's claim");
        metric("failover_graceful_p99_ms", ms(graceful.at(0.99)), "ms");
    }
    if (sections.wanted("crash")) {
        const Drill::Crashes crashes = drill.kill_masters(setting("MUSTER_BENCH_KILLS", 300));
        crashes.claim.print("kill -9 of the master process, to the successor's claim");
        crashes.first_write.print(
            "kill -9 of the master process, to the successor's first control write");
        metric("failover_crash_p50_ms", ms(crashes.first_write.at(0.5)), "ms");
        metric("failover_crash_p99_ms", ms(crashes.first_write.at(0.99)), "ms");
        if (!graceful.empty()) {
            metric("failover_crash_to_graceful_ratio",
                   ms(crashes.claim.at(0.5)) / ms(graceful.at(0.5)),
                   "x");
        }
        metric("probe_gap_crash_max_ms", ms(crashes.longest_gap), "ms");
        metric("probe_gap_crash_over_interval_ms", ms(crashes.longest_gap - 1s), "ms");
    }
    if (sections.wanted("moves")) {
        const std::size_t missed = drill.planned_moves(setting("MUSTER_BENCH_MOVES", 9));
        metric("planned_move_missed_probes", static_cast<double>(missed), "probes");
    }
    if (sections.wanted("host")) {
        const int rounds = setting("MUSTER_BENCH_HOSTS", 20);
        const Drill::Losses alone = drill.lose_hosts(rounds, false);
        alone.first_write.print("host of the master lost, to the successor's first control write");
        metric("failover_host_p99_ms", ms(alone.first_write.at(0.99)), "ms");
        metric("probe_gap_host_max_ms", ms(alone.longest_gap), "ms");
        const Drill::Losses both = drill.lose_hosts(rounds / 2, true);
        both.first_write.print("host of the master lost together with ZooKeeper's leader");
        metric("failover_host_and_zookeeper_leader_p99_ms", ms(both.first_write.at(0.99)), "ms");
        metric("probe_gap_host_and_zookeeper_leader_max_ms", ms(both.longest_gap), "ms");
    }
    report(drill, "");
}

/// The same under 5,000 probes a second.
void loaded(std::size_t backends) {
    Drill drill(backends, 2s);
    const Drill::Crashes crashes = drill.kill_masters(setting("MUSTER_BENCH_LOADED_KILLS", 30));
    crashes.first_write.print(
        "under load: kill -9 of the master process, to the successor's first control write");
    metric("failover_crash_loaded_p99_ms", ms(crashes.first_write.at(0.99)), "ms");
    metric("probe_gap_crash_loaded_over_interval_ms", ms(crashes.longest_gap - 2s), "ms");
    report(drill, "_loaded");
}

void run() {
    const char* chosen = std::getenv("MUSTER_BENCH_SECTIONS");
    const Sections sections(
        chosen != nullptr ? chosen : "graceful,crash,moves,host,crash_loaded,load,stale");
    // Each backend of a large fleet may hold a connection in every process at once.
    rlimit files{.rlim_cur = 60'000, .rlim_max = 60'000};
    setrlimit(RLIMIT_NOFILE, &files);
    const auto backends = static_cast<std::size_t>(setting("MUSTER_BENCH_BACKENDS", 10'000));
    if (sections.wanted("crash") || sections.wanted("graceful") || sections.wanted("moves") ||
        sections.wanted("host")) {
        idle(sections);
    }
    if (sections.wanted("crash_loaded")) loaded(backends);
    if (sections.wanted("load"))
        measure_load(backends, std::chrono::seconds(setting("MUSTER_BENCH_WATCH_SECONDS", 30)));
    if (sections.wanted("stale")) {
        const auto schedules = static_cast<std::size_t>(setting("MUSTER_STALE_SCHEDULES", 220));
        require(stale::measure_stale_writes(schedules, 1), "that no stale write is accepted");
    }
}

}  // namespace
}  // namespace muster::test

int main() {
    return muster::test::exit_code_of(muster::test::run);
}
