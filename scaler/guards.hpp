#pragma once

#include "scaler/decision.hpp"
#include "scaler/observations.hpp"
#include "scaler/policy.hpp"

#include <optional>
#include <vector>

// What holds a size back. Pure.
namespace muster::scaler {

/// What stands against lowering now. Errors, latency and the unhealthy share: falling traffic with
/// rising errors isn't idleness (reference/autoscaling.md, F2, F3). Mode muster also: an instance
/// warms up (2.2), for at most the warm-up; a cooldown; scale-in is disabled; more than a fifth of
/// the instances aren't in the tree, which then isn't what it was (F1).
[[nodiscard]] std::vector<Veto> vetoes(const Policy& policy,
                                       const History& history,
                                       const Trends& trends,
                                       const Membership& membership,
                                       WallTime now);

/// What stands against growing now: creates that failed (F10); growth that didn't help (F8, F9),
/// which sizes of schedules and fixed ones don't heed. Mode muster also: it is disabled; cooldown.
[[nodiscard]] std::vector<Veto> brakes(const Policy& policy,
                                       const History& history,
                                       const Membership& membership,
                                       WallTime now);

/// More than 45 % and more than 3 of those that serve or failed look dead: then something else is
/// broken (1b, cluster-autoscaler).
[[nodiscard]] std::optional<Veto> breaker(const Membership& membership);

/// By how much the size may change, and until when that holds.
struct Room {
    int instances = 0;
    std::optional<WallTime> until{};
};

/// Gross: what was removed in a window counts whatever was added (C16).
[[nodiscard]] Room removal_budget(const Policy& policy,
                                  const History& history,
                                  int size,
                                  WallTime now);
[[nodiscard]] Room creation_budget(const Policy& policy,
                                   const History& history,
                                   int size,
                                   WallTime now);

/// By max_unavailable, which counts those that start when growing, and all that don't serve when
/// shrinking. Absent: no limit.
[[nodiscard]] std::optional<int> room_to_grow(const Policy& policy, const Membership& membership);
[[nodiscard]] std::optional<int> room_to_shrink(const Policy& policy, const Membership& membership);

}  // namespace muster::scaler
