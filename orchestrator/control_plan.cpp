#include "orchestrator/control_plan.hpp"

#include "common/follow/instance_group.hpp"
#include "orchestrator/layout_plan.hpp"
#include "orchestrator/scaling_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace muster::orchestrator {

using coordination::CheckOp;
using coordination::CreateOp;
using coordination::DeleteOp;
using coordination::Op;
using coordination::SetOp;

namespace {

// One request stays below both (reference/coordination.md, G4): the server drops the connection of
// a larger one.
constexpr std::size_t max_shards_in_multi = 64;
constexpr std::size_t max_bytes_in_multi = 200UZ << 10U;

std::size_t bytes_of(const Op& op) {
    return std::visit(
        [](const auto& o) {
            if constexpr (requires { o.data; }) {
                return o.path.size() + o.data.size() + 64;
            } else {
                return o.path.size() + 32;
            }
        },
        op);
}

/// Collects ops into transactions of bounded size, each guarded by the epoch.
class Batches {
 public:
    Batches(const ControlContext& context, const GroupName& group, std::vector<Transaction>& out)
        : context_(context), group_(group), out_(out) {}

    /// Ops that must be applied together.
    void add(const std::string& what, std::vector<Op> ops, std::vector<std::string> touched) {
        std::size_t bytes = 0;
        for (const Op& op : ops) bytes += bytes_of(op);
        if (!open_ || parts_ == max_shards_in_multi || bytes_ + bytes > max_bytes_in_multi)
            begin(what);
        Transaction& transaction = out_.back();
        std::ranges::move(ops, std::back_inserter(transaction.ops));
        std::ranges::move(touched, std::back_inserter(transaction.touched));
        bytes_ += bytes;
        ++parts_;
    }

    /// The next add() opens a new transaction: it depends on all before.
    void barrier() { open_ = false; }

 private:
    void begin(const std::string& what) {
        out_.push_back(
            {.what = what,
             .group = group_,
             .ops = {CheckOp{.path = context_.paths.epoch(),
                             .version = static_cast<std::int32_t>(context_.office.epoch)}}});
        open_ = true;
        parts_ = 0;
        bytes_ = 0;
    }

    const ControlContext& context_;
    const GroupName& group_;
    std::vector<Transaction>& out_;
    bool open_ = false;
    std::size_t parts_ = 0;
    std::size_t bytes_ = 0;
};

template <class T>
bool there(const std::optional<follow::Versioned<T>>& node) {
    return node && !node->gone;
}

template <class T>
Op put(const std::string& path,
       const std::optional<follow::Versioned<T>>& known,
       std::string data) {
    if (there(known))
        return SetOp{.path = path, .data = std::move(data), .version = known->version};
    return CreateOp{.path = path, .data = std::move(data)};
}

class Planner {
 public:
    Planner(const follow::ClusterView& view, const ControlContext& context)
        : view_(view), context_(context) {}

    ControlPlan run(ControlMemory memory) {
        for (const auto& [name, group] : view_.groups) {
            if (group.live() && !follow::fleet_of(name)) plan_group(name, group, *group.spec);
        }
        for (const auto& [name, fleet] : view_.fleets) {
            if (fleet.live()) plan_fleet(name, fleet, memory.instances[name]);
        }
        assign(std::move(memory.assignment));
        for (const auto& [name, group] : view_.groups) remove_leftovers(name, group);
        return std::move(plan_);
    }

 private:
    [[nodiscard]] znodes::Stamp stamp() const {
        return {.cluster = context_.cluster,
                .token = context_.office.epoch,
                .writer = context_.node.str()};
    }

    /// The group of its LBs, once there is one.
    void plan_fleet(const FleetName& name,
                    const follow::FleetView& fleet,
                    const InstanceMemory& memory) {
        const GroupName group_name = follow::instance_group(name);
        const auto known = view_.groups.find(group_name);
        // The first one: as it will be derived once it has znodes.
        const follow::GroupView first{.head = fleet.head, .spec_generation = fleet.spec_generation};
        const follow::GroupView& group = known == view_.groups.end() ? first : known->second;
        std::vector<InstanceMember> members = members_of(group);
        const std::set<InstanceId> removed = removed_instances(view_, name);
        for (InstanceMember& member : members)
            member.removed = removed.contains(InstanceId(member.instance.id.str()));
        InstancePlan plan = plan_instances(
            *fleet.spec, registrations_of(view_, name), members, memory, context_.time.now);
        std::ranges::move(plan.notes, std::back_inserter(plan_.notes));
        plan_.memory.instances[name] = std::move(plan.memory);
        look_again(plan.again);
        if (plan.instances.empty() && !there(group.index)) return;
        plan_group(group_name, group, follow::spec_of_instances(*fleet.spec, plan.instances));
    }

    void look_again(std::optional<SteadyTime> when) {
        if (when && (!plan_.again || *when < *plan_.again)) plan_.again = when;
    }

    void plan_group(const GroupName& name,
                    const follow::GroupView& group,
                    const config::GroupSpec& spec) {
        const std::string& uid = group.head->value.uid;
        std::optional<Layout> current = layout_of(group);
        const bool fresh = !current;
        LayoutPlan next = plan_layout(uid, spec, std::move(current));
        if (fresh) {
            // Above every number that readers may have seen.
            int highest = group.index ? group.index->value.layout : 0;
            for (const auto& [k, shard] : group.shards) {
                if (shard.members) highest = std::max(highest, shard.members->value.layout);
            }
            next.next.number = highest + 1;
            for (int k = 0; k < std::ssize(next.next.shards); ++k) next.changed.insert(k);
        }
        const bool index_off = !there(group.index) || group.index->garbage;
        if (next.changed.empty() && !index_off &&
            group.index->value.shards == std::ssize(next.next.shards)) {
            return repair_statuses(name, group, next.next);
        }
        plan_.notes.push_back(fmt::format("{}: layout {}, {} shards: {}",
                                          name.str(),
                                          next.next.number,
                                          next.next.shards.size(),
                                          next.reason));
        relaid_.insert(name);
        write_layout(name, group, next, fresh || next.compacted);
    }

    void write_layout(const GroupName& name,
                      const follow::GroupView& group,
                      const LayoutPlan& next,
                      bool reset_status) {
        Batches batches(context_, name, plan_.transactions);
        const std::string what = "layout of " + name.str();
        std::vector<Op> directories;
        if (!group.made) directories.emplace_back(CreateOp{.path = context_.paths.group(name)});
        if (!group.shards_made)
            directories.emplace_back(CreateOp{.path = context_.paths.shards(name)});
        if (!directories.empty())
            batches.add(what, std::move(directories), {context_.paths.groups()});
        static const follow::ShardView nothing;
        for (const int k : next.changed) {
            const auto known = group.shards.find(k);
            write_shard({.group = name, .number = k},
                        known != group.shards.end() ? known->second : nothing,
                        group,
                        next.next,
                        reset_status,
                        batches);
        }
        // Readers look at as many shards as the index says: it comes last.
        batches.barrier();
        const znodes::GroupIndex index{.stamp = stamp(),
                                       .group_uid = next.next.group_uid,
                                       .layout = next.next.number,
                                       .shards = static_cast<int>(next.next.shards.size()),
                                       .shard_size = next.next.shard_size};
        const std::string path = context_.paths.index(name);
        batches.add(what,
                    {put(path, group.index, znodes::encode(index))},
                    {path, context_.paths.group(name)});
    }

    void write_shard(const ShardId& id,
                     const follow::ShardView& shard,
                     const follow::GroupView& group,
                     const Layout& layout,
                     bool reset_status,
                     Batches& batches) {
        const std::vector<znodes::Slot>& slots = layout.shards[static_cast<std::size_t>(id.number)];
        std::vector<Op> ops;
        if (!shard.made) ops.emplace_back(CreateOp{.path = context_.paths.shard(id)});
        const znodes::ShardMembers members{.stamp = stamp(),
                                           .group_uid = layout.group_uid,
                                           .layout = layout.number,
                                           .slots = slots};
        const std::string members_path = context_.paths.shard_members(id);
        const std::string status_path = context_.paths.status(id);
        ops.push_back(put(members_path, shard.members, znodes::encode(members)));
        if (reset_status || !there(shard.status)) {
            ops.push_back(put(
                status_path, shard.status, znodes::encode(carried_status(group, layout, slots))));
        }
        batches.add(
            "layout of " + id.group.str(),
            std::move(ops),
            {members_path, status_path, context_.paths.shard(id), context_.paths.shards(id.group)});
    }

    /// A status for new slots that keeps what was known of each backend of the same group.
    [[nodiscard]] znodes::ShardStatus carried_status(const follow::GroupView& group,
                                                     const Layout& layout,
                                                     const std::vector<znodes::Slot>& slots) const {
        znodes::ShardStatus status{.stamp = stamp(),
                                   .group_uid = layout.group_uid,
                                   .layout = layout.number,
                                   .time = context_.wall};
        status.letters.assign(slots.size(), znodes::Letter::unknown);
        for (const auto& [k, shard] : group.shards) {
            if (!shard.members || !shard.status) continue;
            const znodes::ShardMembers& old_members = shard.members->value;
            const znodes::ShardStatus& old_status = shard.status->value;
            if (old_members.group_uid != layout.group_uid ||
                old_status.group_uid != layout.group_uid ||
                old_status.layout != old_members.layout) {
                continue;
            }
            for (std::size_t old_slot = 0; old_slot < old_members.slots.size(); ++old_slot) {
                if (old_members.slots[old_slot].tombstone || old_slot >= old_status.letters.size())
                    continue;
                const auto slot = std::ranges::find_if(slots, [&](const znodes::Slot& s) {
                    return !s.tombstone && s.backend == old_members.slots[old_slot].backend;
                });
                if (slot == slots.end()) continue;
                const auto number = slot - slots.begin();
                status.letters[static_cast<std::size_t>(number)] = old_status.letters[old_slot];
                const auto detail = old_status.details.find(static_cast<int>(old_slot));
                if (detail != old_status.details.end())
                    status.details[static_cast<int>(number)] = detail->second;
            }
        }
        return status;
    }

    /// A status that someone deleted: workers only ever replace one, so it is made again here.
    void repair_statuses(const GroupName& name,
                         const follow::GroupView& group,
                         const Layout& layout) {
        Batches batches(context_, name, plan_.transactions);
        for (const auto& [k, shard] : group.shards) {
            if (k >= std::ssize(layout.shards) || there(shard.status) || !there(shard.members))
                continue;
            const ShardId id{.group = name, .number = k};
            const std::string path = context_.paths.status(id);
            const auto& slots = layout.shards[static_cast<std::size_t>(k)];
            batches.add("status of " + id.str(),
                        {CreateOp{.path = path,
                                  .data = znodes::encode(carried_status(group, layout, slots))}},
                        {path, context_.paths.shard(id)});
        }
    }

    void assign(AssignmentMemory memory) {
        AssignmentPlan plan = plan_assignments(
            view_, context_.office.epoch, std::move(memory), context_.time, context_.assignment);
        plan_.memory.assignment = std::move(plan.memory);
        look_again(plan.again);
        plan_.unplaceable = std::move(plan.unplaceable);
        const bool map_off =
            !there(view_.map) || view_.map->garbage || view_.map->value.owners != plan.owners;
        std::vector<Op> answers;
        std::vector<std::string> touched;
        for (const auto& [node, assignment] : view_.assignments) {
            if (view_.members.contains(node)) make_answers(node, answers, touched);
        }
        if (plan.documents.empty() && !map_off && answers.empty()) return;
        std::ranges::move(plan.notes, std::back_inserter(plan_.notes));

        // All documents of one change in one transaction: never two owners of a shard, never none.
        std::vector<Op> ops{CheckOp{.path = context_.paths.epoch(),
                                    .version = static_cast<std::int32_t>(context_.office.epoch)}};
        std::ranges::move(answers, std::back_inserter(ops));
        for (const auto& [node, document] : plan.documents) {
            const znodes::Assignment assignment{
                .stamp = stamp(), .incarnation = document.incarnation, .shards = document.shards};
            const std::string path = context_.paths.assignment(node);
            const auto known = view_.assignments.find(node);
            if (known != view_.assignments.end()) {
                ops.emplace_back(SetOp{.path = path,
                                       .data = znodes::encode(assignment),
                                       .version = known->second.version});
            } else {
                ops.emplace_back(CreateOp{.path = path, .data = znodes::encode(assignment)});
                ops.emplace_back(CreateOp{.path = znodes::Paths::keep(path)});
                touched.push_back(context_.paths.assignments());
                make_answers(node, ops, touched);
            }
            touched.push_back(path);
        }
        if (map_off) {
            const znodes::ShardMap map{.stamp = stamp(), .owners = std::move(plan.owners)};
            ops.push_back(put(context_.paths.map(), view_.map, znodes::encode(map)));
            touched.push_back(context_.paths.map());
        }
        plan_.transactions.push_back(
            {.what = "assignment", .ops = std::move(ops), .touched = std::move(touched)});
    }

    /// What a worker answers in, so that it only ever replaces under its guard. Without them it can
    /// neither get ready nor let go, so they are made again when someone deleted them.
    void make_answers(const NodeId& node, std::vector<Op>& ops, std::vector<std::string>& touched) {
        if (!view_.acks.contains(node)) {
            ops.emplace_back(CreateOp{.path = context_.paths.ack(node),
                                      .data = znodes::encode(znodes::Ack{.stamp = stamp()})});
            touched.push_back(context_.paths.acks());
        }
        if (!view_.progress.contains(node)) {
            ops.emplace_back(CreateOp{.path = context_.paths.progress(node),
                                      .data = znodes::encode(znodes::Progress{.stamp = stamp()})});
            touched.push_back(context_.paths.progresses());
        }
    }

    [[nodiscard]] bool assigned(const ShardId& shard) const {
        return std::ranges::any_of(view_.assignments, [&](const auto& item) {
            return std::ranges::any_of(
                item.second.value.shards,
                [&](const znodes::AssignedShard& a) { return a.shard == shard; });
        });
    }

    /// Shards that no layout names any more, once no worker is told to look at them; then the group
    /// itself.
    void remove_leftovers(const GroupName& name, const follow::GroupView& group) {
        const bool deleted = group.head && !group.head->garbage && group.head->value.deleted;
        const bool current = there(group.index) && group.head &&
                             group.index->value.group_uid == group.head->value.uid;
        if (!deleted && !(group.live() && current)) return;
        // What lies beyond the index may be the beginning of the very layout that is written now.
        if (relaid_.contains(name)) return;
        Batches batches(context_, name, plan_.transactions);
        bool all_gone = true;
        for (const auto& [k, shard] : group.shards) {
            if (!deleted && k < group.index->value.shards) continue;
            if (!shard.made) continue;
            const ShardId id{.group = name, .number = k};
            if (assigned(id)) {
                all_gone = false;
                continue;
            }
            std::vector<Op> ops;
            if (there(shard.members))
                ops.emplace_back(DeleteOp{.path = context_.paths.shard_members(id)});
            if (there(shard.status)) ops.emplace_back(DeleteOp{.path = context_.paths.status(id)});
            if (shard.handoff_version)
                ops.emplace_back(DeleteOp{.path = context_.paths.handoff(id)});
            ops.emplace_back(DeleteOp{.path = context_.paths.shard(id)});
            batches.add("remains of " + name.str(), std::move(ops), {context_.paths.shards(name)});
        }
        if (!deleted || !all_gone || !group.made) return;
        std::vector<Op> ops;
        if (there(group.index)) ops.emplace_back(DeleteOp{.path = context_.paths.index(name)});
        if (group.shards_made) ops.emplace_back(DeleteOp{.path = context_.paths.shards(name)});
        ops.emplace_back(DeleteOp{.path = context_.paths.group(name)});
        batches.barrier();
        batches.add("remains of " + name.str(),
                    std::move(ops),
                    {context_.paths.groups(), context_.paths.group(name)});
    }

    const follow::ClusterView& view_;
    const ControlContext& context_;
    std::set<GroupName> relaid_;  ///< by this plan
    ControlPlan plan_;
};

}  // namespace

std::optional<Layout> layout_of(const follow::GroupView& group) {
    if (!group.head || !group.index || group.index->garbage) return std::nullopt;
    const znodes::GroupIndex& index = group.index->value;
    if (index.group_uid != group.head->value.uid) return std::nullopt;
    Layout layout{
        .group_uid = index.group_uid, .number = index.layout, .shard_size = index.shard_size};
    for (int k = 0; k < index.shards; ++k) {
        const auto shard = group.shards.find(k);
        if (shard == group.shards.end() || !there(shard->second.members) ||
            shard->second.members->garbage) {
            return std::nullopt;
        }
        const znodes::ShardMembers& members = shard->second.members->value;
        if (members.group_uid != index.group_uid || members.layout != index.layout)
            return std::nullopt;
        layout.shards.push_back(members.slots);
    }
    return layout;
}

ControlPlan plan_control(const follow::ClusterView& view,
                         const ControlContext& context,
                         ControlMemory memory) {
    return Planner(view, context).run(std::move(memory));
}

}  // namespace muster::orchestrator
