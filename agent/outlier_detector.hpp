#pragma once

#include "agent/lb_counters.hpp"
#include "common/base/clock.hpp"
#include "common/config/outlier_model.hpp"
#include "common/znodes/payloads.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// Which backends of a group fail for an LB's own traffic, by what the LB counts. Pure.
//
// Counters don't tell the order of answers. A look at them, once a second or so, shows a window;
// what is called consecutive is: in all windows since the last good answer nothing but failures,
// and at least so many of them. A window with both ends the row, though there may have been one
// within it.
//
//   consecutive_5xx 5, answers (failed) in each window:
//   10 (0)  4 (4)  0  1 (1) -> found, 1     3 (3)  2 (2) -> found again, 2     7 (6) -> over
namespace muster::agent {

/// One backend as the detector remembers it.
struct OutlierTrack {
    ServerCounters last;                  ///< as they were at the last look
    ServerCounters begin;                 ///< as they were when the interval began
    std::int64_t failed = 0;              ///< in a row: no answer, or 5xx
    std::int64_t failures = 0;            ///< in a row: no answer
    SteadyTime seen = SteadyTime::min();  ///< when it had an answer, or a failure, last
    std::int64_t finding = 0;             ///< the last one of it
    struct Standing {
        znodes::OutlierSign sign = znodes::OutlierSign::consecutive_5xx;
        std::int64_t failed = 0;
        std::int64_t answers = 0;
        SteadyTime confirmed{};  ///< when it failed last
        bool operator==(const Standing&) const = default;
    };
    std::optional<Standing> standing;  ///< an outlier now
    bool operator==(const OutlierTrack&) const = default;
};

/// A group as the detector remembers it. Begins empty.
struct OutlierState {
    std::string epoch;
    SteadyTime interval_began{};
    std::int64_t findings = 0;  ///< made so far, of all backends: no number comes twice
    std::map<BackendId, OutlierTrack> tracks;
    bool operator==(const OutlierState&) const = default;
};

/// After a look at the counters: `counters` of the group in `epoch`.
/// - A backend that is new, counters of another epoch, or ones that ran backwards are where
/// counting
///   begins, and tell nothing yet; a row goes on.
/// - In a row: ends with a window that has a good answer. Found each time that the row reaches its
///   length; it begins anew with that. What was found stands until the row ends, or until
///   `interval` has passed without a failure.
/// - Shares: at the end of each interval, over it; they stand until the end of the next.
[[nodiscard]] OutlierState observe(OutlierState state,
                                   const config::OutlierSpec& outlier,
                                   const std::string& epoch,
                                   const GroupCounters& counters,
                                   SteadyTime now);

/// What there is to tell of it: without outliers, nothing. At most max_outliers and
/// max_evidence_bytes: the worst, by the share of their answers that failed, then by how many.
/// Stamp and names are the caller's.
[[nodiscard]] std::optional<znodes::LbEvidence> evidence_of(const OutlierState& state,
                                                            const config::OutlierSpec& outlier,
                                                            znodes::LbEvidence from,
                                                            SteadyTime now);

}  // namespace muster::agent
