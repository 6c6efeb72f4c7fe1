#include "agent/lb_plan.hpp"

#include "common/follow/published.hpp"
#include "common/znodes/rollout.hpp"
#include "common/znodes/rotation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::agent {

namespace {

using znodes::RotationReason;

/// Of one that is out.
ServerState state_for(RotationReason reason) {
    switch (reason) {
        case RotationReason::drain:
        case RotationReason::own_drain:
        case RotationReason::zero_weight:
        case RotationReason::own_weight:
            return ServerState::drain;
        case RotationReason::down:
        case RotationReason::maintenance:
        case RotationReason::own_down:
        case RotationReason::own_maintenance:
        case RotationReason::outlier:
        case RotationReason::outlier_capped:
        case RotationReason::healthy:
        case RotationReason::slow_start:
        case RotationReason::unproven:
        case RotationReason::eject_capped:
        case RotationReason::panic:
            break;
    }
    return ServerState::maintenance;
}

/// What the newest generation says of the backends of the one that is applied.
class Newest {
 public:
    Newest(const config::GroupSpec& spec, bool is_applied) : is_applied_(is_applied) {
        if (is_applied) return;
        for (const config::Backend& backend : spec.backends)
            backends_.emplace(backend.id, &backend);
    }

    /// Null when it has no such backend at this address: then nobody probes it.
    [[nodiscard]] const config::Backend* of(const config::Backend& backend) const {
        if (is_applied_) return &backend;
        const auto found = backends_.find(backend.id);
        const bool same = found != backends_.end() && found->second->address == backend.address &&
                          found->second->port == backend.port;
        return same ? found->second : nullptr;
    }

 private:
    bool is_applied_;
    std::map<BackendId, const config::Backend*> backends_;
};

class GroupPlanner {
 public:
    GroupPlanner(LbPlan& plan, const std::set<GroupName>& was_panicking, WallTime now)
        : plan_(plan), was_panicking_(was_panicking), now_(now) {}

    Pool plan(const GroupName& name,
              const follow::GroupView& group,
              const AppliedGeneration& chosen) {
        const config::GroupSpec& spec = *chosen.spec;
        Pool pool{.group = name, .lb = spec.lb};
        plan_.generations[name] = chosen.generation;
        plan_.newest[name] = group.spec_generation;
        const Newest newest(*group.spec, chosen.generation == group.spec_generation);
        const std::map<BackendId, follow::Published> slots = published_of(name, group);
        std::vector<const config::Backend*> backends;
        std::vector<znodes::BackendView> views;
        for (const config::Backend& backend : spec.backends) {
            const config::Backend* const now = newest.of(backend);
            if (now == nullptr) {
                backends.push_back(&backend);
                views.push_back(unprobed(backend));
                continue;
            }
            const auto slot = slots.find(backend.id);
            if (slot == slots.end()) continue;
            backends.push_back(&backend);
            views.push_back(view_of(backend, slot->second));
            views.back().admin = now->admin;
        }
        if (backends.size() < spec.backends.size()) {
            plan_.problems.push_back(
                fmt::format("group {}: {} backends wait for the master to give them a slot",
                            name.str(),
                            spec.backends.size() - backends.size()));
        }
        const znodes::Rotation rotation = znodes::rotation(
            views, follow::rotation_policy(spec), was_panicking_.contains(name), now_);
        if (rotation.panic) plan_.panicking.insert(name);
        for (std::size_t i = 0; i < backends.size(); ++i)
            pool.servers.push_back(server_of(*backends[i], views[i], rotation.entries[i]));
        return pool;
    }

 private:
    std::map<BackendId, follow::Published> published_of(const GroupName& name,
                                                        const follow::GroupView& group) {
        std::map<BackendId, follow::Published> slots;
        const bool laid_out = group.index && group.index->value.group_uid == group.head->value.uid;
        if (!laid_out) return slots;
        for (const auto& [number, shard] : group.shards) {
            if (number >= group.index->value.shards || !shard.members) continue;
            const auto& members = shard.members->value;
            if (members.group_uid != group.head->value.uid) continue;
            if (shard.status) {
                const ShardId id{.group = name, .number = number};
                plan_.statuses[id] = shard.status->value.stamp;
                plan_.status_times[id] = shard.status->value.time;
            }
            for (std::size_t i = 0; i < members.slots.size(); ++i) {
                if (!members.slots[i].tombstone)
                    slots[members.slots[i].backend] = follow::published(shard, i);
            }
        }
        return slots;
    }

    static znodes::BackendView view_of(const config::Backend& backend,
                                       const follow::Published& said) {
        znodes::BackendView view{.id = backend.id,
                                 .admin = backend.admin,
                                 .weight = backend.weight,
                                 .verdict = said.verdict,
                                 .slow_start = backend.slow_start};
        if (said.detail != nullptr) {
            view.since = said.detail->since;
            view.intents = said.detail->intents;
            view.ejection = said.detail->ejection;
        }
        return view;
    }

    /// Dead, most likely, or soon. Within max_eject_percent and panic: were it simply out, a newer
    /// generation with other backends would empty the LBs that do not have it yet.
    static znodes::BackendView unprobed(const config::Backend& backend) {
        return {.id = backend.id,
                .admin = backend.admin,
                .weight = backend.weight,
                .verdict = znodes::Letter::down};
    }

    Server server_of(const config::Backend& backend,
                     const znodes::BackendView& view,
                     const znodes::RotationEntry& entry) {
        const bool leased = znodes::next_end(view.intents, now_).has_value();
        const bool ends = leased || entry.reason == RotationReason::slow_start ||
                          entry.reason == RotationReason::outlier;
        if (ends) plan_.moves_with_time = true;
        return {.id = backend.id,
                .address = backend.address,
                .port = backend.port,
                .weight = entry.weight,
                .state = entry.in ? ServerState::ready : state_for(entry.reason),
                .max_connections = znodes::in_force(view.intents, now_).maxconn};
    }

    LbPlan& plan_;
    const std::set<GroupName>& was_panicking_;
    WallTime now_;
};

/// Nothing while it may not be chosen yet.
std::optional<AppliedGeneration> choose(const follow::ClusterView& view,
                                        const FleetName& fleet,
                                        const GroupName& name,
                                        const GenerationSource& source,
                                        std::vector<std::string>& problems) {
    const follow::GroupView& group = view.groups.at(name);
    const std::string& uid = group.head->value.uid;
    std::map<std::int64_t, std::shared_ptr<const config::GroupSpec>> specs;
    znodes::KnownGenerations known{.group_uid = uid, .newest = group.spec_generation};
    const auto earlier = view.earlier.find(name);
    if (earlier != view.earlier.end()) {
        for (const auto& [number, generation] : earlier->second) {
            if (!generation.spec || generation.head.uid != uid) continue;
            specs.emplace(number, generation.spec);
            known.readable.insert(number);
        }
    }
    const auto applied = source.applied.find(name);
    if (applied != source.applied.end() && applied->second.group_uid == uid) {
        known.applied = applied->second.generation;
        specs.insert_or_assign(known.applied, applied->second.spec);
    }
    if (known.applied == 0 && source.unread.contains(name)) return std::nullopt;
    specs.insert_or_assign(group.spec_generation, group.spec);
    const auto rollout = view.rollouts.find(name);
    const bool there = rollout != view.rollouts.end();
    const bool unreadable = there && rollout->second.value.stamp.cluster.empty();
    const znodes::AssignedGeneration chosen = znodes::assigned_generation(
        there && !unreadable ? std::optional(rollout->second.value) : std::nullopt,
        unreadable,
        fleet,
        source.instance,
        known);
    if (chosen.reason == znodes::GenerationReason::not_available) {
        problems.push_back(fmt::format(
            "group {}: generation {}, which the rollout assigns, can't be read; {} stays in force",
            name.str(),
            chosen.assigned,
            chosen.generation));
    }
    return AppliedGeneration{
        .group_uid = uid, .generation = chosen.generation, .spec = specs.at(chosen.generation)};
}

/// Its record has a deadline once nobody gets the LB's address any more (FleetInstanceRecord).
bool is_leaving(const follow::ClusterView& view,
                const follow::FleetView& fleet,
                const InstanceId& instance) {
    const auto managed = view.managed.find(fleet.spec->name);
    if (managed == view.managed.end()) return false;
    const auto found = managed->second.instances.find(instance);
    if (found == managed->second.instances.end()) return false;
    const znodes::FleetInstanceRecord& record = found->second.value;
    // Of an earlier life of the fleet it says nothing.
    if (!fleet.head || record.fleet_uid != fleet.head->value.uid) return false;
    return record.phase == znodes::InstancePhase::deleting ||
           (record.phase == znodes::InstancePhase::draining && record.deadline);
}

/// Somebody has applied it, whatever it says.
bool is_there(const follow::ClusterView& view, const GroupName& name) {
    const auto group = view.groups.find(name);
    if (group != view.groups.end() && group->second.head) return !group->second.head->value.deleted;
    const std::string path = "/config/group/" + name.str();
    return std::ranges::any_of(view.problems,
                               [&](const auto& problem) { return problem.first.ends_with(path); });
}

}  // namespace

std::optional<LbPlan> plan_lb(const follow::ClusterView& view,
                              const FleetName& fleet,
                              const std::set<GroupName>& was_panicking,
                              WallTime now,
                              const GenerationSource& source) {
    const auto found = view.fleets.find(fleet);
    if (found == view.fleets.end() || !found->second.spec) return std::nullopt;
    LbPlan plan;
    plan.fleet_generation = found->second.spec_generation;
    plan.state.listeners = found->second.spec->listeners;
    plan.state.leaving = is_leaving(view, found->second, source.instance);
    GroupPlanner planner(plan, was_panicking, now);
    for (const auto& [name, listeners] : config::groups_of(*found->second.spec)) {
        const auto group = view.groups.find(name);
        std::optional<AppliedGeneration> chosen;
        if (group != view.groups.end() && group->second.live())
            chosen = choose(view, fleet, name, source, plan.problems);
        if (chosen) {
            plan.state.pools.push_back(planner.plan(name, group->second, *chosen));
            plan.applied.emplace(name, std::move(*chosen));
            if (const auto rollout = view.rollouts.find(name); rollout != view.rollouts.end())
                plan.rollouts.emplace(name, rollout->second.value.stamp);
        } else {
            plan.state.pools.push_back({.group = name});
            plan.problems.push_back(fmt::format("group {}: not known", name.str()));
            if (is_there(view, name)) plan.unreadable.insert(name);
        }
    }
    return plan;
}

}  // namespace muster::agent
