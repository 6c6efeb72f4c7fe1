#pragma once

#include "common/znodes/payloads_machines.hpp"
#include "common/znodes/payloads_scaling.hpp"
#include "tests/znodes/random_payloads.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace muster::znodes::testing {

inline std::optional<WallTime> maybe_time(RandomPayloads& random) {
    if (random.coin()) return std::nullopt;
    return random.time();
}

inline std::vector<WallTime> times(RandomPayloads& random) {
    std::vector<WallTime> all;
    for (int n = random.number(0, 20); n > 0; --n) all.push_back(random.time());
    std::ranges::sort(all);
    return all;
}

inline std::vector<SizeAt> ring(RandomPayloads& random) {
    std::vector<SizeAt> all;
    for (const WallTime at : times(random))
        all.push_back({.at = at, .size = random.number(0, max_fleet_size)});
    return all;
}

inline std::vector<InstanceId> ids(RandomPayloads& random) {
    std::vector<InstanceId> all;
    for (int n = random.number(0, 5); n > 0; --n) all.emplace_back("web-7-" + std::to_string(n));
    return all;
}

template <>
inline FleetState RandomPayloads::make() {
    FleetState state{
        .stamp = stamp(),
        .fleet_uid = text(),
        .generation = big(),
        .target = number(0, max_fleet_size),
        .history = {.peaks = ring(*this), .troughs = ring(*this), .last = maybe_time(*this)},
        .back_off = {.failures = number(0, 100), .failed = time(), .until = time()},
        .collected = times(*this),
        .listed = maybe_time(*this),
        .tick = big(),
        .replaced = maybe_time(*this)};
    for (const WallTime at : times(*this))
        state.history.events.push_back(
            {.at = at, .added = number(0, 9), .removed = number(0, max_fleet_size)});
    if (coin()) {
        state.intent = {.kind = static_cast<FleetIntentKind>(number(0, 2)),
                        .generation = big(),
                        .ids = ids(*this),
                        .leaving = ids(*this),
                        .started = time(),
                        .deadline = time(),
                        .nonce = text(),
                        .digest = text()};
    }
    for (int n = number(0, 5); n > 0; --n)
        state.orphans[InstanceId(name())] = {.first = time(),
                                             .last = time(),
                                             .listings = number(0, 100),
                                             .condemned = maybe_time(*this)};
    state.founded = maybe_time(*this);
    state.informed = maybe_time(*this);
    for (int n = number(0, 3); n > 0; --n) state.avoided[name()] = time();
    return state;
}

template <>
inline FleetPause RandomPayloads::make() {
    return {.stamp = stamp(),
            .kind = static_cast<FleetPauseKind>(number(0, 3)),
            .by = text(),
            .why = text(),
            .until = maybe_time(*this)};
}

template <>
inline FleetInstanceRecord RandomPayloads::make() {
    return {.stamp = stamp(),
            .fleet_uid = text(),
            .generation = big(),
            .phase = static_cast<InstancePhase>(number(0, 8)),
            .since = time(),
            .token = text(),
            .provider = text(),
            .host = coin() ? name() : "",
            .zone = text(),
            .address = text(),
            .spec_generation = big(),
            .deadline = maybe_time(*this),
            .warm_until = maybe_time(*this),
            .drain_started = maybe_time(*this),
            .delete_asked = maybe_time(*this),
            .absent = number(0, 100),
            .absent_at = maybe_time(*this),
            .keep_until = maybe_time(*this),
            .reason = text()};
}

template <>
inline HostMachines RandomPayloads::make() {
    HostMachines host{
        .stamp = stamp(), .provider = text(), .time = time(), .error = text(), .machines = {}};
    std::map<InstanceId, HostMachine> machines;
    for (int n = number(0, 6); n > 0; --n) {
        const InstanceId id(name());
        machines[id] = {.id = id,
                        .token = text(),
                        .state = static_cast<ReportedState>(number(0, 4)),
                        .address = text(),
                        .started = time()};
    }
    for (auto& [id, machine] : machines) host.machines.push_back(std::move(machine));
    for (int n = number(0, 3); n > 0; --n) host.refusals[InstanceId(name())] = text();
    host.lost = maybe_time(*this);
    if (host.lost) host.lost_by = text();
    return host;
}

}  // namespace muster::znodes::testing
