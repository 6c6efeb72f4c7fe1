#pragma once

#include "checker/outcome.hpp"
#include "common/base/clock.hpp"
#include "common/config/model.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace muster::checker {

/// Degraded serves as UP does.
enum class Verdict : std::uint8_t { unknown, up, degraded, down };

/// What is known of one backend. `successes` and `failures` count consecutive results; at most one
/// is > 0. They are kept after a verdict only while they run against it, so "pending" means a
/// counter is > 0.
struct HealthState {
    Verdict verdict = Verdict::unknown;
    int successes = 0;
    int failures = 0;
    WallTime since{};                 ///< when it came into service, or went out of it
    Reason reason = Reason::unknown;  ///< of the last conclusive result
    int penalty = 0;                  ///< for flapping: thousandths of a DOWN, as it was at `since`
    bool operator==(const HealthState&) const = default;
};

struct HealthPolicy {
    int rise = 2;
    int fall = 3;
    std::chrono::nanoseconds min_down{0};
    SharedValue<config::FlapDamping> damping;
};

[[nodiscard]] HealthPolicy policy_of(const config::CheckSpec& check);

enum class Transition : std::uint8_t {
    unchanged,  ///< verdict and counters are as they were (the reason may be another one)
    pending,    ///< a counter moved: one more against the verdict, or back to none
    changed,    ///< the verdict is another one
};

struct HealthStep {
    HealthState next;
    Transition transition = Transition::unchanged;
    bool operator==(const HealthStep&) const = default;
};

/// The state machine. Pure.
///   rise 2, fall 3, starting UP:  fail (1/3, pending)  fail (2/3)  ok (reset, UP)  fail fail fail
///   -> DOWN
///                                 ok (1/2, pending)  ok -> UP
/// - N means N consecutive conclusive results; an inconclusive one changes nothing at all.
/// - Between UP and degraded one result decides: rise and fall are for what takes a backend out of
///   rotation or back into it. `since` stays, or a slow start would begin again.
/// - The first verdict comes from the first conclusive result, whatever rise and fall are.
/// - Who is held DOWN (held_until) stays so; the first success after that decides, if `rise` have
///   come in a row.
[[nodiscard]] HealthStep observe(const HealthState& was,
                                 const ProbeOutcome& outcome,
                                 const HealthPolicy& policy,
                                 WallTime now);

/// Until when a backend that is DOWN stays it, whatever its probes say: min_down after its fall, or
/// by flap damping (RFC 2439, 4.2, with penalties counted in falls). The epoch when it isn't held.
[[nodiscard]] WallTime held_until(const HealthState& state, const HealthPolicy& policy);

/// What a backend counts as before its first result.
[[nodiscard]] HealthState initial_state(config::InitialState initial, WallTime now);

/// How long after the start of this check the next one is due.
[[nodiscard]] std::chrono::nanoseconds next_interval(const HealthState& state,
                                                     const config::CheckSpec& check);

[[nodiscard]] std::string_view to_string(Verdict verdict);

}  // namespace muster::checker
