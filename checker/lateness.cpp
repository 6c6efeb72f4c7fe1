#include "checker/lateness.hpp"

#include <algorithm>

namespace muster::checker {

ProbeOutcome doubt_if_late(const ProbeOutcome& outcome,
                           const RunConditions& run,
                           std::chrono::nanoseconds late_limit) {
    if (outcome.result != Result::failure) return outcome;
    const std::chrono::nanoseconds allowance = std::min(late_limit, run.timeout / 4);
    const bool late = run.start_lateness > late_limit || run.stalled > allowance ||
                      run.elapsed > run.timeout + allowance;
    if (!late) return outcome;
    ProbeOutcome doubted = outcome;
    doubted.result = Result::inconclusive;
    doubted.reason = Reason::prober_late;
    return doubted;
}

}  // namespace muster::checker
