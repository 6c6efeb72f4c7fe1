// What keeps a backend DOWN although its probes succeed, and what it counts as before its first.

#include "checker/health_state.hpp"
#include "checker/schedule.hpp"

#include <gtest/gtest.h>

#include <set>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;

constexpr WallTime at(double seconds) {
    return WallTime(
        std::chrono::milliseconds(1'700'000'000'000 + static_cast<std::int64_t>(seconds * 1000)));
}
const ProbeOutcome good{.result = Result::success, .reason = Reason::l7_ok};
const ProbeOutcome bad{.result = Result::failure, .reason = Reason::l4_refused};

/// A backend probed once a second from second 0 on: what it was after each.
struct Life {
    HealthPolicy policy;
    HealthState state{.verdict = Verdict::up, .since = at(-1000)};
    double second = 0;

    Transition probe(const ProbeOutcome& outcome) {
        const HealthStep step = observe(state, outcome, policy, at(second++));
        state = step.next;
        return step.transition;
    }
    /// Successes until it is UP.
    int recover() {
        for (int n = 1; n < 10'000; ++n) {
            if (probe(good) == Transition::changed) return n;
        }
        return 0;
    }
};

TEST(MinDown, HoldsABackendThatWouldBeUp) {
    Life life{.policy = {.rise = 2, .fall = 1, .min_down = 10s}};
    EXPECT_EQ(life.probe(bad), Transition::changed);
    EXPECT_EQ(held_until(life.state, life.policy), at(10));
    EXPECT_EQ(life.recover(), 10);
    EXPECT_EQ(held_until(life.state, life.policy), WallTime{});
}

TEST(MinDown, IsNoLongerThanTheSuccessesTakeAnyhow) {
    Life life{.policy = {.rise = 3, .fall = 1, .min_down = 2s}};
    (void)life.probe(bad);
    EXPECT_EQ(life.recover(), 3);
}

TEST(MinDown, StillWantsItsSuccessesInARow) {
    Life life{.policy = {.rise = 2, .fall = 1, .min_down = 3s}};
    (void)life.probe(bad);
    (void)life.probe(good);
    (void)life.probe(good);
    EXPECT_EQ(life.probe(good), Transition::changed) << "second 3";
    Life broken{.policy = {.rise = 2, .fall = 1, .min_down = 3s}};
    (void)broken.probe(bad);
    (void)broken.probe(good);
    (void)broken.probe(good);
    (void)broken.probe(bad);
    EXPECT_EQ(broken.recover(), 2);
}

TEST(MinDown, GoesAtTheNormalPaceWhileItHolds) {
    const config::CheckSpec check{
        .interval = 2s, .fast_interval = 100ms, .down_interval = 5s, .rise = 2};
    EXPECT_EQ(next_interval({.verdict = Verdict::down, .successes = 1}, check), 100ms);
    EXPECT_EQ(next_interval({.verdict = Verdict::down, .successes = 2}, check), 5s);
}

/// RFC 2439 with half-life 60 s, suppress at 3 falls, reuse below 1.
HealthPolicy damped(config::Duration max_hold = 10min) {
    return {.rise = 1,
            .fall = 1,
            .damping = config::FlapDamping{
                .half_life = 60s, .suppress = 3, .reuse = 1, .max_hold = max_hold}};
}

TEST(FlapDamping, HoldsWhoFallsTooOftenUntilThePenaltyHasDecayed) {
    Life life{.policy = damped()};
    for (int fall = 1; fall <= 3; ++fall) {
        EXPECT_EQ(life.probe(bad), Transition::changed);
        EXPECT_EQ(life.recover(), 1)
            << "fall " << fall << ": below 3, for each second takes some off";
    }
    EXPECT_EQ(life.probe(bad), Transition::changed);
    EXPECT_NEAR(life.state.penalty, 3860, 40) << "four falls, 2 s apart";
    // log2(3.86) half-lives.
    EXPECT_NEAR(life.recover(), 117, 2);
}

TEST(FlapDamping, ForgetsWhatIsLongAgo) {
    Life life{.policy = damped()};
    for (int fall = 1; fall <= 20; ++fall) {
        (void)life.probe(bad);
        EXPECT_EQ(life.recover(), 1) << fall;
        life.second += 120;
    }
}

TEST(FlapDamping, HoldsNoLongerThanItsBound) {
    Life life{.policy = damped(30s)};
    int longest = 0;
    for (int fall = 0; fall < 10; ++fall) {
        (void)life.probe(bad);
        longest = std::max(longest, life.recover());
    }
    EXPECT_EQ(longest, 30);
}

TEST(FlapDamping, DoesNotCountTheFirstVerdictNorAnythingWhileItIsOff) {
    Life life{.policy = damped(), .state = {}};
    (void)life.probe(bad);
    EXPECT_EQ(life.state.penalty, 0);
    Life off{.policy = {.rise = 1, .fall = 1}};
    for (int fall = 0; fall < 10; ++fall) {
        (void)off.probe(bad);
        EXPECT_EQ(off.recover(), 1);
    }
    EXPECT_EQ(off.state.penalty, 0);
}

TEST(InitialState, CountsUntilItsProbesSayOtherwise) {
    const HealthState up = initial_state(config::InitialState::up, at(0));
    EXPECT_EQ(up.verdict, Verdict::up);
    Life life{.policy = {.rise = 2, .fall = 3}, .state = up};
    EXPECT_EQ(life.probe(bad), Transition::pending);
    EXPECT_EQ(life.probe(bad), Transition::pending);
    EXPECT_EQ(life.probe(bad), Transition::changed);

    Life other{.policy = {.rise = 2, .fall = 3},
               .state = initial_state(config::InitialState::down, at(0))};
    EXPECT_EQ(other.recover(), 2);
    EXPECT_EQ(initial_state(config::InitialState::first_result, at(0)), HealthState{});
}

TEST(Jitter, IsWithinItsBoundAndAnotherOneForEachSlot) {
    std::set<Span> seen;
    for (int slot = 0; slot < 1000; ++slot) {
        const Span put_off = jitter(CheckId{7}, SteadyTime(slot * 1s), 50ms);
        EXPECT_GE(put_off, 0s);
        EXPECT_LT(put_off, 50ms);
        seen.insert(put_off);
        EXPECT_EQ(put_off, jitter(CheckId{7}, SteadyTime(slot * 1s), 50ms));
    }
    EXPECT_GT(seen.size(), 990U);
    EXPECT_EQ(jitter(CheckId{7}, SteadyTime(1s), 0s), 0s);
}

}  // namespace
}  // namespace muster::checker
