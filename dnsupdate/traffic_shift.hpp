#pragma once

#include "common/base/clock.hpp"
#include "common/znodes/traffic_shift.hpp"
#include "dnsupdate/desired.hpp"

#include <optional>
#include <string>

// How a shift of traffic goes on: one step at a time, and back at once where it must not. Pure.
namespace muster::dnsupdate {

/// What a shift is judged by.
struct ShiftSight {
    bool known = false;              ///< all of it was read. Otherwise nothing is decided
    bool paused = false;             ///< by an operator
    std::optional<SharedName> name;  ///< nothing: no fleet publishes it
    std::string unseen;  ///< why the DNS servers don't answer by `now` yet; empty: they do
};

/// What a master remembers of a shift. The next one begins without: then the step that there is
/// waits its whole time again, and is given all of its patience.
struct ShiftMemory {
    std::string id;
    int step = 0;
    std::optional<SteadyTime> good_since;    ///< shown, and nothing forbids the next step
    std::optional<SteadyTime> barred_since;  ///< something does
    bool operator==(const ShiftMemory&) const = default;
};

struct ShiftStep {
    znodes::TrafficShift next;
    ShiftMemory memory;
    bool operator==(const ShiftStep&) const = default;
};

/// - A shift begins from what the parties get, in `over`/`interval` equal steps (10 where no
///   interval is asked for), none smaller than a point.
/// - The next step is taken when the DNS servers have shown the last one, and since then, for the
///   interval and the TTL of the name, each party that gains has had LBs that serve: at least
///   `healthy_percent` of what it has, and none of them serves although it fails. After the last
///   one that same wait is what ends it: done.
/// - It does not begin while a load balancer behind the name has no zone and the zones are to share
///   it, or while more than 100 share it: after `patience` it is rolled back.
/// - What forbids a step holds the shift. After `patience` of it in a row the percents before the
///   shift come back, in one step; where DNS can't be written, as soon as it can.
/// - While paused, or while not all is known, no time counts, neither for nor against it.
///
/// Example: blue 100 to 50/50 over 10 min, TTL 30 s: 95/5 after 1 min, 90/10 after 2, ..., 50/50
/// after 10, done after 11. Green's only LB dies after 3.5 min: DNS leaves it out at once, as ever;
/// the shift is held at 85/15, and after 1 min of that is rolled back: blue 100.
[[nodiscard]] ShiftStep advance(const znodes::TrafficShift& was,
                                const ShiftMemory& memory,
                                const ShiftSight& seen,
                                WallTime wall,
                                SteadyTime now);

/// After `step` of `steps`; whole points, 100 in all.
[[nodiscard]] znodes::Percents between(const znodes::Percents& from,
                                       const znodes::Percents& to,
                                       int step,
                                       int steps);

}  // namespace muster::dnsupdate
