#include "common/follow/instance_group.hpp"

#include "common/config/endpoint.hpp"
#include "common/config/instance_check.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace muster::follow {
namespace {

config::Backend backend_of(const config::FleetSpec& fleet, const Instance& instance) {
    const auto listed = std::ranges::lower_bound(
        fleet.instances, InstanceId(instance.id.str()), {}, &config::FleetInstance::id);
    if (listed == fleet.instances.end() || listed->id.str() != instance.id.str())
        return {.id = instance.id, .address = instance.address, .port = instance.port};
    return {.id = instance.id,
            .address = listed->address,
            .port = listed->port,
            .weight = listed->weight,
            .zone = listed->zone,
            .admin = listed->admin,
            .listed = true};
}

/// It is bound by a listener of the fleet, so that its check is another one.
bool is_special(const config::FleetSpec& fleet, const std::string& host) {
    return std::ranges::find(fleet.listeners, host, &config::Listener::address) !=
           fleet.listeners.end();
}

}  // namespace

GroupName instance_group(const FleetName& fleet) {
    return GroupName("@" + fleet.str());
}

std::optional<FleetName> fleet_of(const GroupName& group) {
    if (!group.str().starts_with('@')) return std::nullopt;
    return FleetName(std::string_view(group.str()).substr(1));
}

config::GroupSpec spec_of_instances(const config::FleetSpec& fleet,
                                    const std::vector<Instance>& instances) {
    config::GroupSpec group{.name = instance_group(fleet.name),
                            .check = config::check_of_instance(fleet)};
    for (const Instance& instance : instances) {
        config::Backend backend = backend_of(fleet, instance);
        if (is_special(fleet, backend.address)) {
            backend.check = config::BackendCheck{
                .fields = "{}", .check = config::check_of_instance(fleet, backend.address)};
        }
        group.backends.push_back(std::move(backend));
    }
    std::ranges::sort(group.backends, {}, &config::Backend::id);
    return group;
}

std::vector<Instance> instances_of(const GroupView& group) {
    std::vector<Instance> instances;
    if (!group.head) return instances;
    for (const auto& [number, shard] : group.shards) {
        if (!shard.members || shard.members->value.group_uid != group.head->value.uid) continue;
        for (const znodes::Slot& slot : shard.members->value.slots) {
            if (slot.tombstone) continue;
            const auto at = config::parse_endpoint(slot.address);
            const bool twice =
                std::ranges::find(instances, slot.backend, &Instance::id) != instances.end();
            if (at && !twice)
                instances.push_back({.id = slot.backend, .address = at->host, .port = at->port});
        }
    }
    return instances;
}

void derive_instance_groups(ClusterView& view) {
    for (auto& [name, group] : view.groups) {
        const auto fleet_name = fleet_of(name);
        if (!fleet_name) continue;
        const auto fleet = view.fleets.find(*fleet_name);
        // Without a word on its fleet it stays as it was.
        if (fleet == view.fleets.end() || !fleet->second.head) continue;
        group.head = fleet->second.head;
        group.head->value.spec.clear();
        group.head->value.chunks.clear();
        group.spec_generation = fleet->second.spec_generation;
        if (!fleet->second.live()) {
            group.spec = nullptr;
            continue;
        }
        config::GroupSpec spec = spec_of_instances(*fleet->second.spec, instances_of(group));
        // The same object for as long as it is the same: that is how readers see that nothing
        // changed.
        if (!group.spec || *group.spec != spec)
            group.spec = std::make_shared<const config::GroupSpec>(std::move(spec));
    }
}

}  // namespace muster::follow
