#include "scaler/guards.hpp"

#include "scaler/effectiveness.hpp"
#include "scaler/windows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster::scaler {
namespace {

void add_trend(std::vector<Veto>& all, Trend trend, Cause cause, std::string_view what) {
    if (trend == Trend::rising)
        all.push_back({.cause = cause, .why = fmt::format("{} rises", what)});
    if (trend == Trend::unknown)
        all.push_back({.cause = cause, .why = fmt::format("whether {} rises is unknown", what)});
}

bool starts(const Instance& instance) {
    switch (instance.phase) {
        case Phase::planned:
        case Phase::creating:
        case Phase::booting:
        case Phase::warming:
            return true;
        case Phase::serving:
            return !instance.warmed;
        case Phase::draining:
        case Phase::deleting:
        case Phase::gone:
        case Phase::failed:
            return false;
    }
    return false;
}

/// Instances that the size counts, in whatever state.
int accounted(const Membership& membership) {
    return to_size(std::ranges::count_if(membership.instances, [](const Instance& instance) {
        return instance.phase == Phase::failed || instance.phase == Phase::serving ||
               starts(instance);
    }));
}

std::optional<WallTime> last_change(const History& history, bool removals_too) {
    for (auto event = history.events.rbegin(); event != history.events.rend(); ++event)
        if (event->added > 0 || (removals_too && event->removed > 0)) return event->at;
    return std::nullopt;
}

/// What a share of the size comes to; a share above 0 at least to 1.
int share(int percent, int size) {
    return percent <= 0 ? 0 : std::max(1, to_size(Wide{size} * percent / 100));
}

Room budget(
    const Behaviour& behaviour, const History& history, int size, WallTime now, bool removals) {
    Room room{.instances = largest_size};
    for (const Budget& one : behaviour.budgets) {
        const Changes changed = changes(history, one.window, now);
        const int start = std::max(0, size - changed.added + changed.removed);
        const int used = removals ? changed.removed : changed.added;
        int allowed = 0;
        if (one.count) allowed = std::max(allowed, *one.count);
        if (one.percent) allowed = std::max(allowed, share(*one.percent, start));
        const int left = std::max(0, allowed - used);
        if (left >= room.instances) continue;
        const auto first = removals ? changed.first_removed : changed.first_added;
        room = {.instances = left};
        if (first) room.until = *first + one.window;
    }
    return room;
}

}  // namespace

std::vector<Veto> vetoes(const Policy& policy,
                         const History& history,
                         const Trends& trends,
                         const Membership& membership,
                         WallTime now) {
    std::vector<Veto> all;
    add_trend(all, trends.errors, Cause::errors_rising, "the share of errors");
    add_trend(all, trends.latency, Cause::latency_rising, "latency");
    add_trend(all, trends.unhealthy, Cause::unhealthy_rising, "the unhealthy share");
    if (policy.mode == Mode::hpa) return all;
    if (policy.in.disabled)
        all.push_back({.cause = Cause::disabled, .why = "scale-in is disabled"});
    for (const Instance& instance : membership.instances) {
        if (!starts(instance) || now - instance.since >= policy.in.warm_up) continue;
        all.push_back({.cause = Cause::warming,
                       .why = fmt::format("{} warms up", instance.id),
                       .until = instance.since + policy.in.warm_up});
        break;
    }
    const int named = accounted(membership);
    if ((membership.size - named) * 5 > membership.size)
        all.push_back(
            {.cause = Cause::members_missing,
             .why = fmt::format("the tree names {} of {} instances", named, membership.size)});
    const auto changed = last_change(history, true);
    if (changed && now - *changed < policy.in.cooldown)
        all.push_back({.cause = Cause::cooldown,
                       .why = "cooldown of scale-in",
                       .until = *changed + policy.in.cooldown});
    return all;
}

std::vector<Veto> brakes(const Policy& policy,
                         const History& history,
                         const Membership& membership,
                         WallTime now) {
    std::vector<Veto> all;
    if (policy.mode == Mode::muster && policy.out.disabled)
        all.push_back({.cause = Cause::disabled, .why = "scale-out is disabled"});
    const auto added = last_change(history, false);
    if (policy.mode == Mode::muster && added && now - *added < policy.out.cooldown)
        all.push_back({.cause = Cause::cooldown,
                       .why = "cooldown of scale-out",
                       .until = *added + policy.out.cooldown});
    if (const auto until = held_until(membership.creates, now))
        all.push_back({.cause = Cause::failed_creates,
                       .why = fmt::format("{} creates failed", membership.creates.failures),
                       .until = until});
    if (!policy.effectiveness) return all;
    const Effectiveness& growth = history.growth;
    if (growth.held_until && now < *growth.held_until)
        all.push_back(
            {.cause = Cause::ineffective,
             .why = fmt::format("{} times in a row growing didn't help", growth.fruitless),
             .until = std::min(*growth.held_until,
                               now + hold_after(*policy.effectiveness, growth.fruitless))});
    if (const auto until = awaits_verdict(growth, *policy.effectiveness, now))
        all.push_back({.cause = Cause::unproven,
                       .why = fmt::format("{} times in a row growing didn't help: waits for the "
                                          "effect of growing to {}",
                                          growth.fruitless,
                                          growth.trial->after),
                       .until = until});
    return all;
}

std::optional<Veto> breaker(const Membership& membership) {
    int known = 0;
    int dead = 0;
    for (const Instance& instance : membership.instances) {
        const bool failed = instance.phase == Phase::failed;
        if (!failed && instance.phase != Phase::serving) continue;
        ++known;
        if (failed || !instance.healthy) ++dead;
    }
    if (dead <= 3 || dead * 100 <= known * 45) return std::nullopt;
    return Veto{
        .cause = Cause::breaker,
        .why = fmt::format("{} of {} look dead: more than 45 % and more than 3", dead, known)};
}

Room removal_budget(const Policy& policy, const History& history, int size, WallTime now) {
    return budget(policy.in, history, size, now, true);
}

Room creation_budget(const Policy& policy, const History& history, int size, WallTime now) {
    return budget(policy.out, history, size, now, false);
}

std::optional<int> room_to_grow(const Policy& policy, const Membership& membership) {
    if (!policy.out.max_unavailable) return std::nullopt;
    const auto starting = std::ranges::count_if(membership.instances, starts);
    return std::max(0, share(*policy.out.max_unavailable, membership.size) - to_size(starting));
}

std::optional<int> room_to_shrink(const Policy& policy, const Membership& membership) {
    if (!policy.in.max_unavailable) return std::nullopt;
    const auto out = std::ranges::count_if(membership.instances, [](const Instance& instance) {
        return instance.phase != Phase::gone &&
               (instance.phase != Phase::serving || !instance.healthy || !instance.warmed);
    });
    return std::max(0, share(*policy.in.max_unavailable, membership.size) - to_size(out));
}

}  // namespace muster::scaler
