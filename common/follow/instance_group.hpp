#pragma once

#include "common/config/fleet_model.hpp"
#include "common/config/model.hpp"
#include "common/follow/cluster_view.hpp"

#include <optional>
#include <string>
#include <vector>

// The LBs of fleet "edge" are probed as the group "@edge". It has no config of its own: what it is
// follows from the fleet's head and from its members, so that every reader comes to the same. No
// group of users can have such a name. Pure.
namespace muster::follow {

[[nodiscard]] GroupName instance_group(const FleetName& fleet);
/// Nothing: a group of users.
[[nodiscard]] std::optional<FleetName> fleet_of(const GroupName& group);

/// An LB of a fleet, as far as the fleet's spec does not say more of it.
struct Instance {
    BackendId id;
    std::string address;  ///< host part
    std::uint16_t port = 0;
    bool operator==(const Instance&) const = default;
};

/// The group of these. Those that the fleet lists are as it says, wherever they were before.
[[nodiscard]] config::GroupSpec spec_of_instances(const config::FleetSpec& fleet,
                                                  const std::vector<Instance>& instances);

/// The slots in use, of the present life of the group. Those whose address is none are left out.
[[nodiscard]] std::vector<Instance> instances_of(const GroupView& group);

/// Gives the groups "@..." that have znodes the head and the spec that follow from their fleets.
void derive_instance_groups(ClusterView& view);

}  // namespace muster::follow
