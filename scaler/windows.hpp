#pragma once

#include "scaler/decision.hpp"
#include "scaler/policy.hpp"

#include <optional>

// What a history says of a window that ends now. An age of exactly the window is out of it
// (reference/autoscaling.md, 2.1.5 and 2.1.6). Pure.
namespace muster::scaler {

/// The largest recommendation younger than `window`. Absent: there is none.
[[nodiscard]] std::optional<Recommendation> peak(const History&, seconds window, WallTime now);
[[nodiscard]] std::optional<Recommendation> trough(const History&, seconds window, WallTime now);

struct Changes {
    int added = 0;
    int removed = 0;
    std::optional<WallTime> first_added{};
    std::optional<WallTime> first_removed{};
};

/// All that was added and removed in the window: gross.
[[nodiscard]] Changes changes(const History&, seconds window, WallTime now);

void remember_peak(History&, Recommendation);
void remember_trough(History&, Recommendation);
void remember_change(History&, ScaleEvent);

/// Drops what no window of the policy reaches, and forecasts that it doesn't have. Beyond
/// ring_limit the oldest two become one that holds scale-in back as long as either did.
void forget(History&, const Policy&, WallTime now);

/// What lies in the future, because the clock went backwards, happened now.
void bring_back(History&, WallTime now);

}  // namespace muster::scaler
