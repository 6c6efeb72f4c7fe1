#include "tests/bench/scaler/failovers.hpp"

#include "tests/bench/support/figures.hpp"
#include "tests/failover/random_failovers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace muster::test {

using namespace std::chrono_literals;

void failovers() {
    const FailoverOutcome outcome = run_failovers(
        {.seed = 1, .failovers = 100, .longest_gap = 4'000ms, .rest_every = 20, .orphan = true});
    const DecisionSequence& decisions = outcome.decisions;
    fmt::print(
        "failovers: {} masters killed, {} stopped; {} machines made, {} removed; {} decisions "
        "at {} ticks of {} masters, {} of them changes; {} never written, {} without a record\n",
        outcome.killed,
        outcome.paused,
        outcome.made,
        outcome.removed,
        decisions.ticks,
        decisions.span,
        decisions.masters,
        decisions.changes,
        decisions.unwritten,
        decisions.unrecorded);
    for (const std::string& one : outcome.wrong) fmt::print("wrong: {}\n", one);
    if (!decisions.first.empty()) fmt::print("differs: {}\n", decisions.first);
    metric("orphans", static_cast<double>(outcome.orphans), "count");
    metric("failover_decision_differences", static_cast<double>(decisions.differences), "count");
    metric("failover_violations", static_cast<double>(outcome.wrong.size()), "count");
    metric("failover_ticks_missed",
           static_cast<double>(decisions.span - std::min(decisions.span, decisions.ticks)),
           "count");
    metric("failover_ticks_unrecorded", static_cast<double>(decisions.unrecorded), "count");
    require(outcome.wrong.empty(), "nothing is that must not be");
    require(outcome.orphans == 0, "each machine has a record");
    require(decisions.differences == 0, "the decisions are those of one core");
}

}  // namespace muster::test
