#pragma once

#include "scaler/lifecycle.hpp"
#include "tests/scaler/lifecycle/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

// Views of a fleet in which all is well, to be spoilt.
namespace muster::scaler::testing {

using Ids = std::vector<InstanceId>;

inline InstanceId id(int generation, int k) {
    return InstanceId(fmt::format("web-{}-{}", generation, k));
}

inline znodes::FleetInstanceRecord record_of(znodes::InstancePhase phase, WallTime since) {
    return {.fleet_uid = "u1",
            .generation = 1,
            .phase = phase,
            .since = since,
            .token = "u1.old",
            .provider = "fake",
            .address = "127.0.0.1:80",
            .spec_generation = 1};
}

/// `size` instances of generation 1 serve, are up, out of DNS, and listed twice.
inline LifecycleView serving(int size) {
    LifecycleView view{
        .state = znodes::FleetState{.fleet_uid = "u1", .generation = 1, .target = size, .tick = 10},
        .now = at_second(100'000),
        .fence = {.era = 1, .epoch = 7},
        .nonce = "nonce",
        .reconciled = true};
    view.inventory.before = Listing{.asked = view.now - seconds(10)};
    view.inventory.newest = Listing{.asked = view.now - seconds(1)};
    for (int k = 1; k <= size; ++k) {
        view.instances[id(1, k)] =
            record_of(znodes::InstancePhase::serving, view.now - std::chrono::hours(1));
        view.sights[id(1, k)] = {.verdict = Verdict::up,
                                 .since = view.now - std::chrono::hours(1),
                                 .connections = 0,
                                 .out_of_dns = true};
        for (auto* listing : {&view.inventory.before, &view.inventory.newest})
            (*listing)->machines.push_back({.id = id(1, k),
                                            .token = "u1.old",
                                            .state = MachineState::running,
                                            .age = seconds(3'600)});
    }
    return view;
}

/// The next tick's decision for this size.
inline TickDecision decided(const LifecycleView& view, int size) {
    Decision decision{.was = view.state->target, .size = size};
    decision.next = history_of(view.state->history);
    decision.next.last = view.now;
    if (decision.size != decision.was)
        decision.next.events.push_back({.at = view.now,
                                        .added = std::max(0, size - decision.was),
                                        .removed = std::max(0, decision.was - size)});
    return {.tick = view.state->tick + 1, .decision = decision, .digest = "d"};
}

/// `from` serve, and `to - from` of generation 2 are planned.
inline LifecycleView growing(int from, int to) {
    LifecycleView view = serving(from);
    view.state->generation = 2;
    view.state->target = to;
    view.state->intent = {
        .kind = znodes::FleetIntentKind::out, .generation = 2, .started = view.now - seconds(5)};
    for (int k = 1; k <= to - from; ++k) {
        view.instances[id(2, k)] = record_of(znodes::InstancePhase::planned, view.now - seconds(5));
        view.instances[id(2, k)].generation = 2;
        view.state->intent->ids.push_back(id(2, k));
    }
    return view;
}

/// `from` have served, and the first `from - to` of them are to leave.
inline LifecycleView shrinking(int from, int to) {
    LifecycleView view = serving(from);
    view.state->generation = 2;
    view.state->target = to;
    view.state->intent = {
        .kind = znodes::FleetIntentKind::in, .generation = 2, .started = view.now - seconds(5)};
    for (int k = 1; k <= from - to; ++k) view.state->intent->leaving.push_back(id(1, k));
    return view;
}

/// The provider has said that it would remove it.
inline void grant(LifecycleView& view, const InstanceId& which) {
    view.replies[which] = {.kind = CallKind::can_remove,
                           .asked = view.now - seconds(1),
                           .at = view.now,
                           .result = Machine{.id = which}};
}

/// The first of them are down, and their machines are gone.
inline LifecycleView with_dead(int size, int dead) {
    LifecycleView view = serving(size);
    for (int k = 1; k <= dead; ++k) {
        view.sights.at(id(1, k)).verdict = Verdict::down;
        view.sights.at(id(1, k)).since = view.now - seconds(5);
        for (auto* listing : {&view.inventory.before, &view.inventory.newest})
            std::erase_if((*listing)->machines,
                          [&](const Machine& machine) { return machine.id == id(1, k); });
    }
    return view;
}

}  // namespace muster::scaler::testing
