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

/// What holds at `now`; nothing said when the lease is over.
[[nodiscard]] inline Intent in_force(const SharedValue<LeasedIntent>& leased, WallTime now) {
    return leased && now < leased->until ? leased->intent : Intent{};
}

}  // namespace muster::znodes
