#pragma once

#include "common/follow/cluster_view.hpp"

#include <set>
#include <string>
#include <vector>

// Fleets lead to groups, and either may come first. Pure.
namespace muster::orchestrator {

/// A sentence for each group that the fleet leads to and that is neither in the view nor among
/// `coming`: "there is no group api yet, to which listener web leads".
[[nodiscard]] std::vector<std::string> missing_groups(const config::FleetSpec& fleet,
                                                      const follow::ClusterView& view,
                                                      const std::set<GroupName>& coming = {});

/// The fleets that lead to the group, in words: "fleet edge (listener web)".
[[nodiscard]] std::vector<std::string> fleets_leading_to(const GroupName& group,
                                                         const follow::ClusterView& view);

}  // namespace muster::orchestrator
