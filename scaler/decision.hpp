#pragma once

#include "common/base/clock.hpp"
#include "scaler/history.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What was decided, why, and what the next decision must know. Values only.
namespace muster::scaler {

/// What one metric asks for.
struct Proposal {
    std::string metric;
    std::optional<int> size{};  ///< absent: it says nothing
    bool complete = true;       ///< false: data is missing, so it may raise and not lower
    std::string why;
    std::optional<WallTime> until{};  ///< of a schedule: of what it says now
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
    members_missing,  ///< the tree names far fewer instances than there shall be
    ineffective,      ///< growing didn't help: alarm
    unproven,         ///< the last growth before that alarm: its effect is waited for
    failed_creates,
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
    History next{};              ///< as it is when the decision is carried out
    std::vector<Veto> brakes{};  ///< what stands against growing, whether or not it was asked for
    bool operator==(const Decision&) const = default;
};

/// All that was to be known was known. How long ago that was is the dead man's metric (F13).
[[nodiscard]] bool is_well_founded(const Decision& decision);

}  // namespace muster::scaler
