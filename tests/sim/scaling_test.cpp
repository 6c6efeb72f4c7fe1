#include "common/observe/log.hpp"
#include "tests/sim/scaling_run.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

// A fleet that is sized by the real shells on a virtual clock: ./bench scaler runs a whole week.
namespace muster::sim {
namespace {

using namespace std::chrono_literals;

TEST(SimulatedScaling, ReplaysToTheByteOverMastersThatAreKilled) {
    log::set_level(log::Level::error);
    const test::TempDir directory;
    const ScalingRun run = run_scaling(1h, 10min, 7, directory.path());
    EXPECT_EQ(run.differences, 0U) << run.first_difference;
    EXPECT_GE(run.kills, 5U);
    EXPECT_GE(run.terms, run.kills);
    // A tick is missed by a master that is killed with its evaluation, or whose session must
    // expire.
    EXPECT_GE(run.ticks + run.kills, run.periods);
    EXPECT_GE(run.periods, 235U);
    EXPECT_GE(run.changes, 2U);
    EXPECT_GT(run.greatest, run.smallest);
    EXPECT_GE(run.machines, 2U);
}

}  // namespace
}  // namespace muster::sim
