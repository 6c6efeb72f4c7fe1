#include "checker/engine_counters.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace muster::checker {

EngineCounters operator+(EngineCounters left, const EngineCounters& right) {
    left.started += right.started;
    left.succeeded += right.succeeded;
    left.failed += right.failed;
    left.inconclusive += right.inconclusive;
    left.shortages += right.shortages;
    left.deduplicated += right.deduplicated;
    left.late_starts += right.late_starts;
    left.skipped_slots += right.skipped_slots;
    left.lateness_sum += right.lateness_sum;
    left.stalled += right.stalled;
    for (std::size_t i = 0; i < right.lateness.size(); ++i) left.lateness[i] += right.lateness[i];
    return left;
}

void count_lateness(EngineCounters& counters, std::chrono::nanoseconds lateness) {
    const auto* const bound = std::ranges::lower_bound(
        lateness_bounds, std::chrono::ceil<std::chrono::microseconds>(lateness));
    ++counters.lateness[static_cast<std::size_t>(bound - std::begin(lateness_bounds))];
    counters.lateness_sum += lateness;
}

}  // namespace muster::checker
