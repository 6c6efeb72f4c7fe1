#include "checker/lateness.hpp"

#include <gtest/gtest.h>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;

constexpr auto late_limit = 250ms;

const ProbeOutcome timed_out{.result = Result::failure, .reason = Reason::l7_timeout, .total = 1s};
const ProbeOutcome good{.result = Result::success, .reason = Reason::l7_ok, .code = 200};

TEST(Lateness, DoubtsFailuresOfProbesThatOurOwnLatenessMayHaveCaused) {
    struct Row {
        const char* name;
        RunConditions run;
        bool doubted;
    };
    for (const Row& row : {
             Row{"on time", {.elapsed = 1010ms, .timeout = 1s}, false},
             Row{"started at the limit", {250ms, 0ms, 1010ms, 1s}, false},
             Row{"started too late", {251ms, 0ms, 1010ms, 1s}, true},
             Row{"stalled up to the limit", {0ms, 250ms, 1s, 1s}, false},
             Row{"stalled", {0ms, 251ms, 1s, 1s}, true},
             Row{"stalled for a quarter of a short timeout", {0ms, 25ms, 100ms, 100ms}, false},
             Row{"stalled for more than that", {0ms, 26ms, 100ms, 100ms}, true},
             Row{"ended long after its timeout", {0ms, 0ms, 1251ms, 1s}, true},
             Row{"ended long after a short timeout", {0ms, 0ms, 126ms, 100ms}, true},
         }) {
        const ProbeOutcome judged = doubt_if_late(timed_out, row.run, late_limit);
        ProbeOutcome expected = timed_out;
        if (row.doubted) {
            expected.result = Result::inconclusive;
            expected.reason = Reason::prober_late;
        }
        EXPECT_EQ(judged, expected) << row.name;
    }
}

TEST(Lateness, NeverTakesBackASuccessOrChangesAnotherTrouble) {
    const RunConditions terrible{
        .start_lateness = 10s, .stalled = 10s, .elapsed = 20s, .timeout = 1s};
    EXPECT_EQ(doubt_if_late(good, terrible, late_limit), good);
    const ProbeOutcome no_ports{.result = Result::inconclusive, .reason = Reason::prober_ports};
    EXPECT_EQ(doubt_if_late(no_ports, terrible, late_limit), no_ports);
}

TEST(StallMeter, AddsOnlyDelaysBeyondWhatItIgnores) {
    StallMeter meter(10ms);
    meter.came_round(SteadyTime(5s));
    EXPECT_EQ(meter.total(), 0ns) << "nothing was planned yet";
    meter.plan(SteadyTime(6s));
    meter.came_round(SteadyTime(6s + 10ms));
    EXPECT_EQ(meter.total(), 0ns);
    meter.plan(SteadyTime(7s));
    meter.came_round(SteadyTime(6500ms));
    EXPECT_EQ(meter.total(), 0ns) << "woken early";
    meter.came_round(SteadyTime(7s + 300ms));
    EXPECT_EQ(meter.total(), 300ms);
    meter.came_round(SteadyTime(7s + 305ms));
    EXPECT_EQ(meter.total(), 300ms) << "the same delay is not counted twice";
}

}  // namespace
}  // namespace muster::checker
