// ./bench stale: stale writes against the fence, in full (tests/stale/schedule.hpp says how), with
// ZooKeeper's own transaction log as the oracle. MUSTER_STALE_SCHEDULES and MUSTER_STALE_SEED
// choose how many and which.
#include "common/observe/log.hpp"
#include "tests/stale/fencing_oracle.hpp"
#include "tests/stale/schedule.hpp"
#include "tests/stale/tally.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>

namespace muster::stale {
namespace {

std::size_t setting(const char* name, std::size_t otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

int run() {
    log::set_level(log::Level::error);
    const std::size_t wanted = setting("MUSTER_STALE_SCHEDULES", 220);
    const std::uint64_t seed = setting("MUSTER_STALE_SEED", 20'000);
    StaleCluster cluster(seed);
    cluster.apply_group(24);
    const std::vector<ScheduleReport> reports = run_schedules(cluster, seed, wanted);
    const std::vector<Transaction> history = cluster.end();
    const Tally result = tally(reports, history);
    const Judgement judgement = judge(history, cluster.paths());
    fmt::print("{}", result.text());
    for (const auto& [kind, count] : judgement.judged)
        fmt::print("{} applied {} writes judged by the log\n", count, to_string(kind));
    for (const Violation& violation : judgement.violations)
        fmt::print("VIOLATION at zxid {:#x}: {}\n", violation.zxid, violation.what);
    fmt::print("metric stale_schedules {} schedules\n", result.complete);
    fmt::print("metric stale_writes_attempted {} writes\n", result.attempted());
    fmt::print("metric stale_writes_accepted {} writes\n", result.accepted());
    fmt::print("metric stale_transactions_checked {} transactions\n", judgement.transactions);
    fmt::print("metric stale_violations {} violations\n", judgement.violations.size());
    const bool held = result.complete >= wanted && result.accepted() == 0 &&
                      result.contradictions == 0 && judgement.violations.empty();
    return held ? 0 : 1;
}

}  // namespace
}  // namespace muster::stale

int main() {
    try {
        return muster::stale::run();
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
