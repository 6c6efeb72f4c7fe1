#include "checker/health_state.hpp"

namespace muster::checker {

namespace {

/// A result that speaks for the verdict in force: whatever was pending against it is gone.
HealthStep confirm(HealthState next) {
    const bool was_pending = next.successes > 0 || next.failures > 0;
    next.successes = 0;
    next.failures = 0;
    return {.next = next, .transition = was_pending ? Transition::pending : Transition::unchanged};
}

HealthStep change_to(Verdict verdict, HealthState next, WallTime now) {
    next.verdict = verdict;
    next.successes = 0;
    next.failures = 0;
    next.since = now;
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
    if (was.verdict == Verdict::unknown) return change_to(said, next, now);
    if (was.verdict == said) return confirm(next);
    if (was.verdict != Verdict::down && said != Verdict::down) return change_to(said, next, now);

    if (said == Verdict::down) {
        next.successes = 0;
        next.failures = was.failures + 1;
        if (next.failures >= policy.fall) return change_to(Verdict::down, next, now);
    } else {
        next.failures = 0;
        next.successes = was.successes + 1;
        if (next.successes >= policy.rise) return change_to(said, next, now);
    }
    return {.next = next, .transition = Transition::pending};
}

std::chrono::nanoseconds next_interval(const HealthState& state, const config::CheckSpec& check) {
    // A check without a verdict goes at the normal pace: what keeps it from one is this prober's
    // own trouble, which probing faster would feed.
    if (state.verdict == Verdict::unknown) return check.interval;
    const bool pending = state.successes > 0 || state.failures > 0;
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
