#include "checker/health_state.hpp"

#include <algorithm>
#include <cmath>

namespace muster::checker {

namespace {

/// A result that speaks for the verdict in force: whatever was pending against it is gone.
HealthStep confirm(HealthState next) {
    const bool was_pending = next.successes > 0 || next.failures > 0;
    next.successes = 0;
    next.failures = 0;
    return {.next = next, .transition = was_pending ? Transition::pending : Transition::unchanged};
}

constexpr int one_fall = 1000;

/// What is left of the penalty.
int decayed(const HealthState& state, const config::FlapDamping& damping, WallTime now) {
    const std::chrono::duration<double> age = std::max(now - state.since, WallTime::duration{0});
    const std::chrono::duration<double> half_life = damping.half_life;
    return static_cast<int>(state.penalty * std::exp2(-age / half_life));
}

int penalty_at(const HealthState& was,
               Verdict verdict,
               const SharedValue<config::FlapDamping>& damping,
               WallTime now) {
    if (!damping) return 0;
    const int left = decayed(was, *damping, now);
    const bool falls = verdict == Verdict::down && was.verdict != Verdict::unknown;
    // More would only be cut off by max_hold.
    return falls ? std::min(left + one_fall, 1000 * one_fall) : left;
}

HealthStep change_to(Verdict verdict, HealthState next, const HealthPolicy& policy, WallTime now) {
    next.penalty = penalty_at(next, verdict, policy.damping, now);
    next.verdict = verdict;
    next.successes = 0;
    next.failures = 0;
    next.since = now;
    return {.next = next, .transition = Transition::changed};
}

/// Between UP and degraded, which both serve: since when it does, and with what past, is as before.
HealthStep turn_to(Verdict verdict, HealthState next) {
    next.verdict = verdict;
    next.successes = 0;
    next.failures = 0;
    return {.next = next, .transition = Transition::changed};
}

Verdict verdict_of(Result result) {
    if (result == Result::failure) return Verdict::down;
    return result == Result::degraded ? Verdict::degraded : Verdict::up;
}

}  // namespace

HealthStep observe(const HealthState& was,
                   const ProbeOutcome& outcome,
                   const HealthPolicy& policy,
                   WallTime now) {
    if (outcome.result == Result::inconclusive) {
        return {.next = was, .transition = Transition::unchanged};
    }
    const Verdict said = verdict_of(outcome.result);
    HealthState next = was;
    next.reason = outcome.reason;
    if (was.verdict == Verdict::unknown) return change_to(said, next, policy, now);
    if (was.verdict == said) return confirm(next);
    if (was.verdict != Verdict::down && said != Verdict::down) return turn_to(said, next);

    if (said == Verdict::down) {
        next.successes = 0;
        next.failures = was.failures + 1;
        if (next.failures >= policy.fall) return change_to(Verdict::down, next, policy, now);
    } else {
        next.failures = 0;
        next.successes = std::min(was.successes + 1, policy.rise);
        if (next.successes >= policy.rise && now >= held_until(was, policy))
            return change_to(said, next, policy, now);
        if (next == was) return {.next = next, .transition = Transition::unchanged};
    }
    return {.next = next, .transition = Transition::pending};
}

HealthPolicy policy_of(const config::CheckSpec& check) {
    return {.rise = check.rise,
            .fall = check.fall,
            .min_down = check.min_down,
            .damping = check.flap_damping};
}

WallTime held_until(const HealthState& state, const HealthPolicy& policy) {
    if (state.verdict != Verdict::down) return {};
    std::chrono::nanoseconds hold = policy.min_down;
    if (policy.damping && state.penalty >= policy.damping->suppress * one_fall) {
        const std::chrono::duration<double> half_life = policy.damping->half_life;
        const double halvings =
            std::log2(static_cast<double>(state.penalty) / (policy.damping->reuse * one_fall));
        hold = std::max(hold,
                        std::min(std::chrono::ceil<std::chrono::nanoseconds>(halvings * half_life),
                                 policy.damping->max_hold));
    }
    if (hold <= hold.zero()) return {};
    return state.since + std::chrono::ceil<WallTime::duration>(hold);
}

HealthState initial_state(config::InitialState initial, WallTime now) {
    switch (initial) {
        case config::InitialState::first_result:
            break;
        case config::InitialState::up:
            return {.verdict = Verdict::up, .since = now};
        case config::InitialState::down:
            return {.verdict = Verdict::down, .since = now};
    }
    return {};
}

std::chrono::nanoseconds next_interval(const HealthState& state, const config::CheckSpec& check) {
    // A check without a verdict goes at the normal pace: what keeps it from one is this prober's
    // own trouble, which probing faster would feed.
    if (state.verdict == Verdict::unknown) return check.interval;
    const bool held = state.verdict == Verdict::down && state.successes >= check.rise;
    const bool pending = !held && (state.successes > 0 || state.failures > 0);
    if (pending) return check.fast_interval.value_or(check.interval);
    if (state.verdict == Verdict::down) return check.down_interval.value_or(check.interval);
    return check.interval;
}

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::unknown:
            return "unknown";
        case Verdict::up:
            return "up";
        case Verdict::degraded:
            return "degraded";
        case Verdict::down:
            return "down";
    }
    return "unknown";
}

}  // namespace muster::checker
