#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"
#include "common/config/model.hpp"
#include "common/znodes/payloads.hpp"

#include <optional>
#include <string>
#include <vector>

namespace muster::znodes {

/// What is known of one backend: its config and its owner's raw verdict.
struct BackendView {
    BackendId id;
    config::Admin admin = config::Admin::active;
    int weight = 100;
    Letter verdict = Letter::unknown;
    WallTime since{};  ///< when it came into service or went out of it; the epoch: not known
    SharedValue<Intents> intents;
    std::optional<config::Duration> slow_start;  ///< nothing: the policy's
    SharedValue<Ejection> ejection;
    bool operator==(const BackendView&) const = default;
};

struct RotationPolicy {
    int max_eject_percent = 100;
    int panic_enter_percent = 50;
    int panic_exit_percent = 60;
    config::Duration slow_start{0};
    int max_ejection_percent = 0;           ///< of outliers; 0: the group wants none ejected
    config::Duration max_ejection_time{0};  ///< a longer one says that a clock is wrong
    bool operator==(const RotationPolicy&) const = default;
};

enum class RotationReason {
    healthy,
    slow_start,       ///< in, with a part of its weight
    unproven,         ///< in: no verdict yet, which never takes anything out
    down,             ///< out
    eject_capped,     ///< in although DOWN: max_eject_percent is reached (the oldest failures go
                      ///< first)
    panic,            ///< in although DOWN: too few are healthy
    drain,            ///< out by an operator
    maintenance,      ///< out by an operator
    zero_weight,      ///< out: its own weight is 0
    own_down,         ///< out: it says that it is down
    own_drain,        ///< out: it asks to be drained
    own_maintenance,  ///< out: it asks for maintenance
    own_weight,       ///< in with the share of its weight that it asks for; out with none
    outlier,          ///< out: ejected for what the LBs saw of it, though its check succeeds
    outlier_capped,   ///< in although ejected: max_ejection_percent is reached, or it is the last
};

struct RotationEntry {
    BackendId id;
    bool in = false;
    int weight = 0;  ///< effective
    RotationReason reason = RotationReason::healthy;
    bool operator==(const RotationEntry&) const = default;
};

struct Rotation {
    std::vector<RotationEntry> entries;  ///< in the order of the input
    bool panic = false;
    int healthy_percent = 100;  ///< UP or DEGRADED, of the enabled (active, weight > 0) backends
    int down_percent = 0;       ///< DOWN, of the same; what is missing to 100 is unknown
    bool operator==(const Rotation&) const = default;
};

/// The one place where verdicts become a set that gets traffic; agents, API and DNS all call it.
/// Pure. A group without enabled backends has an empty rotation.
///
/// - An enabled backend that isn't DOWN is in. Of those that are DOWN, at most
///   floor(max_eject_percent of the enabled) are out, the oldest failures first (equal: by id).
/// - Panic starts when the share that is not DOWN falls below panic_enter_percent, and ends when
///   the share that is UP reaches panic_exit_percent; in it no verdict takes anything out. Unknown
///   thus counts for no panic when it starts, and against its end: with `was_in_panic` carried from
///   call to call, a verdict that becomes unknown never lowers the number of backends that are in.
/// - What a backend wants for itself counts below everything else: admin > failed probe > its own
///   down, drain or maintenance > its own weight > its own up. "down" counts as DOWN does, in the
///   caps and in panic; who asks for drain or maintenance is no longer enabled. "up" never revives
///   what a probe has found DOWN. An intent whose lease is over was never said; of a reply's and an
///   agent's both count, as combined().
/// - An ejection that holds takes out what is enabled and not DOWN, the oldest first: at most
///   floor(max_ejection_percent of the enabled), but one where that is less than one (0 %: none),
///   never the last one that would be left, and together with those that are out as DOWN not more
///   than max_eject_percent. Those that it takes out count as DOWN in panic, which puts them in.
/// - Slow start: from 10 % of the weight (at least 1) when the verdict UP was reached, linearly to
///   all of it. With weight 100 and slow_start 10 s: 0 s 10, 1 s 19, 5 s 55, 10 s 100.
///
/// Example, 10 backends of which 4 are DOWN, max_eject_percent 30, panic 50 and 60: the 3 that have
/// been DOWN for longest are out, the 4th is in (eject_capped). 6 DOWN: panic, all in. Back to 5
/// DOWN: 50 % UP, still panic. 4 DOWN: 60 % UP, the same as at the start.
[[nodiscard]] Rotation rotation(const std::vector<BackendView>& backends,
                                const RotationPolicy& policy,
                                bool was_in_panic,
                                WallTime now);

[[nodiscard]] std::string_view to_string(RotationReason reason);

}  // namespace muster::znodes
