#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"
#include "common/znodes/payloads.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

// `dns/shifts`: which share of a name's traffic goes where, and the shifts under way. The API of
// any node asks, under compare-and-set; the master goes on, under E and compare-and-set; so the two
// never undo one another (docs/decisions/0023). Pure.
namespace muster::znodes {

/// What gets a share: a fleet, or the LBs of one zone.
enum class ShiftBy : std::uint8_t { fleet, zone };

enum class ShiftPhase : std::uint8_t {
    asked,         ///< no master has looked at it yet
    stepping,      ///< step by step from `from` to `to`
    held,          ///< the same, but something forbids the next step
    rolling_back,  ///< `from` is wanted again, and not yet seen at the DNS servers
    done,          ///< `to` is reached
    rolled_back,   ///< by itself: `from` is what it was before
    cancelled,     ///< by an operator: the same
};
inline constexpr std::size_t shift_phases = 7;

/// Of 100, for each fleet or zone by its name; at least 1. What isn't named gets nothing.
using Percents = std::map<std::string, int>;

struct TrafficShift {
    std::string id;  ///< of the request; another one is another shift
    ShiftBy by = ShiftBy::fleet;
    Percents from;  ///< empty: what the master finds when it begins
    Percents to;
    Percents now;  ///< what the records shall show; empty: no shares, as without any shift
    std::chrono::seconds over{600};
    std::chrono::seconds interval{0};   ///< between two steps; 0: the master sets it when it begins
    std::chrono::seconds patience{60};  ///< so long may a step be forbidden before all is undone
    int healthy_percent = 50;           ///< of what receives: so many LBs must be healthy
    int step = 0;                       ///< taken
    int steps = 0;
    ShiftPhase phase = ShiftPhase::asked;
    bool cancelled = false;  ///< an operator asked for that
    std::string why;         ///< it is held, or was rolled back
    std::string author;
    WallTime asked{};
    WallTime since{};  ///< of `step` and `phase`
    bool operator==(const TrafficShift&) const = default;

    [[nodiscard]] bool is_under_way() const { return phase < ShiftPhase::done; }
};

struct TrafficShifts {
    Stamp stamp;  ///< token is 0 or E
    std::map<std::string, TrafficShift> names;
    bool operator==(const TrafficShifts&) const = default;
};

inline constexpr std::size_t max_shifts = 200;
inline constexpr std::size_t max_shift_parties = 16;  ///< in one request
inline constexpr std::size_t max_shift_text = 250;
inline constexpr std::chrono::seconds longest_shift = std::chrono::hours(24 * 7);
inline constexpr std::chrono::seconds longest_patience = std::chrono::hours(24);

[[nodiscard]] std::string_view to_string(ShiftBy by);
[[nodiscard]] std::string_view to_string(ShiftPhase phase);

[[nodiscard]] std::string encode(const TrafficShifts&);

}  // namespace muster::znodes
