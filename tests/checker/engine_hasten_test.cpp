// A check whose next probe is brought forward.
#include "checker/engine.hpp"
#include "checker/schedule.hpp"
#include "tests/checker/support/engine_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;

const ProbeOutcome refused{.result = Result::failure, .reason = Reason::l4_refused};

TEST_F(EngineTest, BringsAProbeForwardAndKeepsItsSlots) {
    engine_->put(check(1, "a", {.interval = 10s}));
    clock_.run_for(30s);
    const SteadyTime slot = prober_.starts.back().time;
    clock_.run_until(slot + 3s);
    engine_->hasten(CheckId{1});
    clock_.run_until(slot + 20s + 10ms);
    const auto starts = prober_.starts_of("a");
    ASSERT_EQ(starts.size(), 6U);
    EXPECT_LE(starts[3] - slot, 3s + 10ms) << "at once, that is in this tick or the next";
    EXPECT_GE(starts[3] - slot, 3s);
    EXPECT_EQ(starts[4], slot + 10s);
    EXPECT_EQ(starts[5], slot + 20s);
    EXPECT_EQ(engine_->counters().skipped_slots, 0U);
    EXPECT_EQ(engine_->counters().late_starts, 0U);
}

TEST_F(EngineTest, NeverPutsAProbeOffByThat) {
    engine_->put(check(1, "a", {.interval = 10s, .jitter = 5s}));
    engine_->put(check(2, "b", {.interval = 2s}));
    clock_.run_for(60s);
    const auto starts_before = prober_.starts_of("a").size();
    // As often as anybody may ask: each probe of the schedule is there as well.
    for (int i = 0; i < 6'000; ++i) {
        engine_->hasten(CheckId{2});
        clock_.run_for(10ms);
    }
    EXPECT_EQ(prober_.starts_of("a").size(), starts_before + 6) << "others don't shift";
    const auto starts = prober_.starts_of("b");
    for (std::size_t i = 1; i < starts.size(); ++i) EXPECT_LE(starts[i] - starts[i - 1], 2s);
    for (int i = 0; i < 600; ++i) {
        engine_->hasten(CheckId{1});
        clock_.run_for(100ms);
    }
    const auto jittered = prober_.starts_of("a");
    for (std::size_t i = 1; i < jittered.size(); ++i)
        EXPECT_LE(jittered[i] - jittered[i - 1], 15s) << "an interval and its jitter";
}

TEST_F(EngineTest, DoesNotProbeTwiceAtOnceWhenHastened) {
    prober_.replies["a"] = {.outcome = refused, .after = 500ms};
    engine_->put(check(1, "a", {.interval = 2s}));
    clock_.run_for(20s);
    ASSERT_TRUE(clock_.run_for(3s, [&] { return prober_.running == 1; }));
    const std::size_t started = prober_.starts.size();
    for (int i = 0; i < 10; ++i) {
        engine_->hasten(CheckId{1});
        clock_.run_for(20ms);
        EXPECT_EQ(prober_.starts.size(), started);
    }
    engine_->hasten(CheckId{99});
    clock_.run_for(1s);
    EXPECT_EQ(prober_.starts.size(), started) << "one that is not known is nobody's";
}

TEST_F(EngineTest, CountsAHastenedFailureAsAnyOther) {
    engine_->put(check(1, "a", {.interval = 10s, .fall = 3}));
    clock_.run_for(20s);
    prober_.replies["a"] = {.outcome = refused};
    for (int i = 0; i < 3; ++i) {
        engine_->hasten(CheckId{1});
        clock_.run_for(100ms);
    }
    EXPECT_EQ(state(1).verdict, Verdict::down);
    EXPECT_EQ(state(1).reason, Reason::l4_refused);
}

TEST_F(EngineTest, HastensOneOfThoseThatShareATarget) {
    engine_->put(check(1, "a", {.interval = 10s}));
    engine_->put(check(2, "a", {.interval = 10s}));
    clock_.run_for(30s);
    const auto results = engine_->results(CheckId{2});
    const auto starts = prober_.starts_of("a").size();
    engine_->hasten(CheckId{1});
    clock_.run_for(20ms);
    EXPECT_EQ(prober_.starts_of("a").size(), starts + 1);
    EXPECT_EQ(engine_->results(CheckId{2}), results);
    clock_.run_for(20s);
    EXPECT_EQ(engine_->results(CheckId{2}), results + 2);
    EXPECT_EQ(prober_.starts_of("a").size(), starts + 3) << "together again";
}

}  // namespace
}  // namespace muster::checker
