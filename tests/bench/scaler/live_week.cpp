#include "tests/bench/scaler/live_week.hpp"

#include "common/observe/log.hpp"
#include "tests/bench/support/figures.hpp"
#include "tests/sim/scaling_run.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>

#include <chrono>

namespace muster::test {

void live_week() {
    using namespace std::chrono_literals;
    log::set_level(log::Level::error);
    const TempDir directory;
    const auto from = std::chrono::steady_clock::now();
    const std::chrono::hours length(setting("MUSTER_WEEK_HOURS", 7 * 24));
    const sim::ScalingRun run = sim::run_scaling(length, 6h, 1, directory.path());
    const auto took = std::chrono::steady_clock::now() - from;
    fmt::print(
        "week of shells: {} terms, {} masters killed, sizes {} to {}, {} decisions to change, "
        "{} MiB\n",
        run.terms,
        run.kills,
        run.smallest,
        run.greatest,
        run.changes,
        run.bytes >> 20U);
    if (run.differences > 0) fmt::print("{}\n", run.first_difference);
    metric("week_shells_s", std::chrono::duration<double>(took).count(), "s");
    metric("week_shells_ticks", static_cast<double>(run.ticks), "count");
    metric("week_shells_ticks_missed", static_cast<double>(run.periods - run.ticks), "count");
    metric("week_shells_replay_differences", static_cast<double>(run.differences), "count");
    require(run.differences == 0, "each decision is the same to the byte");
    require(run.ticks > 0 && run.periods - run.ticks <= run.kills, "the ticks are there");
}

}  // namespace muster::test
