#include "orchestrator/snapshot_builder.hpp"

#include "common/config/endpoint.hpp"
#include "common/follow/published.hpp"
#include "common/znodes/rotation.hpp"
#include "orchestrator/agent_rows.hpp"
#include "orchestrator/fleet_groups.hpp"
#include "orchestrator/instance_plan.hpp"
#include "orchestrator/scaling_view.hpp"
#include "orchestrator/transitions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::orchestrator {

using znodes::Letter;
using znodes::Role;

namespace {

/// FNV-1a over the versions of everything that a row is made of.
class Signature {
 public:
    void add(std::int64_t value) {
        hash_ ^= static_cast<std::uint64_t>(value);
        hash_ *= 0x100000001b3ULL;
    }
    template <class T>
    void add(const std::optional<follow::Versioned<T>>& node) {
        add(node ? std::int64_t{node->version} : -1);
        add(node ? node->created_zxid : 0);
        add(node && node->garbage ? 1 : 0);
    }
    [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
    std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

std::uint64_t hash_of(const NodeId& node) {
    return std::hash<std::string>{}(node.str());
}

void fill_health(BackendRow& row, const follow::ShardView& shard, std::size_t slot) {
    const follow::Published said = follow::published(shard, slot);
    row.verdict = said.verdict;
    if (said.detail == nullptr) return;
    row.since = said.detail->since;
    row.reason = said.detail->reason;
    row.successes = said.detail->successes;
    row.failures = said.detail->failures;
    row.penalty = said.detail->penalty;
    row.intents = said.detail->intents;
    row.ejection = said.detail->ejection;
}

std::vector<FleetRow> fleets_of(const follow::ClusterView& view) {
    std::vector<FleetRow> rows;
    for (const auto& [name, fleet] : view.fleets) {
        if (!fleet.live()) continue;
        rows.push_back({.spec = fleet.spec,
                        .uid = fleet.head->value.uid,
                        .generation = fleet.spec_generation,
                        .author = fleet.head->value.author,
                        .changed = fleet.head->value.time,
                        .notes = missing_groups(*fleet.spec, view)});
        for (std::string& problem : registration_problems(view, name, *fleet.spec))
            rows.back().notes.push_back(std::move(problem));
    }
    return rows;
}

}  // namespace

SnapshotBuilder::Placements SnapshotBuilder::placements(const follow::ClusterView& view) {
    Placements all;
    for (const auto& [node, assignment] : view.assignments) {
        const auto member = view.members.find(node);
        const bool lives = member != view.members.end() &&
                           member->second.value.incarnation == assignment.value.incarnation;
        if (!lives) continue;
        for (const znodes::AssignedShard& assigned : assignment.value.shards) {
            Placement& place = all[assigned.shard];
            if (assigned.role == Role::warm) {
                place.warming = node;
            } else {
                place.owner = node;
                place.token = assignment.version;
                place.draining = assigned.role == Role::drain;
            }
        }
    }
    return all;
}

SnapshotBuilder::KnownGroup SnapshotBuilder::build_group(const follow::ClusterView& view,
                                                         const follow::GroupView& group,
                                                         const Placements& where,
                                                         const SnapshotFacts& facts,
                                                         bool was_in_panic) const {
    const config::GroupSpec& spec = *group.spec;
    GroupRow row{.spec = group.spec,
                 .uid = group.head->value.uid,
                 .generation = group.spec_generation,
                 .author = group.head->value.author,
                 .changed = group.head->value.time};
    row.backends.reserve(spec.backends.size());
    for (const config::Backend& backend : spec.backends) {
        row.backends.push_back(
            {.id = backend.id, .weight = backend.weight, .admin = backend.admin});
    }
    const bool laid_out = group.index && group.index->value.group_uid == row.uid;
    int unowned = 0;
    for (const auto& [number, shard] : group.shards) {
        if (!laid_out || number >= group.index->value.shards || !shard.members) continue;
        const ShardId id{.group = spec.name, .number = number};
        ShardRow& shard_row = row.shards.emplace_back(
            ShardRow{.number = number, .layout = shard.members->value.layout});
        if (const auto place = where.find(id); place != where.end()) {
            shard_row.owner = place->second.owner;
            shard_row.owner_token = place->second.token;
            shard_row.draining = place->second.draining;
            shard_row.warming = place->second.warming;
        }
        if (shard_row.owner.empty()) ++unowned;
        if (shard.status) {
            shard_row.sequence = shard.status->value.stamp.sequence;
            shard_row.status_time = shard.status->value.time;
            shard_row.doubt = shard.status->value.doubt;
        }
        if (const auto progress = view.progress.find(shard_row.owner);
            progress != view.progress.end()) {
            const auto age = progress->second.value.pass_age.find(id);
            if (age != progress->second.value.pass_age.end()) {
                shard_row.progress_time = progress->second.value.time - age->second;
            }
        }
        for (std::size_t i = 0; i < shard.members->value.slots.size(); ++i) {
            const znodes::Slot& slot = shard.members->value.slots[i];
            if (slot.tombstone) continue;
            const auto backend =
                std::ranges::lower_bound(row.backends, slot.backend, {}, &BackendRow::id);
            if (backend == row.backends.end() || backend->id != slot.backend) continue;
            backend->shard = number;
            ++shard_row.backends;
            fill_health(*backend, shard, i);
        }
    }

    std::vector<znodes::BackendView> views;
    views.reserve(row.backends.size());
    int waiting = 0;
    for (std::size_t i = 0; i < row.backends.size(); ++i) {
        const BackendRow& backend = row.backends[i];
        if (backend.shard < 0) ++waiting;
        views.push_back({.id = backend.id,
                         .admin = backend.admin,
                         .weight = backend.weight,
                         .verdict = backend.verdict,
                         .since = backend.since,
                         .intents = backend.intents,
                         .slow_start = spec.backends[i].slow_start,
                         .ejection = backend.ejection});
    }
    const znodes::Rotation rotation =
        znodes::rotation(views, follow::rotation_policy(spec), was_in_panic, facts.wall);
    bool ramping = false;
    for (std::size_t i = 0; i < row.backends.size(); ++i) {
        row.backends[i].in_rotation = rotation.entries[i].in;
        row.backends[i].rotation_weight = rotation.entries[i].weight;
        row.backends[i].rotation_reason = rotation.entries[i].reason;
        // These change with time alone.
        const bool leased = znodes::next_end(row.backends[i].intents, facts.wall).has_value();
        const znodes::RotationReason reason = rotation.entries[i].reason;
        ramping = ramping || leased || reason == znodes::RotationReason::slow_start ||
                  reason == znodes::RotationReason::outlier ||
                  reason == znodes::RotationReason::outlier_capped;
    }
    row.panic = rotation.panic;
    row.healthy_percent = rotation.healthy_percent;
    if (waiting > 0)
        row.notes.push_back(
            fmt::format("{} backends wait for the master to give them a slot", waiting));
    if (unowned > 0) row.notes.push_back(fmt::format("{} shards have no worker", unowned));
    return {.row = std::make_shared<const GroupRow>(std::move(row)), .ramping = ramping};
}

std::shared_ptr<const Snapshot> SnapshotBuilder::build(const follow::ClusterView& view,
                                                       const SnapshotFacts& facts) {
    auto next = std::make_shared<Snapshot>();
    next->number = last_ ? last_->number + 1 : 1;
    next->built = facts.now;
    next->time = facts.wall;
    next->cluster.uuid = view.cluster();
    next->cluster.name = facts.cluster_name;
    if (view.control) {
        next->cluster.era = view.control->value.era;
        next->cluster.pause = view.control->value.pause;
    }
    if (view.epoch && !view.epoch->value.node.empty()) {
        const std::int64_t epoch = view.epoch->version;
        if (!master_ || master_->epoch != epoch) {
            master_ =
                MasterRow{.node = view.epoch->value.node, .epoch = epoch, .since = facts.wall};
        }
        const auto member = view.members.find(master_->node);
        // The epoch outlives its master: without its membership nobody is known to be in office.
        if (member != view.members.end()) {
            master_->api_address = member->second.value.api_address;
            next->cluster.master = master_;
        }
    }
    next->session = {.state = facts.session.state, .lease_until = facts.lease_until};
    if (facts.session.confirmed != SteadyTime{}) next->session.confirmed = facts.session.confirmed;
    next->self = facts.self;
    next->dns = facts.dns;
    if (view.shifts) next->shifts = view.shifts->value.names;

    const Placements where = placements(view);
    std::map<NodeId, NodeRow> nodes;
    for (const auto& [id, member] : view.members) {
        nodes[id] = {.id = id,
                     .incarnation = member.value.incarnation,
                     .zone = member.value.zone,
                     .capacity = member.value.capacity,
                     .build = member.value.build,
                     .api_address = member.value.api_address,
                     .peer_address = member.value.peer_address,
                     .doubt = member.value.doubt,
                     .draining = member.value.drain};
    }
    std::map<GroupName, KnownGroup> groups;
    for (const auto& [name, group] : view.groups) {
        if (!group.live()) continue;
        Signature signature;
        signature.add(group.head);
        signature.add(group.spec_generation);
        signature.add(group.index);
        for (const auto& [number, shard] : group.shards) {
            signature.add(shard.members);
            signature.add(shard.status);
            const auto place = where.find({.group = name, .number = number});
            if (place == where.end()) continue;
            signature.add(static_cast<std::int64_t>(hash_of(place->second.owner)));
            signature.add(static_cast<std::int64_t>(hash_of(place->second.warming)));
            signature.add(place->second.token + (place->second.draining ? 1'000'000'000 : 0));
            const auto progress = view.progress.find(place->second.owner);
            signature.add(progress != view.progress.end() ? std::int64_t{progress->second.version}
                                                          : -1);
        }
        const auto known = groups_.find(name);
        const bool same = known != groups_.end() && known->second.signature == signature.value() &&
                          !known->second.ramping;
        KnownGroup entry = same ? known->second
                                : build_group(view,
                                              group,
                                              where,
                                              facts,
                                              known != groups_.end() && known->second.row->panic);
        entry.signature = signature.value();
        for (const ShardRow& shard : entry.row->shards) {
            if (const auto owner = nodes.find(shard.owner); owner != nodes.end()) {
                ++owner->second.shards;
                owner->second.backends += shard.backends;
            }
            if (const auto warming = nodes.find(shard.warming); warming != nodes.end())
                ++warming->second.warm;
        }
        next->groups.push_back(entry.row);
        groups.emplace(name, std::move(entry));
    }
    groups_ = std::move(groups);
    next->fleets = fleets_of(view);
    next->agents = agents_of(view, facts.wall);
    next->scaling = scaling_rows(view);
    next->notes = facts.scaling_notes;
    std::vector<ScrapeTarget> targets = scrape_targets_.update(view);
    // What was complete once stays so: what vanishes is kept.
    if (facts.settled || (last_ && last_->scrape_targets))
        next->scrape_targets = std::move(targets);
    for (auto& [id, row] : nodes) next->nodes.push_back(std::move(row));

    static const Snapshot nothing;
    next->events = append_events(last_ ? last_->events : nullptr,
                                 transitions(last_ ? *last_ : nothing, *next));
    last_ = next;
    return next;
}

}  // namespace muster::orchestrator
