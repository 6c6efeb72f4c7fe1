#include "tests/stale/measure.hpp"

#include "common/observe/log.hpp"
#include "tests/stale/fencing_oracle.hpp"
#include "tests/stale/schedule.hpp"
#include "tests/stale/tally.hpp"

#include <fmt/format.h>

namespace muster::stale {

bool measure_stale_writes(std::size_t schedules, std::uint64_t seed) {
    log::set_level(log::Level::error);
    StaleCluster cluster(seed);
    cluster.apply_group(24);
    const std::vector<ScheduleReport> reports = run_schedules(cluster, seed, schedules);
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
    return result.complete >= schedules && result.accepted() == 0 && result.contradictions == 0 &&
           judgement.violations.empty();
}

}  // namespace muster::stale
