#pragma once

#include "common/base/clock.hpp"

#include <chrono>
#include <optional>

// How long no instance is created after a create has failed: a provider at fault isn't asked again
// and again (reference/autoscaling.md, F10; the times are cluster-autoscaler's). Pure.
namespace muster::scaler {

struct BackOffRule {
    std::chrono::seconds first = std::chrono::minutes{5};  ///< doubles with each failure
    std::chrono::seconds longest = std::chrono::minutes{30};
    std::chrono::seconds reset = std::chrono::hours{3};  ///< so long without a failure: forgotten
    bool operator==(const BackOffRule&) const = default;
};

/// Of one fleet. Kept with its state, so that a new master doesn't begin again.
struct BackOff {
    int failures = 0;
    std::optional<WallTime> last{};  ///< failure
    bool operator==(const BackOff&) const = default;
};

/// A create has failed. Of several that fail in one moment, one is to be told.
[[nodiscard]] BackOff after_failure(const BackOff& was, WallTime now, const BackOffRule& rule = {});

/// Nothing is created before this. Absent: creates are free. A failure in the future (the clock
/// went back) counts as one of now.
/// Example: failures at 0:00, 0:05 and 0:15 hold until 0:05, 0:15 and 0:35.
[[nodiscard]] std::optional<WallTime> held_until(const BackOff& state,
                                                 WallTime now,
                                                 const BackOffRule& rule = {});

}  // namespace muster::scaler
