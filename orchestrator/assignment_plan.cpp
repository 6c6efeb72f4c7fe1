#include "orchestrator/assignment_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster::orchestrator {

using znodes::AssignedShard;
using znodes::Role;

namespace {

struct WarmSide {
    NodeId node;
    std::int64_t move = 0;
};

/// A shard's situation: who acts on it, and who is getting ready to.
struct Holding {
    std::optional<NodeId> owner;
    std::optional<WarmSide> warm;
};

std::string_view why(MoveReason reason) {
    switch (reason) {
        case MoveReason::orphan:
            return "its owner is gone";
        case MoveReason::unassigned:
            return "it is new";
        case MoveReason::drain:
            return "its owner is leaving";
        case MoveReason::barred:
            return "its owner makes no progress on it";
        case MoveReason::probe:
            return "its owner lacks the probe kind";
        case MoveReason::balance:
            return "its owner holds too much";
    }
    return "";
}

class Planner {
 public:
    Planner(const follow::ClusterView& view,
            std::int64_t epoch,
            AssignmentMemory memory,
            PlanTime time,
            const AssignmentSettings& settings)
        : view_(view), epoch_(epoch), time_(time), settings_(settings) {
        plan_.memory = std::move(memory);
    }

    AssignmentPlan run() {
        note_membership();
        list_shards();
        read_holdings();
        settle_moves();
        bar_stalled();
        place();
        write_documents();
        return std::move(plan_);
    }

 private:
    [[nodiscard]] bool lives(const NodeId& node) const { return view_.members.contains(node); }

    void look_again(SteadyTime when) {
        if (!plan_.again || when < *plan_.again) plan_.again = when;
    }

    void note_membership() {
        std::set<std::pair<NodeId, std::string>> members;
        for (const auto& [node, member] : view_.members)
            members.emplace(node, member.value.incarnation);
        if (members == plan_.memory.members) return;
        plan_.memory.members = std::move(members);
        plan_.memory.members_changed = time_.now;
    }

    void list_shards() {
        for (const auto& [name, group] : view_.groups) {
            if (!group.live() || !group.index ||
                group.index->value.group_uid != group.head->value.uid)
                continue;
            const auto interval = std::max<config::Duration>(group.spec->check.interval,
                                                             std::chrono::milliseconds(1));
            const std::set<std::string> all_needs = config::needs_of(*group.spec);
            const std::vector<std::string> needs(all_needs.begin(), all_needs.end());
            for (int k = 0; k < group.index->value.shards; ++k) {
                const auto shard = group.shards.find(k);
                if (shard == group.shards.end() || !shard->second.members) continue;
                const auto backends =
                    std::ranges::count_if(shard->second.members->value.slots,
                                          [](const znodes::Slot& s) { return !s.tombstone; });
                const std::int64_t cost =
                    std::int64_t{backends} * 1000 *
                    std::chrono::nanoseconds(std::chrono::seconds(1)).count() / interval.count();
                shards_.push_back({.shard = {.group = name, .number = k},
                                   .cost = std::max<std::int64_t>(cost, 1),
                                   .probes = needs});
                intervals_[shards_.back().shard] = interval;
            }
        }
    }

    void read_holdings() {
        for (const PlanShard& shard : shards_) holdings_[shard.shard];
        for (const auto& [node, document] : view_.assignments) {
            // A restarted process (same node, new incarnation) is given its shards again, but not
            // its half-made moves.
            const auto member = view_.members.find(node);
            const bool same_process =
                member != view_.members.end() &&
                member->second.value.incarnation == document.value.incarnation;
            for (const AssignedShard& assigned : document.value.shards) {
                const auto holding = holdings_.find(assigned.shard);
                if (holding == holdings_.end()) {
                    if (!is_over(assigned.shard)) frozen_[node].push_back(assigned);
                    continue;
                }
                if (assigned.role != Role::warm) {
                    if (!holding->second.owner) holding->second.owner = node;
                } else if (same_process) {
                    holding->second.warm = WarmSide{.node = node, .move = assigned.move};
                }
            }
        }
    }

    /// The tree says that this shard exists no more. Not being able to read its group is no such
    /// word: then everything stays as it is assigned.
    [[nodiscard]] bool is_over(const ShardId& shard) const {
        const auto group = view_.groups.find(shard.group);
        if (group == view_.groups.end() || !group->second.head || group->second.head->garbage)
            return false;
        if (group->second.head->value.deleted) return true;
        return group->second.live() && group->second.index && !group->second.index->garbage &&
               group->second.index->value.group_uid == group->second.head->value.uid &&
               shard.number >= group->second.index->value.shards;
    }

    [[nodiscard]] bool is_ready(const WarmSide& warm, const ShardId& shard) const {
        const auto ack = view_.acks.find(warm.node);
        if (ack == view_.acks.end()) return false;
        return std::ranges::any_of(ack->second.value.answers, [&](const znodes::AckEntry& entry) {
            return entry.shard == shard && entry.move == warm.move &&
                   entry.answer == znodes::Answer::ready;
        });
    }

    void settle_moves() {
        std::map<std::int64_t, SteadyTime> still_moving;
        for (auto& [shard, holding] : holdings_) {
            if (!holding.warm) continue;
            const WarmSide warm = *holding.warm;
            if (!holding.owner || !lives(*holding.owner)) {
                note(fmt::format("{}: {} takes over, the owner died while handing over",
                                 shard.str(),
                                 warm.node.str()));
                holding = {.owner = warm.node, .warm = std::nullopt};
                continue;
            }
            if (is_ready(warm, shard)) {
                note(fmt::format("{}: handed over from {} to {}",
                                 shard.str(),
                                 holding.owner->str(),
                                 warm.node.str()));
                holding = {.owner = warm.node, .warm = std::nullopt};
                continue;
            }
            const auto known = plan_.memory.move_started.find(warm.move);
            const SteadyTime started =
                known != plan_.memory.move_started.end() ? known->second : time_.now;
            if (time_.now >= started + settings_.move_limit) {
                note(fmt::format("{}: move to {} called off, it did not get ready",
                                 shard.str(),
                                 warm.node.str()));
                holding.warm.reset();
                plan_.memory.barred[shard] = {warm.node, time_.now + settings_.barred_for};
                continue;
            }
            still_moving[warm.move] = started;
            look_again(started + settings_.move_limit);
        }
        plan_.memory.move_started = std::move(still_moving);
    }

    /// When this shard's owner was last known to have probed all of it.
    [[nodiscard]] SteadyTime last_pass(const ShardId& shard, const NodeId& owner) const {
        SteadyTime last = time_.listening_since;
        if (const auto document = view_.assignments.find(owner);
            document != view_.assignments.end()) {
            last = std::max(last, document->second.received);
        }
        if (const auto progress = view_.progress.find(owner); progress != view_.progress.end()) {
            const auto age = progress->second.value.pass_age.find(shard);
            if (age != progress->second.value.pass_age.end()) {
                last = std::max(last, progress->second.received - age->second);
            }
        }
        return last;
    }

    void bar_stalled() {
        std::erase_if(plan_.memory.barred, [&](const auto& item) {
            return !holdings_.contains(item.first) || item.second.second <= time_.now;
        });
        std::vector<std::pair<ShardId, NodeId>> stalled;
        std::set<NodeId> stalled_nodes;
        for (const auto& [shard, holding] : holdings_) {
            if (!holding.owner || !lives(*holding.owner)) continue;
            const SteadyTime limit = last_pass(shard, *holding.owner) + 2 * intervals_.at(shard) +
                                     settings_.progress_grace;
            if (time_.now >= limit) {
                stalled.emplace_back(shard, *holding.owner);
                stalled_nodes.insert(*holding.owner);
            } else {
                look_again(limit);
            }
        }
        // When half of the workers make no progress it is the world that is slow, and moving would
        // not help.
        const std::size_t members = view_.members.size();
        const bool the_world = stalled_nodes.size() == members ||
                               (stalled_nodes.size() > 1 && stalled_nodes.size() * 2 >= members);
        if (!the_world) {
            for (const auto& [shard, node] : stalled) {
                plan_.memory.barred[shard] = {node, time_.now + settings_.barred_for};
            }
        }
        for (PlanShard& shard : shards_) {
            const auto barred = plan_.memory.barred.find(shard.shard);
            if (barred == plan_.memory.barred.end()) continue;
            // A slow owner is better than none.
            const std::optional<NodeId>& owner = holdings_.at(shard.shard).owner;
            const bool orphan = !owner || !lives(*owner);
            if (orphan && !another_accepts(shard, barred->second.first)) continue;
            shard.barred = barred->second.first;
        }
    }

    [[nodiscard]] bool another_accepts(const PlanShard& shard, const NodeId& than) const {
        return std::ranges::any_of(view_.members, [&](const auto& item) {
            const auto& [node, member] = item;
            const auto& has = member.value.probes;
            return node != than && accepts(member) &&
                   std::ranges::all_of(shard.probes, [&has](const std::string& probe) {
                       return std::ranges::find(has, probe) != has.end();
                   });
        });
    }

    /// When half of the workers doubt their eyes it is the world that has changed: nothing moves.
    [[nodiscard]] bool the_world_is_doubtful() const {
        const auto doubting = std::ranges::count_if(
            view_.members, [](const auto& item) { return item.second.value.doubt; });
        return 2 * doubting >= std::ssize(view_.members);
    }

    [[nodiscard]] bool accepts(const follow::Versioned<znodes::Member>& member) const {
        const bool doubts = member.value.doubt && !the_world_is_doubtful() &&
                            time_.now >= member.received + settings_.doubt_delay;
        return !member.value.drain && !doubts && !member.garbage;
    }

    void place() {
        std::vector<PlanMember> members;
        for (const auto& [node, member] : view_.members) {
            const SteadyTime settled = member.received + settings_.doubt_delay;
            if (member.value.doubt && time_.now < settled) look_again(settled);
            members.push_back({.node = node,
                               .zone = member.value.zone,
                               .capacity = std::max(member.value.capacity, 1),
                               .accepts = accepts(member),
                               .probes = member.value.probes});
        }
        std::map<ShardId, NodeId> current;
        std::size_t moving = 0;
        for (const auto& [shard, holding] : holdings_) {
            if (holding.warm) {
                current.emplace(shard, holding.warm->node);
                ++moving;
            } else if (holding.owner) {
                current.emplace(shard, *holding.owner);
            }
        }
        const ShardPlan plan = plan_shards(members, shards_, current, settings_.plan);
        plan_.unplaceable = plan.unplaceable;
        const SteadyTime quiet = plan_.memory.members_changed + settings_.balance_delay;
        for (const Move& move : plan.moves) {
            Holding& holding = holdings_.at(move.shard);
            if (holding.warm) continue;
            const bool planned =
                move.from && lives(*move.from) &&
                (move.reason == MoveReason::drain || move.reason == MoveReason::balance);
            if (!planned) {
                note(fmt::format(
                    "{}: {} owns it now, {}", move.shard.str(), move.to.str(), why(move.reason)));
                holding.owner = move.to;
                continue;
            }
            if (move.reason == MoveReason::balance && time_.now < quiet) {
                look_again(quiet);
                continue;
            }
            if (moving >= settings_.moves_in_flight)
                continue;  // the end of a move brings the next plan
            ++moving;
            const std::int64_t id = (epoch_ << 24U) + ++plan_.memory.moves_made;
            holding.warm = WarmSide{.node = move.to, .move = id};
            plan_.memory.move_started[id] = time_.now;
            look_again(time_.now + settings_.move_limit);
            note(fmt::format("{}: moving from {} to {}, {}",
                             move.shard.str(),
                             move.from->str(),
                             move.to.str(),
                             why(move.reason)));
        }
    }

    void write_documents() {
        std::map<NodeId, PlannedDocument> documents;
        for (const auto& [node, document] : view_.assignments) {
            documents[node].incarnation = document.value.incarnation;
        }
        for (const auto& [node, member] : view_.members) {
            documents[node].incarnation = member.value.incarnation;
        }
        for (const auto& [shard, holding] : holdings_) {
            if (holding.owner) {
                // Even a dead one, when nobody can take over: it may only have lost its session,
                // and as long as there is no other publisher it goes on.
                const bool leaving = holding.warm.has_value();
                documents[*holding.owner].shards.push_back(
                    {.shard = shard,
                     .role = leaving ? Role::drain : Role::own,
                     .move = leaving ? holding.warm->move : 0});
                if (lives(*holding.owner)) plan_.owners.emplace(shard, *holding.owner);
            }
            if (holding.warm) {
                documents[holding.warm->node].shards.push_back(
                    {.shard = shard, .role = Role::warm, .move = holding.warm->move});
            }
        }
        for (const auto& [node, shards] : frozen_) {
            for (const AssignedShard& shard : shards) {
                documents[node].shards.push_back(shard);
                if (shard.role != Role::warm) plan_.owners.emplace(shard.shard, node);
            }
        }
        for (auto& [node, document] : documents) {
            std::ranges::sort(document.shards, {}, &AssignedShard::shard);
            const auto known = view_.assignments.find(node);
            const bool same = known != view_.assignments.end() && !known->second.garbage &&
                              known->second.value.incarnation == document.incarnation &&
                              known->second.value.shards == document.shards;
            if (!same) plan_.documents.emplace(node, std::move(document));
        }
    }

    void note(std::string line) { plan_.notes.push_back(std::move(line)); }

    const follow::ClusterView& view_;
    std::int64_t epoch_;
    PlanTime time_;
    const AssignmentSettings& settings_;
    AssignmentPlan plan_;
    std::vector<PlanShard> shards_;
    std::map<ShardId, std::chrono::nanoseconds> intervals_;
    std::map<ShardId, Holding> holdings_;
    std::map<NodeId, std::vector<AssignedShard>> frozen_;  ///< of groups that can't be read now
};

}  // namespace

AssignmentPlan plan_assignments(const follow::ClusterView& view,
                                std::int64_t epoch,
                                AssignmentMemory memory,
                                PlanTime time,
                                const AssignmentSettings& settings) {
    return Planner(view, epoch, std::move(memory), time, settings).run();
}

}  // namespace muster::orchestrator
