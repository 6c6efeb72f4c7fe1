#include "scaler/lifecycle.hpp"

#include "scaler/lifecycle_draft.hpp"
#include "scaler/orphans.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster::scaler {
namespace {

/// The first state of a fleet. What has records already stays, and what is listed without one is
/// seen as an orphan: nothing is taken away by beginning.
LifecyclePlan begin(const LifecycleSettings& settings, const LifecycleView& view) {
    LifecyclePlan plan;
    if (!view.inventory.newest) {
        plan.list = true;
        plan.says.emplace_back("begins when the provider has listed its machines");
        return plan;
    }
    FleetWrite write{
        .starts = true, .first = !view.state, .did = {"the fleet is managed from now on"}};
    write.state = {.stamp = view.stamp,
                   .fleet_uid = settings.uid,
                   .generation = view.seen_generation,
                   .target = live_count(view.instances, std::nullopt),
                   .founded = view.now,
                   .named = settings.named};
    const auto raise = [&](std::string_view id) {
        write.state.generation =
            std::max(write.state.generation, generation_of(settings.fleet, id).value_or(0));
    };
    if (view.state)
        write.state.generation = std::max(write.state.generation, view.state->generation);
    for (const auto& [id, record] : view.instances) raise(id.str());
    for (const Machine& machine : view.inventory.newest->machines) raise(machine.id.str());
    plan.write = std::move(write);
    return plan;
}

std::optional<std::string> later_generation(const LifecycleSettings& settings,
                                            const LifecycleView& view) {
    const std::int64_t generation = view.state->generation;
    // A state that was begun anew is below what was seen of the one before; the draft raises it.
    const bool is_anew = view.state->founded > view.seen_founded;
    if (view.seen_generation > generation && !is_anew)
        return fmt::format("the tree went back: generation {}, and {} was seen here",
                           generation,
                           view.seen_generation);
    for (const auto& [id, record] : view.instances)
        if (record.generation > generation)
            return fmt::format(
                "the state went back: generation {}, and {} exists", generation, id.str());
    if (!view.inventory.newest) return std::nullopt;
    for (const Machine& machine : view.inventory.newest->machines)
        if (proves_ours(settings.uid, machine.token) &&
            generation_of(settings.fleet, machine.id.str()).value_or(0) > generation)
            return fmt::format("the tree went back: generation {}, and the machine {} exists",
                               generation,
                               machine.id.str());
    return std::nullopt;
}

/// Its state is left; its machines, if there are any, are nobody's.
bool is_of_a_finished_life(const LifecycleSettings& settings, const LifecycleView& view) {
    return view.state && view.state->fleet_uid != settings.uid && view.instances.empty();
}

}  // namespace

std::optional<std::string> unsafe(const LifecycleSettings& settings, const LifecycleView& view) {
    for (const auto& [id, reply] : view.replies)
        if (!reply.result && reply.result.error().trouble == Trouble::fenced)
            return "the provider has seen a later master";
    for (const auto& [id, record] : view.instances)
        if (record.fleet_uid != settings.uid)
            return fmt::format("{} is of another life of this fleet", id.str());
    for (const auto& [id, record] : view.instances)
        if (record.provider != settings.provider)
            return fmt::format("{} was made by the provider {}, and {} can't remove it",
                               id.str(),
                               record.provider,
                               settings.provider);
    if (!view.state || is_of_a_finished_life(settings, view)) return std::nullopt;
    const znodes::FleetState& state = *view.state;
    if (state.fleet_uid != settings.uid) return "the state is of another life of this fleet";
    if (state.intent) {
        for (const auto* ids : {&state.intent->ids, &state.intent->leaving})
            for (const InstanceId& id : *ids)
                if (!view.instances.contains(id))
                    return fmt::format(
                        "the record of {} is missing, and it is part of what is under way",
                        id.str());
    }
    const int live = live_count(view.instances, state.intent);
    if (live != state.target)
        return fmt::format(
            "the fleet has {} instances by its state and {} by its records", state.target, live);
    return later_generation(settings, view);
}

LifecyclePlan plan(const LifecycleSettings& settings, const LifecycleView& view) {
    if (const auto why = unsafe(settings, view)) {
        LifecyclePlan nothing{.refused = *why};
        nothing.says.push_back("nothing is done: " + *why);
        return nothing;
    }
    if (!view.state || is_of_a_finished_life(settings, view)) return begin(settings, view);
    Draft draft(settings, view);
    note_names(draft);
    learn(draft);
    take_in_leftovers(draft);
    obey_pause(draft);
    close_intent(draft);
    carry_out(draft);
    replace_dead(draft);
    collect_orphans(draft);
    drain_and_delete(draft);
    start_planned(draft);
    LifecyclePlan plan = draft.finish();
    ask_provider(draft, plan);
    const auto& newest = view.inventory.newest;
    plan.list = !newest || view.now - newest->asked >= settings.list_every;
    return plan;
}

bool publishable(const znodes::FleetInstanceRecord& record, bool healthy) {
    return healthy && record.phase == InstancePhase::serving;
}

}  // namespace muster::scaler
