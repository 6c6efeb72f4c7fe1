#pragma once

#include "common/base/clock.hpp"
#include "common/base/shared_value.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace muster::znodes {

/// What a backend wants for itself, as it last said.
struct Intent {
    /// The more restrictive, the later.
    enum class Serving : std::uint8_t { unsaid, up, down };
    enum class Wish : std::uint8_t { unsaid, ready, drain, maintenance };

    Serving serving = Serving::unsaid;
    Wish wish = Wish::unsaid;
    bool degraded = false;
    std::optional<int> weight_percent;  ///< of its configured weight, 0 to 256
    std::optional<int> maxconn;
    std::string reason;  ///< in its own words; at most 64 bytes without control characters
    bool operator==(const Intent&) const = default;
};

/// An intent and until when it holds.
struct LeasedIntent {
    Intent intent;
    WallTime until{};
    bool operator==(const LeasedIntent&) const = default;
};

/// What a backend has said, by the way that it came; each holds for its own time. One of them is
/// there.
struct Intents {
    std::optional<LeasedIntent> reply;  ///< in the reply to its probe
    std::optional<LeasedIntent> agent;  ///< through its agent
    bool operator==(const Intents&) const = default;
};

[[nodiscard]] inline bool holds(const std::optional<LeasedIntent>& leased, WallTime now) {
    return leased && now < leased->until;
}

/// What holds at `now`; nothing said when the lease is over.
[[nodiscard]] inline Intent in_force(const std::optional<LeasedIntent>& leased, WallTime now) {
    return holds(leased, now) ? leased->intent : Intent{};
}

/// Two intents of one backend as one: in each respect the more restrictive of what is said. down >
/// up; maintenance > drain > ready; the smaller weight; the smaller maxconn; degraded if either is.
/// The reason is that of the more restrictive one; of two alike, the first that has one. "drain #a"
/// and "down 50% #b" are "down drain 50% #b".
[[nodiscard]] Intent combined(const Intent& one, const Intent& other);

/// What holds at `now` of all that was said.
[[nodiscard]] Intent in_force(const SharedValue<Intents>& said, WallTime now);

/// When the first lease that holds at `now` ends; nothing when none does.
[[nodiscard]] std::optional<WallTime> next_end(const SharedValue<Intents>& said, WallTime now);

}  // namespace muster::znodes
