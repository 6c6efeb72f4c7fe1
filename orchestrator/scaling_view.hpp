#pragma once

#include "common/follow/cluster_view.hpp"
#include "orchestrator/dns_duty.hpp"
#include "orchestrator/snapshot.hpp"
#include "scaler/explain.hpp"
#include "scaler/lifecycle.hpp"
#include "scaler/lifecycle_write.hpp"
#include "scaler/shadow.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

// From the mirrored tree to what the scaler's pure parts ask for. Pure.
namespace muster::orchestrator {

/// What a plan for a fleet is made of, but for what a term remembers.
struct FleetFacts {
    scaler::LifecycleSettings settings;
    scaler::LifecycleView view;
    scaler::FleetVersions versions;
    std::shared_ptr<const config::FleetSpec> spec;
    scaler::Others others{};   ///< of a fleet in shadow
    bool asks_hosts = false;   ///< the provider
    std::string unreadable{};  ///< why nothing can be planned; empty: it can
};

/// Since when hosts of LBs have been reachable without a break.
using ReachableHosts = std::map<NodeId, WallTime>;

/// Brings `hosts` up to the facts, and the facts' sights up to `hosts`.
void note_hosts(FleetFacts& facts, ReachableHosts& hosts);

/// What a node keeps in mind of a fleet from term to term, so that it knows a tree that went back.
struct SeenFleet {
    std::string uid;  ///< of the fleet's life
    std::int64_t generation = 0;
    std::optional<WallTime> founded{};
    bool operator==(const SeenFleet&) const = default;
};

/// After this state was taken for good.
[[nodiscard]] SeenFleet remember(SeenFleet seen,
                                 const std::string& uid,
                                 const znodes::FleetState& state);
/// Of an earlier life of the fleet nothing is remembered.
void recall(const SeenFleet& seen, const std::string& uid, scaler::LifecycleView& view);

using OutOfDnsOf = std::function<dnsupdate::OutOfDns(const FleetName&, const InstanceId&)>;

/// Of a live fleet that has a policy, and a provider unless it is in shadow. Records that have
/// vanished are left out of the plan's view, so that it refuses to go on; without its state the
/// fleet is begun anew, by what is there.
[[nodiscard]] FleetFacts facts_of_fleet(const follow::ClusterView& view,
                                        const FleetName& name,
                                        const Snapshot* snapshot,
                                        const scaler::ProviderAbilities& abilities,
                                        const OutOfDnsOf& out_of_dns,
                                        WallTime now,
                                        SteadyTime steady);

/// Whom decisions are about; of a fleet that has a state.
[[nodiscard]] scaler::Membership membership_of(const FleetFacts& facts);

/// Its LBs that have no record, listed or registered: people run them. Those that carry names as a
/// provider of the fleet gives them are left out: they are on their way out, or orphans.
[[nodiscard]] std::set<InstanceId> others_of(const follow::ClusterView& view,
                                             const FleetName& name);

/// When all that a decision on a live fleet needs was known last, by the tree, so that it outlasts
/// every master. Nobody has said: since the fleet was begun; it wasn't: since its spec is as it is.
[[nodiscard]] WallTime informed_of(const follow::ClusterView& view, const FleetName& name);

/// To be told of the decision of the tick `at`.
void note_decision(FleetScalingNotes& notes,
                   const scaler::Decision& decision,
                   const scaler::Explanation& explanation,
                   const scaler::Membership& membership,
                   WallTime at);

/// What is shown of fleets that size themselves.
[[nodiscard]] std::map<FleetName, ScalingRow> scaling_rows(const follow::ClusterView& view);

/// Which LBs of a fleet must not be in DNS though they are healthy.
struct HeldBack {
    std::set<InstanceId> for_now;   ///< warming or draining: better than none at all
    std::set<InstanceId> for_good;  ///< on their way in or out, or machines without a record
    bool operator==(const HeldBack&) const = default;
};

/// Nothing: that isn't known, so the names stay as they are. LBs that muster has no records of and
/// that don't carry names of its own were started by people, and are not its business.
[[nodiscard]] std::optional<HeldBack> held_back(const follow::ClusterView& view,
                                                const FleetName& name);

/// Members of the fleet's group that carry a name of muster's own and have no record: it has
/// removed them, or they are orphans. None where the records aren't known, or don't add up.
[[nodiscard]] std::set<InstanceId> removed_instances(const follow::ClusterView& view,
                                                     const FleetName& name);

}  // namespace muster::orchestrator
