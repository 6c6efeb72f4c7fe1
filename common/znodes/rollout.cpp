#include "common/znodes/rollout.hpp"

#include <algorithm>

namespace muster::znodes {

namespace {

struct Choice {
    std::int64_t generation = 0;
    GenerationReason reason = GenerationReason::in_no_wave;
};

Choice choose(const Rollout& rollout, const FleetName& fleet, const InstanceId& instance) {
    if (rollout.stable == rollout.candidate) return {rollout.stable, GenerationReason::settled};
    if (std::ranges::count(rollout.waves, WaveVerdict::failed, &RolloutWave::verdict) > 0)
        return {rollout.stable, GenerationReason::rolled_back};
    Choice choice{rollout.stable, GenerationReason::in_no_wave};
    for (const RolloutWave& wave : rollout.waves) {
        const auto of_fleet = wave.members.find(fleet);
        if (of_fleet == wave.members.end() || !of_fleet->second.contains(instance)) continue;
        if (wave.verdict != WaveVerdict::waiting)
            return {rollout.candidate, GenerationReason::wave_open};
        choice.reason = GenerationReason::wave_waits;
    }
    return choice;
}

std::int64_t keep(const KnownGenerations& known) {
    return known.applied != 0 ? known.applied : known.newest;
}

}  // namespace

std::string_view to_string(GenerationReason reason) {
    switch (reason) {
        case GenerationReason::no_rollout:
            return "there is no rollout";
        case GenerationReason::released:
            return "the rollout has released the group";
        case GenerationReason::earlier_life:
            return "the rollout is of an earlier group of that name";
        case GenerationReason::settled:
            return "the rollout is complete";
        case GenerationReason::wave_open:
            return "its wave has the candidate";
        case GenerationReason::wave_waits:
            return "its wave waits";
        case GenerationReason::in_no_wave:
            return "no wave has it yet";
        case GenerationReason::rolled_back:
            return "a wave has failed";
        case GenerationReason::unreadable:
            return "the rollout can't be read";
        case GenerationReason::not_available:
            return "the assigned generation can't be read";
    }
    return "unknown";
}

AssignedGeneration assigned_generation(const std::optional<Rollout>& rollout,
                                       bool unreadable,
                                       const FleetName& fleet,
                                       const InstanceId& instance,
                                       const KnownGenerations& known) {
    if (!rollout && unreadable)
        return {.generation = keep(known), .reason = GenerationReason::unreadable};
    if (!rollout) return {.generation = known.newest, .reason = GenerationReason::no_rollout};
    if (rollout->group_uid != known.group_uid)
        return {.generation = known.newest, .reason = GenerationReason::earlier_life};
    if (rollout->released)
        return {.generation = known.newest, .reason = GenerationReason::released};
    const Choice choice = choose(*rollout, fleet, instance);
    const bool available = choice.generation == known.newest ||
                           choice.generation == known.applied ||
                           known.readable.contains(choice.generation);
    if (!available)
        return {.generation = keep(known),
                .assigned = choice.generation,
                .reason = GenerationReason::not_available};
    return {
        .generation = choice.generation, .assigned = choice.generation, .reason = choice.reason};
}

std::set<std::int64_t> generations_named(const Rollout& rollout) {
    if (rollout.released) return {};
    return {rollout.stable, rollout.candidate};
}

}  // namespace muster::znodes
