#include "scaler/shadow.hpp"

#include "scaler/orphans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::scaler {
namespace {

/// Names that others carry are never given to machines, should the fleet get a provider.
std::int64_t generation_after(const LifecycleSettings& settings,
                              const LifecycleView& view,
                              const Others& others) {
    std::int64_t generation = std::max(view.seen_generation, std::int64_t{0});
    if (view.state) generation = std::max(generation, view.state->generation);
    for (const auto& [id, sight] : others)
        generation = std::max(generation, generation_of(settings.fleet, id.str()).value_or(0));
    return generation;
}

FleetWrite first_state(const LifecycleSettings& settings,
                       const LifecycleView& view,
                       const Others& others) {
    FleetWrite write{
        .starts = true, .first = !view.state, .did = {"the fleet is watched from now on: shadow"}};
    write.state = {.stamp = view.stamp,
                   .fleet_uid = settings.uid,
                   .generation = generation_after(settings, view, others),
                   .founded = view.now};
    return write;
}

}  // namespace

Membership with_others(Membership membership, const Others& others, seconds warm_up, WallTime now) {
    for (const auto& [id, sight] : others) {
        const bool healthy = sight.verdict == Verdict::up;
        membership.instances.push_back({.id = id.str(),
                                        .phase = Phase::serving,
                                        .since = sight.since,
                                        .healthy = healthy,
                                        .warmed = !healthy || now - sight.since >= warm_up});
        ++membership.size;
    }
    return membership;
}

TickDecision to_be_kept(TickDecision tick, int target) {
    Decision& decision = tick.decision;
    // The change that it would be is its last event.
    if (decision.size != decision.was && !decision.next.events.empty())
        decision.next.events.pop_back();
    decision.was = target;
    decision.size = target;
    return tick;
}

std::string shadow_words(int there, int would_be) {
    if (there == would_be) return fmt::format("shadow: would stay at {} LBs", there);
    return fmt::format("shadow: would be {} LBs, there are {}", would_be, there);
}

LifecyclePlan plan_shadow(const LifecycleSettings& settings,
                          const LifecycleView& view,
                          const Others& others) {
    LifecyclePlan plan;
    const bool is_ours = view.state && view.state->fleet_uid == settings.uid;
    if (!is_ours && !view.instances.empty()) {
        plan.refused = "there are records of another life of this fleet";
        plan.says.push_back("nothing is done: " + *plan.refused);
        return plan;
    }
    if (!view.instances.empty())
        plan.says.push_back(
            fmt::format("what a provider has made stays as it is, {} LBs: the fleet has none now",
                        view.instances.size()));
    if (!is_ours) {
        plan.write = first_state(settings, view, others);
        return plan;
    }
    const auto& tick = view.decision;
    if (!tick || tick->tick == view.state->tick) return plan;
    FleetWrite write{.state = *view.state};
    write.state.stamp = view.stamp;
    write.state.tick = tick->tick;
    write.state.history = kept_of(tick->decision.next);
    plan.write = std::move(write);
    return plan;
}

}  // namespace muster::scaler
