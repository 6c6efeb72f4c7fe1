#pragma once

#include "scaler/decision.hpp"
#include "scaler/observations.hpp"
#include "scaler/policy.hpp"

// The arithmetic of Kubernetes' HPA (reference/autoscaling.md, 2.1), in integers: where k/k's
// float64 makes 56 of 1.1 * 50, this makes 55. Pure. How our instances are pods: planned, creating
// and booting are Pending; warming and serving run, and are ready when healthy; draining, deleting,
// gone and failed are ignored. For utilization an instance that isn't warmed is unready, which
// stands for the rules of CPU initialization.
namespace muster::scaler {

/// 2.1.2 and 2.1.3. Target policies; a step or fixed policy has no place in an HPA and says
/// nothing. The size is Kubernetes'; the proposal isn't `complete`, so that nothing shrinks by it,
/// where the sample has a flaw or its coverage says that instances are missing and the rules don't
/// count them against shrinking: a total, a value, and a pods metric at exactly its target.
[[nodiscard]] Proposal hpa_propose(const Policy& policy,
                                   const MetricPolicy& metric,
                                   const Sample& sample,
                                   const Membership& membership);

/// 2.1.6: how far `wanted` may go in one step.
[[nodiscard]] int hpa_rate_limited(
    const Policy& policy, const History& history, int size, int wanted, WallTime now);

}  // namespace muster::scaler
