#pragma once

#include "common/follow/cluster_view.hpp"
#include "orchestrator/dns_duty.hpp"
#include "orchestrator/snapshot.hpp"
#include "scaler/lifecycle.hpp"
#include "scaler/lifecycle_write.hpp"

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
    std::string unreadable{};  ///< why nothing can be planned; empty: it can
};

using OutOfDnsOf = std::function<dnsupdate::OutOfDns(const FleetName&, const InstanceId&)>;

/// Of a live fleet that has a provider and a policy. `places`: the provider's. Records that have
/// vanished are left out of the plan's view, so that it refuses to go on.
[[nodiscard]] FleetFacts facts_of_fleet(const follow::ClusterView& view,
                                        const FleetName& name,
                                        const Snapshot* snapshot,
                                        bool places,
                                        const OutOfDnsOf& out_of_dns,
                                        WallTime now,
                                        SteadyTime steady);

/// What is shown of fleets that size themselves.
[[nodiscard]] std::map<FleetName, ScalingRow> scaling_rows(const follow::ClusterView& view);

/// Of a fleet whose LBs muster makes: which of them must not be in DNS though they are healthy.
/// Nothing: that isn't known, so the names stay as they are. LBs that it has no records of and that
/// don't carry names of its own were started by people, and are not its business.
[[nodiscard]] std::optional<std::set<InstanceId>> held_back(const follow::ClusterView& view,
                                                            const FleetName& name);

/// Members of the fleet's group that carry a name of muster's own and have no record: it has
/// removed them, or they are orphans. None where the records aren't known, or don't add up.
[[nodiscard]] std::set<InstanceId> machines_without_record(const follow::ClusterView& view,
                                                           const FleetName& name);

}  // namespace muster::orchestrator
