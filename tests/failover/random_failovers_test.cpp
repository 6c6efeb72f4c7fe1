#include "tests/failover/random_failovers.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace muster::test {
namespace {

/// `./bench scaler` has 100 of them.
TEST(RandomFailovers, KeepDecisionsBudgetsAndNames) {
    const FailoverOutcome outcome = run_failovers({.seed = 6, .failovers = 5});
    fmt::print("{} decisions at {} ticks, {} without a record; {} masters killed, {} stopped\n",
               outcome.decisions.ticks,
               outcome.decisions.span,
               outcome.decisions.unrecorded,
               outcome.killed,
               outcome.paused);
    EXPECT_TRUE(outcome.wrong.empty()) << fmt::format("{}", fmt::join(outcome.wrong, "\n"));
    EXPECT_EQ(outcome.orphans, 0U);
    EXPECT_EQ(outcome.decisions.differences, 0U) << outcome.decisions.first;
    EXPECT_GE(outcome.decisions.masters, 3U);
    EXPECT_GE(outcome.decisions.ticks, 20U);
    EXPECT_EQ(outcome.decisions.holes, 0U);
    EXPECT_GT(outcome.decisions.changes, 2U);
    EXPECT_GT(outcome.made, 4U);
}

}  // namespace
}  // namespace muster::test
