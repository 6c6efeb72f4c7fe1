#include "common/observe/log.hpp"
#include "tests/stale/fencing_oracle.hpp"
#include "tests/stale/schedule.hpp"
#include "tests/stale/tally.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace muster::stale {
namespace {

int setting(const char* name, int otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::atoi(text) : otherwise;
}

struct Result {
    Tally tally;
    Judgement judgement;
};

Result run(std::size_t wanted, std::uint64_t seed, HoldingStore::Guards guards) {
    log::set_level(log::Level::error);
    StaleCluster cluster(seed, guards);
    cluster.apply_group(24);
    const std::vector<ScheduleReport> reports = run_schedules(cluster, seed, wanted);
    const std::vector<Transaction> history = cluster.end();
    Result result{.tally = tally(reports, history), .judgement = judge(history, cluster.paths())};
    fmt::print("{}{} transactions judged, {} multis refused\n",
               result.tally.text(),
               result.judgement.transactions,
               result.judgement.refused);
    return result;
}

TEST(StaleWrites, OfADeposedMasterOrWorkerAreNeverAccepted) {
    const auto schedules = static_cast<std::size_t>(setting("MUSTER_STALE_SCHEDULES", 20));
    const auto seed = static_cast<std::uint64_t>(setting("MUSTER_STALE_SEED", 1));
    const Result result = run(schedules, seed, HoldingStore::Guards::kept);
    EXPECT_GE(result.tally.complete, schedules);
    for (const WriteClass kind : write_classes) {
        EXPECT_GE(result.tally.classes.at(kind).attempted, schedules) << to_string(kind);
        EXPECT_EQ(result.tally.classes.at(kind).accepted, 0U) << to_string(kind);
        EXPECT_GT(result.judgement.judged.at(kind), 0U) << to_string(kind);
    }
    EXPECT_EQ(result.tally.contradictions, 0U);
    EXPECT_GE(result.judgement.refused + result.tally.unknown, result.tally.attempted());
    for (const Violation& violation : result.judgement.violations)
        ADD_FAILURE() << fmt::format("zxid {:#x}: {}", violation.zxid, violation.what);
}

TEST(StaleWrites, AreAcceptedAndCaughtOnceTheGuardsAreDropped) {
    const Result result = run(4, 1001, HoldingStore::Guards::dropped);
    EXPECT_GE(result.tally.complete, 4U);
    // Not the status: its version alone turns most of them down.
    for (const WriteClass kind :
         {WriteClass::control, WriteClass::ack, WriteClass::progress, WriteClass::handoff}) {
        EXPECT_GT(result.tally.classes.at(kind).accepted, 0U) << to_string(kind);
    }
    EXPECT_GE(result.judgement.violations.size(), result.tally.accepted());
}

}  // namespace
}  // namespace muster::stale
