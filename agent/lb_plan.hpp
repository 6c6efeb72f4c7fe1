#pragma once

#include "agent/lb_state.hpp"
#include "common/base/clock.hpp"
#include "common/follow/cluster_view.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster::agent {

/// The generation of a group that an LB applies. It is held here, so that it stays whatever becomes
/// of it in ZooKeeper.
struct AppliedGeneration {
    std::string group_uid;
    std::int64_t generation = 0;
    std::shared_ptr<const config::GroupSpec> spec;
};
using AppliedGenerations = std::map<GroupName, AppliedGeneration>;

/// By what an LB's generation of each group is chosen, besides the view.
struct GenerationSource {
    InstanceId instance;
    AppliedGenerations applied;
    std::set<GroupName> unread;  ///< their rollout may still come
};

/// What the LB is to do now, and of what that was made.
struct LbPlan {
    LbState state;
    std::int64_t fleet_generation = 0;
    std::map<GroupName, std::int64_t> generations;  ///< of the groups that are known
    AppliedGenerations applied;
    std::map<GroupName, std::int64_t> newest;     ///< generations, whose intents act
    std::map<GroupName, znodes::Stamp> rollouts;  ///< by which generations were chosen
    std::map<ShardId, znodes::Stamp> statuses;    ///< by which every verdict was published
    std::map<ShardId, WallTime> status_times;
    std::set<GroupName> panicking;
    std::set<GroupName> unreadable;     ///< there, but nothing of them could ever be read
    bool moves_with_time = false;       ///< a slow start or a lease goes on
    std::vector<std::string> problems;  ///< sentences for people
};

/// Nothing while the fleet is not known. Verdicts become traffic by rotation() alone;
/// `was_panicking` is what the last plan said. Each group is planned in the generation that its
/// rollout assigns to this LB (znodes/rollout.hpp); drain and maintenance are the newest
/// generation's all the same. A backend that the newest no longer has is not probed any more, and
/// counts as DOWN. A backend that the master has not given a slot yet gets no traffic. A group that
/// is not known, or was deleted, is a pool without servers, and a problem. Pure.
[[nodiscard]] std::optional<LbPlan> plan_lb(const follow::ClusterView& view,
                                            const FleetName& fleet,
                                            const std::set<GroupName>& was_panicking,
                                            WallTime now,
                                            const GenerationSource& source = {});

}  // namespace muster::agent
