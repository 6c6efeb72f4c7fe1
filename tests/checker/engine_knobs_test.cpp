// Jitter, initial state, the shortest DOWN and flap damping as an engine on a stepped clock applies
// them: their rules are in holds_test.cpp.
#include "checker/schedule.hpp"
#include "tests/checker/support/engine_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;

const ProbeOutcome refused{.result = Result::failure, .reason = Reason::l4_refused};

class EngineKnobs : public EngineTest {
 protected:
    /// What became of it, in order, since the last call.
    std::vector<Verdict> changes() {
        std::vector<Verdict> verdicts;
        for (const CheckReport& report : reports_) {
            if (report.transition == Transition::changed) verdicts.push_back(report.state.verdict);
        }
        reports_.clear();
        return verdicts;
    }
    void fail() { prober_.replies["a"] = {.outcome = refused}; }
    void succeed() { prober_.replies.clear(); }
    /// How long it takes until the verdict is this one.
    Span until(Verdict verdict) {
        const SteadyTime from = clock_.now();
        EXPECT_TRUE(clock_.run_for(1h, [&] { return state(1).verdict == verdict; }));
        return clock_.now() - from;
    }
};

TEST_F(EngineKnobs, JitterPutsOffEachStartAndMovesNoSlot) {
    engine_->put(check(1, "a", {.interval = 2s, .jitter = 400ms}));
    clock_.run_for(10min);
    const SteadyTime zero =
        wall_zero(test::VirtualClock::default_wall, test::VirtualClock::default_start);
    const auto starts = prober_.starts_of("a");
    ASSERT_GE(starts.size(), 299U);
    SteadyTime slot = next_slot(cadence(CheckId{1}, 2s, zero), test::VirtualClock::default_start);
    std::set<Span> seen;
    for (const SteadyTime start : starts) {
        ASSERT_GE(start, slot);
        ASSERT_LT(start, slot + 400ms + 10ms) << "and a tick";
        seen.insert(start - slot);
        slot += 2s;
    }
    EXPECT_GT(seen.size(), 30U) << "of 40 ticks";
    EXPECT_LT(*seen.begin(), 30ms);
    EXPECT_GT(*seen.rbegin(), 370ms);
}

TEST_F(EngineKnobs, JitterIsNotTakenForLateness) {
    EngineSettings settings;
    settings.late_limit = 50ms;
    restart(settings);
    fail();
    engine_->put(check(1, "a", {.interval = 2s, .jitter = 1s, .fall = 3}));
    clock_.run_for(1min);
    EXPECT_EQ(engine_->counters().late_starts, 0U);
    EXPECT_EQ(engine_->counters().inconclusive, 0U);
    EXPECT_EQ(state(1).verdict, Verdict::down);
}

TEST_F(EngineKnobs, InitialStateIsWhatFailuresAndSuccessesCountAgainst) {
    struct Row {
        config::InitialState initial;
        bool serves;
        std::size_t probes;  ///< until it has changed; 0: it doesn't
        Verdict then;
    };
    for (const Row& row : {Row{config::InitialState::first_result, true, 1, Verdict::up},
                           Row{config::InitialState::first_result, false, 1, Verdict::down},
                           Row{config::InitialState::up, true, 0, Verdict::up},
                           Row{config::InitialState::up, false, 3, Verdict::down},
                           Row{config::InitialState::down, true, 2, Verdict::up},
                           Row{config::InitialState::down, false, 0, Verdict::down}}) {
        restart({});
        reports_.clear();
        prober_.starts.clear();
        row.serves ? succeed() : fail();
        Check one = check(1, "a", {.rise = 2, .fall = 3, .initial = row.initial});
        one.start = initial_state(row.initial, clock_.wall());
        engine_->put(one);
        std::size_t probes = 0;
        clock_.run_for(1min, [&] {
            if (!reports_.empty() && reports_.back().transition == Transition::changed)
                probes = prober_.starts.size();
            return probes > 0;
        });
        EXPECT_EQ(probes, row.probes);
        EXPECT_EQ(state(1).verdict, row.then);
    }
}

TEST_F(EngineKnobs, ADownLastsAsLongAsItMust) {
    const config::CheckSpec spec{.interval = 1s, .rise = 2, .fall = 2, .min_down = 30s};
    engine_->put(check(1, "a", spec));
    clock_.run_for(5s);
    fail();
    (void)until(Verdict::down);
    const WallTime fell = state(1).since;
    succeed();
    (void)until(Verdict::up);
    EXPECT_GE(clock_.wall() - fell, 30s);
    EXPECT_LE(clock_.wall() - fell, 31s) << "the first success behind it";
    EXPECT_EQ(changes(), (std::vector{Verdict::up, Verdict::down, Verdict::up}));
    // Without it the two successes do.
    config::CheckSpec free = spec;
    free.min_down = 0s;
    engine_->put(check(1, "a", free));
    fail();
    (void)until(Verdict::down);
    succeed();
    EXPECT_LE(until(Verdict::up), 3s);
}

TEST_F(EngineKnobs, ADownOfOneWhoFlapsLastsUntilItsPenaltyHasDecayed) {
    engine_->put(check(1,
                       "a",
                       {.interval = 1s,
                        .rise = 1,
                        .fall = 1,
                        .flap_damping = config::FlapDamping{
                            .half_life = 60s, .suppress = 3, .reuse = 1, .max_hold = 10min}}));
    (void)until(Verdict::up);
    for (int fall = 1; fall <= 3; ++fall) {
        fail();
        (void)until(Verdict::down);
        succeed();
        EXPECT_LE(until(Verdict::up), 2s) << "fall " << fall;
    }
    fail();
    (void)until(Verdict::down);
    succeed();
    // As FlapDamping in holds_test.cpp: log2 of the penalty in half-lives.
    const Span held = until(Verdict::up);
    EXPECT_GT(held, 105s);
    EXPECT_LT(held, 120s);
    EXPECT_EQ(engine_->counters().failed, 4U) << "it was probed, and well, all the time";
}

}  // namespace
}  // namespace muster::checker
