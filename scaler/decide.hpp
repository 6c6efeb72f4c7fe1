#pragma once

#include "scaler/decision.hpp"
#include "scaler/observations.hpp"
#include "scaler/policy.hpp"

// The decision core. Pure: equal arguments give equal decisions, byte for byte, so a recorded run
// can be replayed and a policy simulated (reference/autoscaling.md, 6.1).
namespace muster::scaler {

/// What size the fleet shall have.
/// Mode muster, in this order:
/// 1. Each metric proposes; the largest counts. Missing or partial data may raise, never lower; so
///    does a forecast.
/// 2. Stabilization: not below what was recommended in the window, nor above (2.1.5).
/// 3. Vetoes against lowering: errors, latency or the unhealthy share rise, or that is unknown; an
///    instance warms up; cooldown; unavailable instances; instances missing in the tree. Brakes
///    on growing: creates that failed, growth that didn't help, cooldown.
/// 4. Budgets of the direction.
/// 5. Breaker: more than 45 % and more than 3 look dead, then nothing changes (1b).
/// 6. Never below min. Above max only while the removal budget doesn't let it down there yet.
/// 7. A pause: the fleet stays as it is.
/// Mode hpa: reference 2.1, whose bounds come first, then 3 (errors, latency, unhealthy; failed
/// creates, growth that didn't help), 5 and 7.
/// Why in this order: docs/decisions/0027.
///
/// Example: 4 instances, 100 requests a second each, total 520: ceil(520 / 100) = 6. With the out
/// budget of 1 a minute: 5, clamp {budget, 6, 5}.
[[nodiscard]] Decision decide(const Policy& policy,
                              const History& history,
                              const Observations& observed,
                              const Membership& membership,
                              WallTime now);

/// What a fleet's policy decides by while it is as `membership` has it: to an HPA a fleet of none
/// is one that was switched off, and ours begins so.
[[nodiscard]] Policy policy_at(Policy policy, const Membership& membership);

}  // namespace muster::scaler
