#pragma once

#include "checker/check_id.hpp"
#include "common/base/clock.hpp"

#include <chrono>
#include <cstdint>

// When checks are due: pure functions over times. The engine's loop asks them, and nothing else.
//
// A check with interval I and phase P = phase(id, I) has its slots where wall time = P modulo I, so
// two nodes agree on them without talking. The wall clock is read once, when the check is added;
// from then on slots are counted on the steady clock.
//
//   I = 2 s, P = 300 ms          slots   ...  0.3      2.3      4.3      6.3 ...
//   added at 1.0                              2.3, 4.3, 6.3
//   added at 1.0 to catch up                  1.0 + up to 150 ms, then 2.3, 4.3
//   fails at 2.3, fast is 200 ms              2.5, 2.7; UP again at 2.7 -> 4.3
//   the loop stood still 4.0 .. 9.0           9.0 for 4.3 (2 slots skipped), then 10.3
namespace muster::checker {

using Span = std::chrono::nanoseconds;

/// The check's place within its interval, from 0 to below it. Intervals that divide one another
/// share slots.
[[nodiscard]] Span phase(CheckId id, Span interval);

/// The steady time at which the wall clock stood at its epoch.
[[nodiscard]] SteadyTime wall_zero(WallTime wall, SteadyTime steady);

/// All slots of one check: `origin` + k x `interval`, for every whole k.
struct Cadence {
    SteadyTime origin{};
    Span interval{1};
    bool operator==(const Cadence&) const = default;
};

[[nodiscard]] Cadence cadence(CheckId id, Span interval, SteadyTime wall_zero);

/// The first slot later than `time`; at most one interval away.
[[nodiscard]] SteadyTime next_slot(const Cadence& cadence, SteadyTime time);

/// When a check that may have missed slots elsewhere begins here: within `spread` from now, at a
/// point of its own, or at its slot if that comes first.
[[nodiscard]] SteadyTime catch_up_slot(CheckId id,
                                       const Cadence& cadence,
                                       SteadyTime now,
                                       Span spread);

/// By how much the start for `slot` is put off: from 0 to below `most`, another one for each slot.
[[nodiscard]] Span jitter(CheckId id, SteadyTime slot, Span most);

struct NextDue {
    SteadyTime slot{};
    std::uint64_t skipped = 0;  ///< slots passed over
    bool operator==(const NextDue&) const = default;
};

/// The slot after `last`, the one that the last probe was started for, asked at `now`, when that
/// probe has ended. `in_force` is the interval of the check's state.
/// - At the normal interval: its next slot. One that passed while the probe ran is made up for at
///   once if it is at most `grace` ago; otherwise the check goes on at last + interval, out of its
///   slots if it must, rather than be left unprobed for longer than one interval.
/// - At another one (fast, down): counted from the last start; at once if that has passed.
[[nodiscard]] NextDue next_due(
    const Cadence& cadence, Span in_force, SteadyTime last, SteadyTime now, Span grace);

/// What a probe for `slot` that starts at `now` stands for: `slot` itself, or if a whole interval
/// has passed since, now; the slots in between are skipped.
[[nodiscard]] NextDue slot_served(SteadyTime slot, Span in_force, SteadyTime now);

/// The grid on which probes are started together.
[[nodiscard]] SteadyTime round_up(SteadyTime time, Span tick);
[[nodiscard]] SteadyTime round_down(SteadyTime time, Span tick);

}  // namespace muster::checker
