#include "checker/schedule.hpp"

#include <algorithm>

namespace muster::checker {

namespace {

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
    const std::int64_t quotient = value / by;
    return (value % by != 0 && value < 0) ? quotient - 1 : quotient;
}

std::uint64_t reduce(std::uint64_t bits, Span modulus) {
    return modulus.count() > 0 ? bits % static_cast<std::uint64_t>(modulus.count()) : 0;
}

/// Apart from the phase, or the checks of one phase would catch up together, too.
constexpr std::uint64_t catch_up_salt = 0x9e3779b97f4a7c15U;

}  // namespace

Span phase(CheckId id, Span interval) {
    return Span(reduce(mix(static_cast<std::uint64_t>(id)), interval));
}

Span jitter(CheckId id, SteadyTime slot, Span most) {
    const auto time = static_cast<std::uint64_t>(slot.time_since_epoch().count());
    return Span(reduce(mix(static_cast<std::uint64_t>(id) ^ mix(time)), most));
}

SteadyTime wall_zero(WallTime wall, SteadyTime steady) {
    return steady - std::chrono::duration_cast<Span>(wall.time_since_epoch());
}

Cadence cadence(CheckId id, Span interval, SteadyTime zero) {
    return {.origin = zero + phase(id, interval), .interval = interval};
}

SteadyTime next_slot(const Cadence& cadence, SteadyTime time) {
    const std::int64_t passed =
        floor_divide((time - cadence.origin).count(), cadence.interval.count());
    return cadence.origin + (passed + 1) * cadence.interval;
}

SteadyTime catch_up_slot(CheckId id, const Cadence& cadence, SteadyTime now, Span spread) {
    const auto offset = reduce(mix(static_cast<std::uint64_t>(id) ^ catch_up_salt), spread);
    return std::min(now + Span(offset), next_slot(cadence, now));
}

NextDue next_due(
    const Cadence& cadence, Span in_force, SteadyTime last, SteadyTime now, Span grace) {
    if (in_force != cadence.interval) return {.slot = std::max(last + in_force, now)};

    const SteadyTime following = next_slot(cadence, last);
    if (following > now - grace) return {.slot = std::max(following, now)};
    const SteadyTime ahead = next_slot(cadence, now);
    const SteadyTime one_interval_on = last + cadence.interval;
    if (one_interval_on > now - grace) {
        return {.slot = std::min(std::max(one_interval_on, now), ahead)};
    }
    return {.slot = ahead,
            .skipped = static_cast<std::uint64_t>((ahead - following) / cadence.interval)};
}

NextDue slot_served(SteadyTime slot, Span in_force, SteadyTime now) {
    const std::int64_t passed = (now - slot) / in_force;
    if (passed < 1) return {.slot = slot};
    return {.slot = now, .skipped = static_cast<std::uint64_t>(passed)};
}

SteadyTime round_down(SteadyTime time, Span tick) {
    return SteadyTime(floor_divide(time.time_since_epoch().count(), tick.count()) * tick);
}

SteadyTime round_up(SteadyTime time, Span tick) {
    const SteadyTime down = round_down(time, tick);
    return down == time ? time : down + tick;
}

}  // namespace muster::checker
