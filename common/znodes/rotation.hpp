#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"
#include "common/config/model.hpp"
#include "common/znodes/payloads.hpp"

#include <string>
#include <vector>

namespace muster::znodes {

/// What is known of one backend: its config and its owner's raw verdict.
struct BackendView {
    BackendId id;
    config::Admin admin = config::Admin::active;
    int weight = 100;
    Letter verdict = Letter::unknown;
    WallTime since{};  ///< of the verdict; the epoch when not known
    bool operator==(const BackendView&) const = default;
};

struct RotationPolicy {
    int max_eject_percent = 100;
    int panic_enter_percent = 50;
    int panic_exit_percent = 60;
    config::Duration slow_start{0};
    bool operator==(const RotationPolicy&) const = default;
};

enum class RotationReason {
    healthy,
    slow_start,    ///< in, with a part of its weight
    unproven,      ///< in: no verdict yet, which never takes anything out
    down,          ///< out
    eject_capped,  ///< in although DOWN: max_eject_percent is reached (the oldest failures go
                   ///< first)
    panic,         ///< in although DOWN: too few are healthy
    drain,         ///< out by an operator
    maintenance,   ///< out by an operator
    zero_weight,   ///< out: its own weight is 0
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
    int healthy_percent = 100;  ///< of the enabled (active, weight > 0) backends
    bool operator==(const Rotation&) const = default;
};

/// The one place where verdicts become a set that gets traffic; agents, API and DNS all call it.
/// Pure, and monotone in ignorance: an unknown verdict never removes. `was_in_panic` gives the
/// hysteresis between panic_enter_percent and panic_exit_percent. A group without enabled backends
/// has an empty rotation.
[[nodiscard]] Rotation rotation(const std::vector<BackendView>& backends,
                                const RotationPolicy& policy,
                                bool was_in_panic,
                                WallTime now);

[[nodiscard]] std::string_view to_string(RotationReason reason);

}  // namespace muster::znodes
