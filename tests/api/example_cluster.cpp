#include "tests/api/example_cluster.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using namespace orchestrator;

BackendRow up(std::string_view id, int shard, WallTime since) {
    return {.id = BackendId(id),
            .verdict = znodes::Letter::up,
            .since = since,
            .reason = "L7OK",
            .in_rotation = true,
            .rotation_weight = 100,
            .rotation_reason = znodes::RotationReason::healthy,
            .shard = shard};
}

ShardRow shard(int number, std::string_view owner, int backends, WallTime wall) {
    return {.number = number,
            .owner = NodeId(owner),
            .owner_token = 12,
            .layout = 1,
            .sequence = 41,
            .status_time = wall - 3200ms,
            .progress_time = wall - 4800ms,
            .backends = backends};
}

/// The n-th of them at the n-th address.
std::shared_ptr<const config::GroupSpec> spec_of(std::string_view name,
                                                 const std::vector<BackendRow>& rows,
                                                 const std::vector<std::string>& addresses,
                                                 std::uint16_t port) {
    config::GroupSpec spec{.name = GroupName(name)};
    spec.check.probe = config::HttpCheck{.path = "/health"};
    for (std::size_t i = 0; i < rows.size(); ++i) {
        spec.backends.push_back({.id = rows[i].id,
                                 .address = addresses[i],
                                 .port = port,
                                 .weight = rows[i].weight,
                                 .zone = "a",
                                 .admin = rows[i].admin});
    }
    return std::make_shared<const config::GroupSpec>(std::move(spec));
}

std::shared_ptr<const GroupRow> web(WallTime wall) {
    std::vector<BackendRow> backends = {up("b1", 0, wall - 2h),
                                        up("b2", 0, wall - 14s),
                                        up("b3", 1, wall - 2h),
                                        up("b4", 1, wall - 2h)};
    BackendRow& down = backends[1];
    down.verdict = znodes::Letter::down;
    down.reason = "L4CON";
    down.successes = 1;
    down.in_rotation = false;
    down.rotation_weight = 0;
    down.rotation_reason = znodes::RotationReason::down;
    BackendRow& draining = backends[3];
    draining.admin = config::Admin::drain;
    draining.in_rotation = false;
    draining.rotation_weight = 0;
    draining.rotation_reason = znodes::RotationReason::drain;
    const auto spec =
        spec_of("web", backends, {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}, 80);
    return std::make_shared<const GroupRow>(
        GroupRow{.spec = spec,
                 .uid = "uid-web",
                 .generation = 4,
                 .author = "alice",
                 .changed = wall - 1h,
                 .healthy_percent = 66,
                 .backends = std::move(backends),
                 .shards = {shard(0, "n1", 2, wall), shard(1, "n2", 2, wall)}});
}

std::shared_ptr<const GroupRow> db(WallTime wall) {
    std::vector<BackendRow> backends = {up("primary", 0, wall - 2h)};
    const auto spec = spec_of("db", backends, {"::1"}, 5432);
    return std::make_shared<const GroupRow>(GroupRow{.spec = spec,
                                                     .uid = "uid-db",
                                                     .generation = 1,
                                                     .author = "loopback",
                                                     .changed = wall - 2h,
                                                     .backends = std::move(backends),
                                                     .shards = {shard(0, "n3", 1, wall)}});
}

NodeRow node(std::string_view id, std::string_view zone, int backends) {
    return {.id = NodeId(id),
            .incarnation = "life-" + std::string(id),
            .zone = std::string(zone),
            .build = "abc123",
            .api_address = "127.0.0.1:9700",
            .peer_address = "127.0.0.1:9701",
            .shards = 1,
            .backends = backends};
}

}  // namespace

Snapshot example_snapshot(SteadyTime now, WallTime wall) {
    Snapshot snapshot{.number = 7, .built = now, .time = wall};
    snapshot.cluster = {.uuid = "11111111-2222-3333-4444-555555555555",
                        .name = "example",
                        .era = 1,
                        .master = MasterRow{.node = NodeId("n2"),
                                            .epoch = 17,
                                            .since = wall - 1h,
                                            .api_address = "127.0.0.1:9700"}};
    snapshot.session = {.state = coordination::SessionState::connected,
                        .server = "127.0.0.1:2181",
                        .confirmed = now - 400ms};
    snapshot.self = {.node = NodeId("n1"),
                     .incarnation = "life-n1",
                     .version = "0.1.0",
                     .build = "abc123",
                     .zone = "a",
                     .started = wall - 2h};
    snapshot.nodes = {node("n1", "a", 2), node("n2", "b", 2), node("n3", "c", 1)};
    snapshot.groups = {db(wall), web(wall)};
    std::vector<Event> events = {{.id = 1,
                                  .time = wall - 1h,
                                  .kind = EventKind::master_changed,
                                  .text = "n2 is master, epoch 17",
                                  .fields = {{"to", "n2"}, {"epoch", "17"}}},
                                 {.id = 2,
                                  .time = wall - 14s,
                                  .kind = EventKind::health_changed,
                                  .text = "web/b2 went DOWN: L4CON",
                                  .fields = {{"group", "web"},
                                             {"backend", "b2"},
                                             {"from", "UP"},
                                             {"to", "DOWN"},
                                             {"reason", "L4CON"}}}};
    snapshot.events = std::make_shared<const std::vector<Event>>(std::move(events));
    return snapshot;
}

GroupRow group_of(const Snapshot& snapshot, std::string_view name) {
    const GroupRow* group = snapshot.group(GroupName(name));
    if (group == nullptr) throw std::logic_error("no such group in the example");
    return *group;
}

void put_group(Snapshot& snapshot, GroupRow group) {
    const GroupName name = group.name();
    std::erase_if(snapshot.groups, [&](const auto& other) { return other->name() == name; });
    const auto place = std::ranges::find_if(
        snapshot.groups, [&](const auto& other) { return name < other->name(); });
    snapshot.groups.insert(place, std::make_shared<const GroupRow>(std::move(group)));
}

BackendRow& backend_of(GroupRow& group, std::string_view id) {
    const auto found = std::ranges::find(group.backends, BackendId(id), &BackendRow::id);
    if (found == group.backends.end()) throw std::logic_error("no such backend in the example");
    return *found;
}

}  // namespace muster::test
