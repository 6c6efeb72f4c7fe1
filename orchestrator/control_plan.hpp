#pragma once

#include "common/coordination/types.hpp"
#include "common/follow/cluster_view.hpp"
#include "common/znodes/paths.hpp"
#include "orchestrator/assignment_plan.hpp"
#include "orchestrator/election.hpp"
#include "orchestrator/instance_plan.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// One multi of the master. Its first op is always the check of the epoch.
struct Transaction {
    std::string what;  ///< for the log
    /// Each part of a group's change needs those before it; changes of different groups, and the
    /// assignments (no group), need nothing of each other.
    std::optional<GroupName> group;
    std::vector<coordination::Op> ops;
    std::vector<std::string> touched;  ///< paths whose copy is out of date afterwards
};

struct ControlContext {
    znodes::Paths paths;
    std::string cluster;  ///< uuid
    NodeId node;          ///< the master
    Office office;
    WallTime wall{};
    PlanTime time;
    AssignmentSettings assignment;
};

/// What the master remembers from plan to plan; starts empty with each office. Losing it costs
/// time, never safety.
struct ControlMemory {
    AssignmentMemory assignment;
    std::map<FleetName, InstanceMemory> instances;
};

struct ControlPlan {
    /// In order; after a refusal the rest of that group's is dropped and planned anew.
    std::vector<Transaction> transactions;
    std::vector<std::string> notes;
    std::vector<ShardId> unplaceable;
    ControlMemory memory;
    std::optional<SteadyTime> again;
};

/// Everything that the master would change in the tree now: layouts (index, members) of groups and
/// of the LBs of fleets, assignments, the remains of deleted groups. Level-triggered: it compares
/// what is with what should be, so a crash at any point, a stale view or a lost event costs another
/// round, never a wrong state. Pure; nothing to do = no transactions.
[[nodiscard]] ControlPlan plan_control(const follow::ClusterView& view,
                                       const ControlContext& context,
                                       ControlMemory memory);

/// A group's layout as the tree has it; nothing when there is none, or it belongs to an earlier
/// group of that name, or parts of it are missing or unreadable.
struct Layout;
[[nodiscard]] std::optional<Layout> layout_of(const follow::GroupView& group);

}  // namespace muster::orchestrator
