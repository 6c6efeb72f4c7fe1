#include "tests/bench/cluster/load.hpp"

#include "tests/bench/support/figures.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/stale/transaction_log.hpp"
#include "tests/support/eventually.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace muster::test {

using namespace std::chrono_literals;
using follow::ClusterView;
using znodes::Letter;
using Time = std::chrono::nanoseconds;

namespace {

constexpr std::chrono::milliseconds interval{2'000};
constexpr std::size_t fall = 3;
constexpr std::chrono::milliseconds flush_window{50};
/// Between two writes' times in the server's log: it counts whole milliseconds, and a write waits
/// in its queue.
constexpr std::chrono::milliseconds log_tolerance{10};

struct Usage {
    double cpu_seconds = 0;
    double rss_kib = 0;
};

Usage usage_of(pid_t pid) {
    Usage usage;
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(stat, text);
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skip;
    for (int i = 0; i < 11; ++i) fields >> skip;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    usage.cpu_seconds = (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmRSS:")) usage.rss_kib = std::stod(line.substr(6));
    }
    return usage;
}

Usage usage_of(const Cluster& cluster) {
    Usage sum;
    for (std::size_t n = 0; n < cluster.size(); ++n) {
        const Usage usage = usage_of(cluster.child(n));
        sum.cpu_seconds += usage.cpu_seconds;
        sum.rss_kib += usage.rss_kib;
    }
    return sum;
}

std::size_t count_down(const Observer& observer) {
    const auto changes = observer.verdict_changes();
    return static_cast<std::size_t>(
        std::ranges::count(changes, Letter::down, &Observer::VerdictChange::to));
}

class Fleet {
 public:
    explicit Fleet(std::size_t backends) : responder_(backends) {
        cluster_.apply(make_group(responder_, "fleet", 0, backends, interval));
        require(cluster_.wait_all_up(120s), "all backends UP");
        require(cluster_.wait_members(cluster_.size(), 60s), "settled members");
    }

    void measure_cadence(std::chrono::seconds watch) {
        cluster_.observer().forget();
        const Usage before = usage_of(cluster_);
        responder_.trace(true);
        const Time start = Responder::now();
        require(eventually(watch + 10s, [&] { return Responder::now() - start > watch; }),
                "the time to watch");
        const auto trace = responder_.traced();
        responder_.trace(false);
        const Usage after = usage_of(cluster_);

        std::map<std::uint32_t, std::vector<Time>> arrivals;
        for (const auto& [when, backend] : trace) arrivals[backend].push_back(when);
        Spread late;
        std::size_t missed = responder_.size() - arrivals.size();
        for (const auto& [backend, times] : arrivals) {
            for (std::size_t i = 1; i < times.size(); ++i) {
                const Time gap = times[i] - times[i - 1];
                if (gap > interval * 3 / 2) ++missed;
                late.add(std::max(Time{}, gap - interval));
            }
        }
        late.print("lateness of a probe against the one before, as the backends saw it");
        const auto probes = static_cast<double>(trace.size());
        const auto backends = static_cast<double>(responder_.size());
        metric("late_start_p99_ms", ms(late.at(0.99)), "ms");
        metric("missed_probes", static_cast<double>(missed), "probes");
        metric("probes_per_second", probes / std::chrono::duration<double>(watch).count(), "1/s");
        const double cpu = after.cpu_seconds - before.cpu_seconds;
        metric("cpu_us_per_probe", cpu * 1e6 / probes, "us");
        metric("cpu_us_per_backend_and_second",
               cpu * 1e6 / backends / std::chrono::duration<double>(watch).count(),
               "us/s");
        metric("rss_kib_per_backend", after.rss_kib / backends, "KiB");
        metric("wrong_verdicts", static_cast<double>(count_down(cluster_.observer())), "verdicts");
    }

    /// Half of them fail. The decision falls with the third failing answer; the observer says when
    /// ZooKeeper had it, and ZooKeeper's log how often it was written to.
    void measure_mass_failure() {
        const std::size_t failing = responder_.size() / 2;
        cluster_.observer().forget();
        responder_.trace(true);
        const Time failure = Responder::now();
        const auto failure_by_the_wall = std::chrono::system_clock::now().time_since_epoch();
        for (std::size_t b = 0; b < failing; ++b) responder_.set(b, Responder::Behaviour::failing);
        require(cluster_.observer().wait(60s,
                                         [&](const follow::ClusterView& view) {
                                             return Observer::count(view, Letter::down) == failing;
                                         }),
                "half of the backends DOWN");
        std::map<std::string, std::vector<Time>> answers;
        for (const auto& [when, backend] : responder_.traced()) {
            if (when >= failure) answers[responder_.address(backend)].push_back(when);
        }
        responder_.trace(false);
        Spread publish;
        for (const auto& change : cluster_.observer().verdict_changes()) {
            const auto& times = answers[change.backend.str()];
            if (change.to == Letter::down && times.size() >= fall)
                publish.add(std::max(Time{}, change.seen - times[fall - 1]));
        }
        publish.print("from the third failing answer to ZooKeeper");
        metric("mass_failure_publish_ms", ms(publish.at(1)), "ms");
        count_writes(failure_by_the_wall);
    }

    [[nodiscard]] std::uint64_t probes() const { return responder_.probes(); }

 private:
    void count_writes(Time since) {
        std::map<std::string, std::vector<std::chrono::milliseconds>> writes;
        for (const stale::Transaction& transaction :
             stale::read_logs(cluster_.zookeeper().data_dir(cluster_.zookeeper().leader()))) {
            if (transaction.refused() || transaction.time < since) continue;
            for (const stale::LoggedOp& op : transaction.ops) {
                if (op.kind == stale::LoggedOp::Kind::set && op.path.ends_with("/status"))
                    writes[op.path].push_back(transaction.time);
            }
        }
        std::size_t all = 0;
        std::size_t too_soon = 0;
        for (const auto& [shard, times] : writes) {
            all += times.size();
            for (std::size_t i = 1; i < times.size(); ++i) {
                if (times[i] - times[i - 1] < flush_window - log_tolerance) ++too_soon;
            }
        }
        metric("mass_failure_status_writes", static_cast<double>(all), "writes");
        metric("mass_failure_writes_within_a_window", static_cast<double>(too_soon), "writes");
    }

    Responder responder_;
    Cluster cluster_;
};

}  // namespace

void measure_load(std::size_t backends, std::chrono::seconds watch) {
    Fleet fleet(backends);
    fleet.measure_cadence(watch);
    fleet.measure_mass_failure();
    metric("probes_seen_by_responder", static_cast<double>(fleet.probes()), "probes");
}

}  // namespace muster::test
