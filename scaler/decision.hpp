#pragma once

#include "common/base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What was decided, why, and what the next decision must know. Values only.
namespace muster::scaler {

struct Recommendation {
    WallTime at{};
    int size = 0;
    bool operator==(const Recommendation&) const = default;
};

struct ScaleEvent {
    WallTime at{};
    int added = 0;
    int removed = 0;
    bool operator==(const ScaleEvent&) const = default;
};

/// What windows are made of. Kept in ZooKeeper, so that a new master goes on as the old one would
/// have (reference/autoscaling.md, 3.5). Oldest first; at most `ring_limit` of each.
struct History {
    /// Recommendations that no younger one is as large as: all that a largest of any window can be.
    std::vector<Recommendation> peaks{};
    /// The same of the smallest.
    std::vector<Recommendation> troughs{};
    std::vector<ScaleEvent> events{};
    std::optional<WallTime> last{};  ///< evaluation
    bool operator==(const History&) const = default;
};

inline constexpr std::size_t ring_limit = 240;

/// What one metric asks for.
struct Proposal {
    std::string metric;
    std::optional<int> size{};  ///< absent: it says nothing
    bool complete = true;       ///< false: data is missing, so it may raise and not lower
    std::string why;
    bool operator==(const Proposal&) const = default;
};

enum class Cause : std::uint8_t {
    below_min,
    above_max,
    no_data,       ///< no metric says anything
    partial_data,  ///< some data is missing
    stabilization,
    disabled,
    errors_rising,
    latency_rising,
    unhealthy_rising,
    warming,
    cooldown,
    unavailable,
    budget,
    breaker,
    paused,
};

/// A size that was held back.
struct Clamp {
    Cause cause = Cause::below_min;
    int before = 0;
    int after = 0;
    std::string why;
    std::optional<WallTime> until{};  ///< holds no longer than this, if nothing else changes
    bool operator==(const Clamp&) const = default;
};

/// What stands against scale-in, whether or not it was asked for.
struct Veto {
    Cause cause = Cause::warming;
    std::string why;
    std::optional<WallTime> until{};
    bool operator==(const Veto&) const = default;
};

/// The recommendation that a stabilization window holds the size at.
struct Pin {
    Recommendation recommendation;
    WallTime until{};  ///< from here on it is out of the window
    bool operator==(const Pin&) const = default;
};

struct Decision {
    int was = 0;
    int wanted = 0;  ///< by the metrics alone
    int size = 0;
    std::vector<Proposal> proposals{};
    std::vector<Clamp> clamps{};  ///< in the order in which they were applied
    std::vector<Veto> vetoes{};
    std::optional<Pin> pin{};
    History next{};  ///< as it is when the decision is carried out
    bool operator==(const Decision&) const = default;
};

}  // namespace muster::scaler
