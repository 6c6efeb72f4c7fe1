#pragma once

#include "common/follow/cluster_view.hpp"
#include "orchestrator/shard_plan.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster::orchestrator {

struct AssignmentSettings {
    PlanSettings plan;
    /// Quiet time after a change of membership before shards move for balance alone: a node that
    /// comes right back finds its place.
    std::chrono::nanoseconds balance_delay = std::chrono::seconds(3);
    /// A planned move that has not become ready by then is called off.
    std::chrono::nanoseconds move_limit = std::chrono::seconds(30);
    std::size_t moves_in_flight = 16;
    /// A shard without a complete pass for two intervals and this moves to another worker ...
    std::chrono::nanoseconds progress_grace = std::chrono::seconds(5);
    /// ... and stays away from the one that failed it for so long.
    std::chrono::nanoseconds barred_for = std::chrono::seconds(60);
    /// A worker that doubts its eyes loses its shards after this long: by then it is known whether
    /// the others doubt theirs, too.
    std::chrono::nanoseconds doubt_delay = std::chrono::seconds(2);
};

/// What the master remembers from plan to plan; starts empty with each office. Losing it costs
/// time, never safety.
struct AssignmentMemory {
    std::map<std::int64_t, SteadyTime> move_started;
    std::set<std::pair<NodeId, std::string>>
        members;  ///< node and incarnation, as of the last plan
    SteadyTime members_changed{};
    std::map<ShardId, std::pair<NodeId, SteadyTime>> barred;  ///< until when
    std::int64_t moves_made = 0;
};

/// The moment of a plan, and since when the master could have heard of progress at all.
struct PlanTime {
    SteadyTime now{};
    SteadyTime listening_since{};  ///< in office and connected without a break
};

struct PlannedDocument {
    std::string incarnation;
    std::vector<znodes::AssignedShard> shards;
    bool operator==(const PlannedDocument&) const = default;
};

struct AssignmentPlan {
    std::map<NodeId, PlannedDocument> documents;  ///< only those that change
    std::map<ShardId, NodeId> owners;             ///< after the change
    std::vector<std::string> notes;  ///< one line for each move, start, end and cancellation of one
    std::vector<ShardId> unplaceable;
    AssignmentMemory memory;
    std::optional<SteadyTime> again;  ///< plan again then, even if nothing has changed
};

/// Who does what: live owners keep their shards, orphans get a new owner at once, planned moves go
/// through DRAIN at the old and WARM at the new owner until that one answers READY. Pure.
///
///   A: OWN                   A: DRAIN(m)  B: WARM(m)            B: OWN
///   ------ plan: A -> B ---->------------- B acks READY(m) ---->-------    one transaction for
///   each arrow A dies in between: B gets OWN. B dies, or is not ready within move_limit: A gets
///   OWN back.
[[nodiscard]] AssignmentPlan plan_assignments(const follow::ClusterView& view,
                                              std::int64_t epoch,
                                              AssignmentMemory memory,
                                              PlanTime time,
                                              const AssignmentSettings& settings);

}  // namespace muster::orchestrator
