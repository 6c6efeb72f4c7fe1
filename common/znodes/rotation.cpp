#include "common/znodes/rotation.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace muster::znodes {

namespace {

/// A backend with what it wants for itself, as far as that counts.
struct Placed {
    BackendView view;  ///< verdict and weight are those that count
    Intent intent;     ///< in force
    bool own_down = false;

    /// Those that are meant to have traffic.
    [[nodiscard]] bool is_enabled() const {
        const bool asks_out =
            intent.wish == Intent::Wish::drain || intent.wish == Intent::Wish::maintenance;
        return view.admin == config::Admin::active && view.weight > 0 && !asks_out &&
               intent.weight_percent != 0;
    }
};

Placed with_intent(const BackendView& backend, WallTime now) {
    Placed placed{.view = backend, .intent = in_force(backend.intents, now)};
    if (placed.intent.serving == Intent::Serving::down && backend.verdict != Letter::down) {
        placed.own_down = true;
        placed.view.verdict = Letter::down;
    } else if (placed.intent.degraded && backend.verdict == Letter::up) {
        placed.view.verdict = Letter::degraded;
    }
    return placed;
}

struct Census {
    int enabled = 0;
    int healthy = 0;
    int down = 0;
};

Census count(const std::vector<Placed>& backends) {
    Census census;
    for (const Placed& backend : backends) {
        if (!backend.is_enabled()) continue;
        ++census.enabled;
        switch (backend.view.verdict) {
            case Letter::up:
            case Letter::degraded:
                ++census.healthy;
                break;
            case Letter::down:
                ++census.down;
                break;
            case Letter::unknown:
                break;
        }
    }
    return census;
}

/// `out`: of those that are not DOWN, the ejected ones. `healthy_out`: of these, the healthy ones.
bool is_panic(const Census& census,
              std::int64_t out,
              std::int64_t healthy_out,
              const RotationPolicy& policy,
              bool was_in_panic) {
    if (census.enabled == 0) return false;
    const auto reaches = [&](std::int64_t backends, int percent) {
        return 100 * backends >= std::int64_t{percent} * census.enabled;
    };
    if (was_in_panic) {
        return !reaches(census.healthy - healthy_out,
                        std::max(policy.panic_enter_percent, policy.panic_exit_percent));
    }
    return !reaches(census.enabled - census.down - out, policy.panic_enter_percent);
}

/// The DOWN backends that may be taken out: oldest failures first.
std::vector<bool> choose_ejected(const std::vector<Placed>& backends, std::size_t limit) {
    std::vector<std::size_t> down;
    for (std::size_t i = 0; i < backends.size(); ++i) {
        if (backends[i].is_enabled() && backends[i].view.verdict == Letter::down) down.push_back(i);
    }
    std::ranges::sort(down, {}, [&](std::size_t i) {
        return std::tie(backends[i].view.since, backends[i].view.id);
    });
    std::vector<bool> ejected(backends.size());
    for (std::size_t n = 0; n < std::min(limit, down.size()); ++n) ejected[down[n]] = true;
    return ejected;
}

bool is_held_out(const Placed& placed, const RotationPolicy& policy, WallTime now) {
    return placed.is_enabled() && placed.view.verdict != Letter::down &&
           holds(placed.view.ejection, policy.max_ejection_time, now);
}

/// The ejected ones that may be out beside `down` others: the oldest ejections first.
std::set<std::size_t> choose_outliers(const std::vector<Placed>& backends,
                                      const Census& census,
                                      const RotationPolicy& policy,
                                      std::int64_t most_out,
                                      WallTime now) {
    const int percent = std::clamp(policy.max_ejection_percent, 0, 100);
    if (percent == 0) return {};
    std::vector<std::size_t> held;
    for (std::size_t i = 0; i < backends.size(); ++i) {
        if (is_held_out(backends[i], policy, now)) held.push_back(i);
    }
    std::ranges::sort(held, {}, [&](std::size_t i) {
        return std::tuple(backends[i].view.ejection->since, backends[i].view.id);
    });
    const std::int64_t share =
        std::max<std::int64_t>(1, std::int64_t{census.enabled} * percent / 100);
    const std::int64_t beside_down = most_out - std::min<std::int64_t>(census.down, most_out);
    const std::int64_t but_the_last = census.enabled - census.down - 1;
    const std::int64_t limit =
        std::max<std::int64_t>(0, std::min({share, beside_down, but_the_last}));
    if (static_cast<std::size_t>(limit) < held.size()) held.resize(static_cast<std::size_t>(limit));
    return {held.begin(), held.end()};
}

bool is_starting(const BackendView& backend, config::Duration slow_start, WallTime now) {
    if (slow_start <= config::Duration::zero() || backend.since == WallTime{}) return false;
    // A verdict from further in the future than a whole ramp says that a clock is wrong, not that
    // the backend is new.
    return now - backend.since < slow_start && backend.since - now < slow_start;
}

int ramped(const BackendView& backend, config::Duration slow_start, WallTime now) {
    using Milliseconds = std::chrono::milliseconds;
    const std::int64_t whole =
        std::max<std::int64_t>(1, std::chrono::ceil<Milliseconds>(slow_start).count());
    const std::int64_t elapsed = std::clamp<std::int64_t>((now - backend.since).count(), 0, whole);
    return static_cast<int>(std::max<std::int64_t>(
        1, std::int64_t{backend.weight} * (whole + 9 * elapsed) / (10 * whole)));
}

RotationEntry out(const BackendView& backend, RotationReason reason) {
    return {.id = backend.id, .in = false, .weight = 0, .reason = reason};
}

RotationEntry in(const BackendView& backend, RotationReason reason) {
    return {.id = backend.id, .in = true, .weight = backend.weight, .reason = reason};
}

/// `weight` of it, or the share of it that it asks for: at least 1.
void share_weight(RotationEntry& entry, const Intent& intent) {
    if (!entry.in || !intent.weight_percent || *intent.weight_percent == 100) return;
    entry.weight = std::max(1, entry.weight * *intent.weight_percent / 100);
    if (entry.reason == RotationReason::healthy) entry.reason = RotationReason::own_weight;
}

RotationEntry place_enabled(
    const Placed& placed, const RotationPolicy& policy, bool panic, bool ejected, WallTime now) {
    const BackendView& backend = placed.view;
    switch (backend.verdict) {
        case Letter::unknown:
            return in(backend, RotationReason::unproven);
        case Letter::down:
            if (panic) return in(backend, RotationReason::panic);
            if (!ejected) return in(backend, RotationReason::eject_capped);
            return out(backend, placed.own_down ? RotationReason::own_down : RotationReason::down);
        case Letter::up:
        case Letter::degraded:
            break;
    }
    RotationEntry entry = in(backend, RotationReason::healthy);
    const config::Duration ramp = backend.slow_start.value_or(policy.slow_start);
    if (is_starting(backend, ramp, now)) {
        entry.reason = RotationReason::slow_start;
        entry.weight = ramped(backend, ramp, now);
    }
    return entry;
}

RotationEntry place(
    const Placed& placed, const RotationPolicy& policy, bool panic, bool ejected, WallTime now) {
    const BackendView& backend = placed.view;
    switch (backend.admin) {
        case config::Admin::drain:
            return out(backend, RotationReason::drain);
        case config::Admin::maintenance:
            return out(backend, RotationReason::maintenance);
        case config::Admin::active:
            break;
    }
    if (backend.weight <= 0) return out(backend, RotationReason::zero_weight);
    if (!placed.is_enabled()) {
        if (backend.verdict == Letter::down && !placed.own_down)
            return out(backend, RotationReason::down);
        if (placed.own_down) return out(backend, RotationReason::own_down);
        if (placed.intent.wish == Intent::Wish::drain)
            return out(backend, RotationReason::own_drain);
        if (placed.intent.wish == Intent::Wish::maintenance)
            return out(backend, RotationReason::own_maintenance);
        return out(backend, RotationReason::own_weight);
    }
    RotationEntry entry = place_enabled(placed, policy, panic, ejected, now);
    share_weight(entry, placed.intent);
    return entry;
}

}  // namespace

Rotation rotation(const std::vector<BackendView>& backends,
                  const RotationPolicy& policy,
                  bool was_in_panic,
                  WallTime now) {
    std::vector<Placed> placed;
    placed.reserve(backends.size());
    for (const BackendView& backend : backends) placed.push_back(with_intent(backend, now));
    const Census census = count(placed);
    const std::int64_t limit =
        std::int64_t{census.enabled} * std::clamp(policy.max_eject_percent, 0, 100) / 100;
    const std::vector<bool> ejected = choose_ejected(placed, static_cast<std::size_t>(limit));
    const std::set<std::size_t> outliers = choose_outliers(placed, census, policy, limit, now);
    const auto out_of_all = static_cast<std::int64_t>(outliers.size());
    const auto unknown = std::ranges::count(
        outliers, Letter::unknown, [&](std::size_t i) { return placed[i].view.verdict; });

    Rotation result{
        .entries = {},
        .panic = is_panic(census, out_of_all, out_of_all - unknown, policy, was_in_panic)};
    if (census.enabled > 0) {
        result.healthy_percent = 100 * census.healthy / census.enabled;
        result.down_percent = 100 * census.down / census.enabled;
    }
    result.entries.reserve(backends.size());
    for (std::size_t i = 0; i < backends.size(); ++i) {
        RotationEntry entry = place(placed[i], policy, result.panic, ejected[i], now);
        if (policy.max_ejection_percent > 0 && is_held_out(placed[i], policy, now)) {
            if (result.panic) {
                entry.reason = RotationReason::panic;
            } else if (outliers.contains(i)) {
                entry = out(backends[i], RotationReason::outlier);
            } else {
                entry.reason = RotationReason::outlier_capped;
            }
        }
        result.entries.push_back(entry);
    }
    return result;
}

std::string_view to_string(RotationReason reason) {
    switch (reason) {
        case RotationReason::healthy:
            return "healthy";
        case RotationReason::slow_start:
            return "slow_start";
        case RotationReason::unproven:
            return "unproven";
        case RotationReason::down:
            return "down";
        case RotationReason::eject_capped:
            return "eject_capped";
        case RotationReason::panic:
            return "panic";
        case RotationReason::drain:
            return "drain";
        case RotationReason::maintenance:
            return "maintenance";
        case RotationReason::zero_weight:
            return "zero_weight";
        case RotationReason::own_down:
            return "own_down";
        case RotationReason::own_drain:
            return "own_drain";
        case RotationReason::own_maintenance:
            return "own_maintenance";
        case RotationReason::own_weight:
            return "own_weight";
        case RotationReason::outlier:
            return "outlier";
        case RotationReason::outlier_capped:
            return "outlier_capped";
    }
    return "unknown";
}

}  // namespace muster::znodes
