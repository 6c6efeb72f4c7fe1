#include "checker/health_state.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;

constexpr WallTime at(int seconds) {
    return WallTime(std::chrono::seconds(1'700'000'000 + seconds));
}

ProbeOutcome success() {
    return {.result = Result::success, .reason = Reason::l7_ok, .code = 200};
}
ProbeOutcome failure(Reason reason = Reason::l4_refused) {
    return {.result = Result::failure, .reason = reason};
}
ProbeOutcome inconclusive() {
    return {.result = Result::inconclusive, .reason = Reason::prober_late};
}

/// 's', 'f' and 'i' to an outcome.
ProbeOutcome outcome_of(char letter) {
    if (letter == 's') return success();
    if (letter == 'f') return failure();
    return inconclusive();
}

HealthState up() {
    return {.verdict = Verdict::up, .since = at(0), .reason = Reason::l7_ok};
}
HealthState down() {
    return {.verdict = Verdict::down, .since = at(0), .reason = Reason::l4_refused};
}

TEST(HealthState, FollowsTheTimelineOfItsHeader) {
    const HealthPolicy policy{.rise = 2, .fall = 3};
    struct Row {
        char result;
        Verdict verdict;
        int successes;
        int failures;
        Transition transition;
    };
    const std::vector<Row> timeline = {
        {'f', Verdict::up, 0, 1, Transition::pending},
        {'f', Verdict::up, 0, 2, Transition::pending},
        {'s', Verdict::up, 0, 0, Transition::pending},
        {'f', Verdict::up, 0, 1, Transition::pending},
        {'f', Verdict::up, 0, 2, Transition::pending},
        {'f', Verdict::down, 0, 0, Transition::changed},
        {'s', Verdict::down, 1, 0, Transition::pending},
        {'s', Verdict::up, 0, 0, Transition::changed},
    };
    HealthState state = up();
    for (std::size_t i = 0; i < timeline.size(); ++i) {
        const Row& row = timeline[i];
        const ProbeOutcome outcome = outcome_of(row.result);
        const HealthStep step = observe(state, outcome, policy, at(static_cast<int>(i) + 1));
        const HealthState expected{
            .verdict = row.verdict,
            .successes = row.successes,
            .failures = row.failures,
            .since =
                row.transition == Transition::changed ? at(static_cast<int>(i) + 1) : state.since,
            .reason = outcome.reason,
        };
        EXPECT_EQ(step, (HealthStep{.next = expected, .transition = row.transition}))
            << "step " << i;
        state = step.next;
    }
}

TEST(HealthState, TakesTheFirstVerdictFromOneResultWhateverRiseAndFallAre) {
    const HealthPolicy policy{.rise = 50, .fall = 50};
    EXPECT_EQ(observe({}, success(), policy, at(7)),
              (HealthStep{.next = {.verdict = Verdict::up, .since = at(7), .reason = Reason::l7_ok},
                          .transition = Transition::changed}));
    EXPECT_EQ(observe({}, failure(Reason::l7_timeout), policy, at(7)),
              (HealthStep{
                  .next = {.verdict = Verdict::down, .since = at(7), .reason = Reason::l7_timeout},
                  .transition = Transition::changed}));
}

TEST(HealthState, IsNotChangedByAnythingInconclusive) {
    for (const HealthState& was : {HealthState{},
                                   up(),
                                   down(),
                                   HealthState{.verdict = Verdict::up, .failures = 2},
                                   HealthState{.verdict = Verdict::down, .successes = 1}}) {
        EXPECT_EQ(observe(was, inconclusive(), {}, at(9)),
                  (HealthStep{.next = was, .transition = Transition::unchanged}));
    }
}

TEST(HealthState, KeepsSinceAndTakesTheReasonOfEachConclusiveResult) {
    const HealthStep step = observe(down(), failure(Reason::l7_status), {}, at(9));
    HealthState expected = down();
    expected.reason = Reason::l7_status;
    EXPECT_EQ(step, (HealthStep{.next = expected, .transition = Transition::unchanged}));
}

TEST(HealthState, TurnsDegradedAndBackWithoutBeginningAnew) {
    const HealthPolicy policy{.rise = 2, .fall = 3, .damping = config::FlapDamping{}};
    HealthState was = up();
    was.penalty = 1500;
    was.failures = 2;
    const ProbeOutcome degraded{.result = Result::degraded, .reason = Reason::l6_expiry};
    const HealthStep worse = observe(was, degraded, policy, at(60));
    EXPECT_EQ(worse.transition, Transition::changed);
    EXPECT_EQ(worse.next,
              (HealthState{.verdict = Verdict::degraded,
                           .since = at(0),
                           .reason = Reason::l6_expiry,
                           .penalty = 1500}));
    const HealthStep better = observe(worse.next, success(), policy, at(90));
    EXPECT_EQ(better.next.verdict, Verdict::up);
    EXPECT_EQ(better.next.since, at(0)) << "or a slow start would begin again";
}

TEST(HealthState, ChangesWithTheNextResultWhenTheThresholdWasLoweredBelowTheCounter) {
    const HealthState was{.verdict = Verdict::up, .failures = 4, .since = at(0)};
    EXPECT_EQ(observe(was, failure(), {.rise = 2, .fall = 2}, at(1)).next.verdict, Verdict::down);
}

/// The definition, said another way: the verdict falls exactly when the last `fall` conclusive
/// results since the last change were failures, and rises likewise.
TEST(HealthState, CountsConsecutiveConclusiveResultsInAnySequence) {
    std::mt19937 random(20240607);
    for (int round = 0; round < 2000; ++round) {
        const HealthPolicy policy{.rise = 1 + static_cast<int>(random() % 5),
                                  .fall = 1 + static_cast<int>(random() % 5)};
        HealthState state;
        std::string since_change;
        for (int i = 0; i < 60; ++i) {
            const char letter = "sfi"[random() % 3];
            const Verdict before = state.verdict;
            const HealthStep step = observe(state, outcome_of(letter), policy, at(i));
            if (letter != 'i') since_change += letter;

            Verdict expected = before;
            const auto ends_with = [&](int count, char of) {
                return since_change.size() >= static_cast<std::size_t>(count) &&
                       since_change.find_last_not_of(of) + 1 + static_cast<std::size_t>(count) <=
                           since_change.size();
            };
            if (before == Verdict::unknown && letter != 'i') {
                expected = letter == 's' ? Verdict::up : Verdict::down;
            } else if (before == Verdict::up && ends_with(policy.fall, 'f')) {
                expected = Verdict::down;
            } else if (before == Verdict::down && ends_with(policy.rise, 's')) {
                expected = Verdict::up;
            }
            ASSERT_EQ(step.next.verdict, expected) << since_change;
            ASSERT_EQ(step.transition == Transition::changed, expected != before);
            ASSERT_TRUE(step.next.successes == 0 || step.next.failures == 0);
            if (step.next.verdict == Verdict::up) ASSERT_EQ(step.next.successes, 0);
            if (step.next.verdict == Verdict::down) ASSERT_EQ(step.next.failures, 0);
            const bool counters_moved =
                step.next.successes != state.successes || step.next.failures != state.failures;
            ASSERT_EQ(step.transition == Transition::unchanged,
                      !counters_moved && expected == before);
            if (expected != before) since_change.clear();
            state = step.next;
        }
    }
}

TEST(HealthState, PicksTheIntervalOfTheStateItIsIn) {
    const config::CheckSpec plain{.interval = 2s};
    const config::CheckSpec full{.interval = 2s, .fast_interval = 200ms, .down_interval = 10s};
    const HealthState falling{.verdict = Verdict::up, .failures = 1};
    const HealthState rising{.verdict = Verdict::down, .successes = 1};
    struct Row {
        const char* name;
        HealthState state;
        std::chrono::nanoseconds with_all;
    };
    for (const Row& row : {Row{"unknown", {}, 2s},
                           Row{"up", up(), 2s},
                           Row{"falling", falling, 200ms},
                           Row{"down", down(), 10s},
                           Row{"rising", rising, 200ms}}) {
        EXPECT_EQ(next_interval(row.state, full), row.with_all) << row.name;
        EXPECT_EQ(next_interval(row.state, plain), 2s) << row.name;
    }
}

TEST(HealthState, NamesVerdicts) {
    EXPECT_EQ(to_string(Verdict::unknown), "unknown");
    EXPECT_EQ(to_string(Verdict::up), "up");
    EXPECT_EQ(to_string(Verdict::down), "down");
}

}  // namespace
}  // namespace muster::checker
