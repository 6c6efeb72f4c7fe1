#pragma once

#include "common/base/clock.hpp"
#include "common/config/fleet_model.hpp"
#include "common/config/model.hpp"
#include "common/follow/cluster_view.hpp"
#include "common/follow/instance_group.hpp"
#include "common/znodes/payloads.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// An LB that is a member of its fleet's group now.
struct InstanceMember {
    follow::Instance instance;
    bool listed = false;  ///< when its slot was written
    znodes::Letter verdict = znodes::Letter::unknown;
    WallTime since{};      ///< of the verdict
    bool doubted = false;  ///< by who publishes that
    bool removed = false;  ///< muster has made it, and removed its machine
};

/// What an agent has registered.
struct Registration {
    BackendId id;
    std::string address;  ///< as it says: host:port, nothing, or anything
    bool operator==(const Registration&) const = default;
};

/// Carried from plan to plan by one master, and begun anew by the next.
struct InstanceMemory {
    /// An unregistered one that is DOWN. The wall time only tells one fall from another.
    struct Lost {
        SteadyTime seen{};  ///< when it was first seen so
        WallTime fell{};
        bool operator==(const Lost&) const = default;
    };
    std::map<BackendId, Lost> lost;
    std::set<std::string> said;  ///< notes, each told once
    bool operator==(const InstanceMemory&) const = default;
};

struct InstancePlan {
    std::vector<follow::Instance> instances;  ///< sorted by id
    std::vector<std::string> problems;        ///< what is registered, and is no instance, and why
    std::vector<std::string> notes;           ///< what changes, and why
    InstanceMemory memory;
    std::optional<SteadyTime> again;  ///< when to look again although nothing is heard
};

/// Which LBs a fleet has: those that its spec lists, those whose agents have registered, and those
/// that it had before. Pure.
/// - Listed: what the spec says of it counts, whatever its agent registers.
/// - Registered under a name that can be one, at an address where something can listen: an instance
///   there. One that registers rubbish stays where it was.
/// - Neither: muster's own trouble looks the same as an LB that is gone, so it stays where it was,
///   and its probe decides what becomes of it. It is forgotten once it has been DOWN without a
///   break for forget_after, while another instance serves. At once: when muster itself has removed
///   it and it is DOWN; when people have removed it
///   from the spec; when another one has registered at its very address.
/// - A new one at an address that another holds is none, nor is one beyond bounds::instances.
///
///   forget_after 1h:  12:00 lb2 unregistered, UP   13:00 the same   13:10 DOWN   14:10 forgotten
[[nodiscard]] InstancePlan plan_instances(const config::FleetSpec& fleet,
                                          const std::vector<Registration>& registered,
                                          const std::vector<InstanceMember>& members,
                                          const InstanceMemory& memory,
                                          SteadyTime now);

/// Sorted by id. What has never said who it is is none.
[[nodiscard]] std::vector<Registration> registrations_of(const follow::ClusterView& view,
                                                         const FleetName& fleet);
[[nodiscard]] std::vector<InstanceMember> members_of(const follow::GroupView& group);

/// What its agents register and is no instance, and why; the first few.
[[nodiscard]] std::vector<std::string> registration_problems(const follow::ClusterView& view,
                                                             const FleetName& name,
                                                             const config::FleetSpec& fleet);

}  // namespace muster::orchestrator
