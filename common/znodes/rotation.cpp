#include "common/znodes/rotation.hpp"

#include <algorithm>
#include <tuple>

namespace muster::znodes {

namespace {

/// Those that an operator wants to have traffic.
bool is_enabled(const BackendView& backend) {
    return backend.admin == config::Admin::active && backend.weight > 0;
}

struct Census {
    int enabled = 0;
    int healthy = 0;
    int down = 0;
};

Census count(const std::vector<BackendView>& backends) {
    Census census;
    for (const BackendView& backend : backends) {
        if (!is_enabled(backend)) continue;
        ++census.enabled;
        switch (backend.verdict) {
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

bool is_panic(const Census& census, const RotationPolicy& policy, bool was_in_panic) {
    if (census.enabled == 0) return false;
    const auto reaches = [&](int backends, int percent) {
        return std::int64_t{100} * backends >= std::int64_t{percent} * census.enabled;
    };
    if (was_in_panic) {
        return !reaches(census.healthy,
                        std::max(policy.panic_enter_percent, policy.panic_exit_percent));
    }
    return !reaches(census.enabled - census.down, policy.panic_enter_percent);
}

/// The DOWN backends that may be taken out: oldest failures first.
std::vector<bool> choose_ejected(const std::vector<BackendView>& backends, std::size_t limit) {
    std::vector<std::size_t> down;
    for (std::size_t i = 0; i < backends.size(); ++i) {
        if (is_enabled(backends[i]) && backends[i].verdict == Letter::down) down.push_back(i);
    }
    std::ranges::sort(
        down, {}, [&](std::size_t i) { return std::tie(backends[i].since, backends[i].id); });
    std::vector<bool> ejected(backends.size());
    for (std::size_t n = 0; n < std::min(limit, down.size()); ++n) ejected[down[n]] = true;
    return ejected;
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

RotationEntry place_enabled(const BackendView& backend,
                            const RotationPolicy& policy,
                            bool panic,
                            bool ejected,
                            WallTime now) {
    switch (backend.verdict) {
        case Letter::unknown:
            return in(backend, RotationReason::unproven);
        case Letter::down:
            if (panic) return in(backend, RotationReason::panic);
            return ejected ? out(backend, RotationReason::down)
                           : in(backend, RotationReason::eject_capped);
        case Letter::up:
        case Letter::degraded:
            break;
    }
    RotationEntry entry = in(backend, RotationReason::healthy);
    if (is_starting(backend, policy.slow_start, now)) {
        entry.reason = RotationReason::slow_start;
        entry.weight = ramped(backend, policy.slow_start, now);
    }
    return entry;
}

RotationEntry place(const BackendView& backend,
                    const RotationPolicy& policy,
                    bool panic,
                    bool ejected,
                    WallTime now) {
    switch (backend.admin) {
        case config::Admin::drain:
            return out(backend, RotationReason::drain);
        case config::Admin::maintenance:
            return out(backend, RotationReason::maintenance);
        case config::Admin::active:
            break;
    }
    if (backend.weight <= 0) return out(backend, RotationReason::zero_weight);
    return place_enabled(backend, policy, panic, ejected, now);
}

}  // namespace

Rotation rotation(const std::vector<BackendView>& backends,
                  const RotationPolicy& policy,
                  bool was_in_panic,
                  WallTime now) {
    const Census census = count(backends);
    const std::int64_t limit =
        std::int64_t{census.enabled} * std::clamp(policy.max_eject_percent, 0, 100) / 100;
    const std::vector<bool> ejected = choose_ejected(backends, static_cast<std::size_t>(limit));

    Rotation result{.entries = {}, .panic = is_panic(census, policy, was_in_panic)};
    if (census.enabled > 0) {
        result.healthy_percent = 100 * census.healthy / census.enabled;
        result.down_percent = 100 * census.down / census.enabled;
    }
    result.entries.reserve(backends.size());
    for (std::size_t i = 0; i < backends.size(); ++i) {
        result.entries.push_back(place(backends[i], policy, result.panic, ejected[i], now));
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
    }
    return "unknown";
}

}  // namespace muster::znodes
