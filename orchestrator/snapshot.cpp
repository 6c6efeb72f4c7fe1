#include "orchestrator/snapshot.hpp"

#include "common/config/endpoint.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace muster::orchestrator {

const config::Backend* GroupRow::configured(const BackendId& id) const {
    const auto found = std::ranges::lower_bound(spec->backends, id, {}, &config::Backend::id);
    return found != spec->backends.end() && found->id == id ? &*found : nullptr;
}

std::string address_of(const config::Backend* configured) {
    if (configured == nullptr) return {};
    return config::to_string(
        config::Endpoint{.host = configured->address, .port = configured->port});
}

std::string zone_of(const config::Backend* configured) {
    return configured == nullptr ? std::string() : configured->zone;
}

const BackendRow* GroupRow::backend(const BackendId& id) const {
    const auto found = std::ranges::lower_bound(backends, id, {}, &BackendRow::id);
    return found != backends.end() && found->id == id ? &*found : nullptr;
}

const ShardRow* GroupRow::shard(int number) const {
    const auto found = std::ranges::lower_bound(shards, number, {}, &ShardRow::number);
    return found != shards.end() && found->number == number ? &*found : nullptr;
}

bool GroupRow::operator==(const GroupRow& other) const {
    const auto rest = [](const GroupRow& g) {
        return std::tie(g.uid,
                        g.generation,
                        g.author,
                        g.changed,
                        g.panic,
                        g.healthy_percent,
                        g.notes,
                        g.backends,
                        g.shards);
    };
    return rest(*this) == rest(other) && (spec == other.spec || *spec == *other.spec);
}

const GroupRow* Snapshot::group(const GroupName& name) const {
    const auto found = std::ranges::lower_bound(
        groups, name, {}, [](const auto& g) -> const GroupName& { return g->name(); });
    return found != groups.end() && (*found)->name() == name ? found->get() : nullptr;
}

const FleetRow* Snapshot::fleet(const FleetName& name) const {
    const auto found = std::ranges::lower_bound(fleets, name, {}, &FleetRow::name);
    return found != fleets.end() && found->name() == name ? &*found : nullptr;
}

const NodeRow* Snapshot::node(const NodeId& id) const {
    const auto found = std::ranges::lower_bound(nodes, id, {}, &NodeRow::id);
    return found != nodes.end() && found->id == id ? &*found : nullptr;
}

std::string_view to_string(EventKind kind) {
    switch (kind) {
        case EventKind::health_changed:
            return "health_changed";
        case EventKind::rotation_changed:
            return "rotation_changed";
        case EventKind::panic_changed:
            return "panic_changed";
        case EventKind::master_changed:
            return "master_changed";
        case EventKind::shard_moved:
            return "shard_moved";
        case EventKind::member_joined:
            return "member_joined";
        case EventKind::member_left:
            return "member_left";
        case EventKind::member_changed:
            return "member_changed";
        case EventKind::config_applied:
            return "config_applied";
        case EventKind::group_removed:
            return "group_removed";
        case EventKind::fleet_removed:
            return "fleet_removed";
        case EventKind::pause_changed:
            return "pause_changed";
        case EventKind::session_changed:
            return "session_changed";
        case EventKind::traffic_shifted:
            return "traffic_shifted";
    }
    return "unknown";
}

BackendState state_of(const BackendRow& backend) {
    switch (backend.admin) {
        case config::Admin::drain:
            return BackendState::drain;
        case config::Admin::maintenance:
            return BackendState::maintenance;
        case config::Admin::active:
            break;
    }
    switch (backend.verdict) {
        case znodes::Letter::up:
            return BackendState::up;
        case znodes::Letter::down:
            return BackendState::down;
        case znodes::Letter::degraded:
            return BackendState::degraded;
        case znodes::Letter::unknown:
            break;
    }
    return BackendState::unknown;
}

std::string_view to_string(BackendState state) {
    switch (state) {
        case BackendState::up:
            return "up";
        case BackendState::down:
            return "down";
        case BackendState::degraded:
            return "degraded";
        case BackendState::unknown:
            return "unknown";
        case BackendState::drain:
            return "drain";
        case BackendState::maintenance:
            return "maintenance";
    }
    return "unknown";
}

}  // namespace muster::orchestrator
