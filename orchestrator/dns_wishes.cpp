#include "orchestrator/dns_wishes.hpp"

#include "common/config/endpoint.hpp"
#include "common/follow/instance_group.hpp"
#include "orchestrator/scaling_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace muster::orchestrator {

namespace {

/// Every LB that it has is read: none may seem to be gone because its shard isn't here yet.
bool is_known(const follow::ClusterView& view, const FleetName& fleet) {
    const auto found = view.groups.find(follow::instance_group(fleet));
    if (found == view.groups.end() || !found->second.live()) return false;
    const follow::GroupView& group = found->second;
    const std::string& uid = group.head->value.uid;
    if (!group.index || group.index->garbage || group.index->value.group_uid != uid) return false;
    for (int number = 0; number < group.index->value.shards; ++number) {
        const auto shard = group.shards.find(number);
        if (shard == group.shards.end() || !shard->second.members ||
            shard->second.members->garbage || shard->second.members->value.group_uid != uid)
            return false;
    }
    return true;
}

dnsupdate::Standing standing_of(znodes::RotationReason reason) {
    switch (reason) {
        case znodes::RotationReason::unproven:
            return dnsupdate::Standing::unproven;
        case znodes::RotationReason::panic:
        case znodes::RotationReason::eject_capped:
            return dnsupdate::Standing::failing;
        case znodes::RotationReason::healthy:
        case znodes::RotationReason::slow_start:
        case znodes::RotationReason::down:
        case znodes::RotationReason::drain:
        case znodes::RotationReason::maintenance:
        case znodes::RotationReason::zero_weight:
        case znodes::RotationReason::own_down:
        case znodes::RotationReason::own_drain:
        case znodes::RotationReason::own_maintenance:
        case znodes::RotationReason::own_weight:
        case znodes::RotationReason::outlier:
        case znodes::RotationReason::outlier_capped:
            break;
    }
    return dnsupdate::Standing::good;
}

/// What keeps a healthy LB that muster has made out of DNS.
constexpr std::string_view not_in_service = "not in service (warming up, or leaving)";

dnsupdate::PublishedFleet published(const config::FleetSpec& spec,
                                    const GroupRow* group,
                                    const AllowedAddresses& allowed,
                                    const HeldBack& held_back) {
    dnsupdate::PublishedFleet fleet{.name = spec.name, .dns = spec.dns};
    if (group == nullptr) return fleet;
    std::set<InstanceId> waiting;  // healthy, and held back for now
    for (const BackendRow& row : group->backends) {
        const config::Backend* const configured = group->configured(row.id);
        if (configured == nullptr) continue;
        std::string why(to_string(row.rotation_reason));
        if (!row.reason.empty()) why += fmt::format(" ({})", row.reason);
        const InstanceId id(row.id.str());
        const bool held = held_back.for_now.contains(id) || held_back.for_good.contains(id);
        if (held && row.in_rotation) why = not_in_service;
        fleet.instances.push_back(
            {.id = id,
             .address = configured->address,
             .port = configured->port,
             .in = row.in_rotation && !held,
             .standing = standing_of(row.rotation_reason),
             .weight = row.weight,
             .why = std::move(why),
             .unfit = config::is_host_name(configured->address)
                          ? ""
                          : config::why_not_published(allowed, configured->address),
             .zone = configured->zone});
        if (row.in_rotation && held_back.for_now.contains(id)) waiting.insert(id);
    }
    // One that warms up, or was to leave, is better than those that are dead.
    const bool any = std::ranges::any_of(fleet.instances, [](const auto& instance) {
        return instance.in && instance.standing != dnsupdate::Standing::failing;
    });
    for (auto& instance : fleet.instances) {
        if (!any && waiting.contains(instance.id) && instance.standing == dnsupdate::Standing::good)
            instance.in = true;
    }
    return fleet;
}

dnsupdate::Shifted shifted(const follow::ClusterView& view,
                           WallTime now,
                           std::vector<std::string>& problems) {
    dnsupdate::Shifted all{.now = now};
    if (!view.shifts) return all;
    for (const auto& [name, shift] : view.shifts->value.names)
        all.names.emplace(name, dnsupdate::Shares{.by = shift.by, .percents = shift.now});
    if (view.shifts->garbage)
        problems.emplace_back(
            "the shares of traffic can't be read in ZooKeeper: the last ones that could count");
    return all;
}

/// Instances have names of their own below the names that they stand for. One that is to be
/// published itself would be written by both.
void keep_apart(dnsupdate::DesiredRecords& wishes) {
    auto& sets = wishes.desired.sets;
    for (const auto& [name, set] : sets) {
        std::set<dnsupdate::MemberId> ids;
        for (const auto& [id, member] : set.records.members) ids.insert(id);
        for (const auto& [id, why] : set.left_out) ids.insert(id);
        for (const dnsupdate::MemberId& id : ids) {
            const auto below = sets.find(dnsupdate::DnsName(id.str() + "." + name.str()));
            if (below == sets.end()) continue;
            below->second.records.members.clear();
            wishes.problems.push_back(
                fmt::format("{} is the name of an instance of {}, so it is not published",
                            below->first.str(),
                            name.str()));
        }
    }
}

}  // namespace

bool is_in_zone(const std::string& name, const std::string& zone) {
    return name == zone || name.ends_with("." + zone);
}

dnsupdate::DesiredRecords dns_wishes(const follow::ClusterView& view,
                                     const Snapshot& snapshot,
                                     const std::vector<std::string>& zones,
                                     const AllowedAddresses& allowed,
                                     bool settled,
                                     const DnsNameView& of) {
    bool complete = settled && view.control.has_value() && view.deferred.empty();
    std::vector<dnsupdate::PublishedFleet> fleets;
    std::set<dnsupdate::DnsName> unknown;
    std::vector<std::string> problems;
    for (const auto& [name, fleet] : view.fleets) {
        if (!fleet.head || fleet.head->garbage || fleet.head->gone) complete = false;
        if (fleet.head && fleet.head->value.deleted) continue;
        if (!fleet.live()) {
            complete = false;
            continue;
        }
        if (fleet.spec->dns.empty()) continue;
        const std::optional<HeldBack> held = held_back(view, name);
        fleets.push_back(published(*fleet.spec,
                                   snapshot.group(follow::instance_group(name)),
                                   allowed,
                                   held.value_or(HeldBack{})));
        if (held && is_known(view, name)) continue;
        complete = false;
        for (const config::DnsEntry& entry : fleet.spec->dns) unknown.emplace(entry.name);
        problems.push_back(
            fmt::format("the load balancers of fleet {} are not all known yet, so "
                        "its names stay as they are",
                        name.str()));
    }
    dnsupdate::DesiredRecords wishes = dnsupdate::desired_records(
        fleets, of.name, complete, of.fallback, shifted(view, snapshot.time, problems));
    wishes.problems.insert(wishes.problems.end(), problems.begin(), problems.end());
    for (const dnsupdate::DnsName& name : unknown) {
        const auto set = wishes.desired.sets.find(name);
        if (set != wishes.desired.sets.end()) set->second.records.members.clear();
        wishes.shared.erase(name);
    }
    keep_apart(wishes);
    std::erase_if(wishes.desired.sets, [&](const auto& one) {
        const std::string& name = one.first.str();
        const bool inside = zones.empty() || std::ranges::any_of(zones, [&](const auto& zone) {
                                return is_in_zone(name, zone);
                            });
        if (!inside)
            wishes.problems.push_back(
                fmt::format("{} is in none of the zones {}", name, fmt::join(zones, ", ")));
        return !inside;
    });
    return wishes;
}

}  // namespace muster::orchestrator
