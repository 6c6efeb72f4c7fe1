#include "tests/browser/showcase_cluster.hpp"

#include "orchestrator/transitions.hpp"
#include "tests/api/example_cluster.hpp"
#include "tests/browser/showcase_scaling.hpp"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using namespace orchestrator;

constexpr std::array<std::string_view, 3> node_names = {"muster-1", "muster-2", "muster-3"};
constexpr std::array<std::string_view, 3> zones = {"fra-a", "fra-b", "fra-c"};

struct Plan {
    std::string_view name;
    int backends;
    int shard_size;
    int net;
    int port;
    config::CheckSpec check;
};

std::vector<Plan> plans() {
    config::CheckSpec web{.probe = config::HttpCheck{.path = "/healthz"}};
    config::CheckSpec slow{
        .probe = config::HttpCheck{.method = "HEAD", .path = "/ping"}, .interval = 5s, .rise = 3};
    config::CheckSpec tcp{.probe = config::TcpCheck{}, .interval = 1s, .timeout = 500ms};
    return {
        {.name = "api", .backends = 16, .shard_size = 8, .net = 20, .port = 8080, .check = web},
        {.name = "checkout",
         .backends = 12,
         .shard_size = 4,
         .net = 30,
         .port = 8443,
         .check = web},
        {.name = "db-replicas",
         .backends = 3,
         .shard_size = 4,
         .net = 40,
         .port = 5432,
         .check = tcp},
        {.name = "search", .backends = 8, .shard_size = 4, .net = 50, .port = 9200, .check = slow},
        {.name = "static", .backends = 40, .shard_size = 8, .net = 60, .port = 80, .check = slow},
        {.name = "web", .backends = 24, .shard_size = 4, .net = 10, .port = 80, .check = web}};
}

void take_down(BackendRow& backend, std::string_view reason, WallTime since) {
    backend.verdict = znodes::Letter::down;
    backend.reason = reason;
    backend.since = since;
    backend.in_rotation = false;
    backend.rotation_weight = 0;
    backend.rotation_reason = znodes::RotationReason::down;
}

void set_admin(BackendRow& backend, config::Admin admin, znodes::RotationReason reason) {
    backend.admin = admin;
    backend.in_rotation = false;
    backend.rotation_weight = 0;
    backend.rotation_reason = reason;
}

void add_trouble(GroupRow& group, WallTime wall) {
    auto& backends = group.backends;
    const std::string& name = group.name().str();
    if (name == "web") {
        take_down(backends[3], "L4CON", wall - 42s);
        take_down(backends[17], "L7STS", wall - 11min);
        backends[17].successes = 1;
        backends[8].failures = 2;
        backends[8].reason = "L7TOUT";
        set_admin(backends[11], config::Admin::drain, znodes::RotationReason::drain);
    } else if (name == "checkout") {
        for (std::size_t i = 0; i < 7; ++i) {
            take_down(backends[i], "L7STS", wall - 95s);
            backends[i].in_rotation = true;
            backends[i].rotation_weight = 100;
            backends[i].rotation_reason = znodes::RotationReason::panic;
        }
        group.panic = true;
        group.healthy_percent = 41;
    } else if (name == "search") {
        backends[2].verdict = znodes::Letter::unknown;
        backends[2].since = {};
        backends[2].reason = "PRDNS";
        backends[2].rotation_reason = znodes::RotationReason::unproven;
        backends[5].rotation_reason = znodes::RotationReason::slow_start;
        backends[5].rotation_weight = 35;
        backends[5].since = wall - 20s;
    } else if (name == "static") {
        set_admin(backends[30], config::Admin::maintenance, znodes::RotationReason::maintenance);
        backends[12].verdict = znodes::Letter::degraded;
        backends[12].reason = "L7OK";
        backends[12].since = wall - 3h;
        group.notes = {"generation 9 is effective on 4 of 5 shards: the rest waits for the master"};
    }
}

std::shared_ptr<const GroupRow> group_from(const Plan& plan, WallTime wall, int& next_owner) {
    config::GroupSpec spec{.name = GroupName(plan.name), .check = plan.check};
    GroupRow group{
        .uid = "uid", .generation = 3 + plan.net / 10, .author = "alice", .changed = wall - 3h};
    for (int i = 0; i < plan.backends; ++i) {
        BackendRow backend{.id = BackendId(fmt::format("{}-{:02}", plan.name, i + 1)),
                           .verdict = znodes::Letter::up,
                           .since = wall - std::chrono::minutes(90 + 37 * i),
                           .reason = "L7OK",
                           .in_rotation = true,
                           .rotation_weight = 100,
                           .shard = i / plan.shard_size};
        if (std::holds_alternative<config::TcpCheck>(plan.check.probe.kind))
            backend.reason = "L4OK";
        group.backends.push_back(std::move(backend));
        spec.backends.push_back(
            {.id = group.backends.back().id,
             .address = fmt::format("10.4.{}.{}", plan.net, i + 11),
             .port = static_cast<std::uint16_t>(plan.port),
             .zone = std::string(zones[static_cast<std::size_t>(i) % zones.size()])});
    }
    for (int k = 0; k * plan.shard_size < plan.backends; ++k) {
        const auto owner = static_cast<std::size_t>(next_owner++) % node_names.size();
        group.shards.push_back(
            {.number = k,
             .owner = NodeId(node_names[owner]),
             .owner_token = 31,
             .sequence = 207,
             .status_time = wall - 1800ms,
             .progress_time = wall - 2500ms,
             .backends = std::min(plan.shard_size, plan.backends - k * plan.shard_size)});
    }
    group.spec = std::make_shared<const config::GroupSpec>(std::move(spec));
    add_trouble(group, wall);
    return std::make_shared<const GroupRow>(std::move(group));
}

void add_nodes(Snapshot& snapshot) {
    for (std::size_t i = 0; i < node_names.size(); ++i) {
        NodeRow node{.id = NodeId(node_names[i]),
                     .incarnation = "one",
                     .zone = std::string(zones[i]),
                     .api_address = fmt::format("127.0.0.{}:9700", i + 1)};
        for (const auto& group : snapshot.groups) {
            for (const ShardRow& shard : group->shards) {
                if (shard.owner != node.id) continue;
                ++node.shards;
                node.backends += shard.backends;
            }
        }
        snapshot.nodes.push_back(std::move(node));
    }
}

/// What would have been told on the way from all well to now.
void add_events(Snapshot& snapshot, WallTime wall) {
    std::vector<Event> events = {
        {.time = wall - 3h, .kind = EventKind::member_joined, .text = "muster-3 joined"},
        {.time = wall - 2h,
         .kind = EventKind::config_applied,
         .text = "static was changed: generation 9, 40 backends, by alice"},
        {.time = wall - 50min,
         .kind = EventKind::shard_moved,
         .text = "web/2 moved from muster-1 to muster-3"},
        {.time = wall - 49min,
         .kind = EventKind::master_changed,
         .text = "muster-2 is master, epoch 17"}};
    const auto down = [&](std::string text, std::chrono::seconds ago) {
        events.push_back({.time = wall - ago,
                          .kind = EventKind::health_changed,
                          .text = std::move(text),
                          .fields = {{"to", "DOWN"}}});
    };
    down("web/web-18 went DOWN: L7STS", 11min);
    for (int i = 1; i <= 7; ++i)
        down(fmt::format("checkout/checkout-0{} went DOWN: L7STS", i), 95s);
    events.push_back(
        {.time = wall - 95s,
         .kind = EventKind::panic_changed,
         .text = "checkout: panic: all enabled backends get traffic, 41 % are healthy"});
    down("web/web-04 went DOWN: L4CON", 42s);
    events.push_back({.time = wall - 20s,
                      .kind = EventKind::health_changed,
                      .text = "search/search-06 went UP: L7OK",
                      .fields = {{"to", "UP"}}});
    snapshot.events = append_events(nullptr, std::move(events));
}

/// Two fleets, and what their LBs tell: one is behind, one does not accept.
void add_load_balancers(Snapshot& snapshot, WallTime wall) {
    const auto fleet = [&](const std::string& name, const std::string& group) {
        snapshot.fleets.push_back(
            {.spec = std::make_shared<const config::FleetSpec>(config::FleetSpec{
                 .name = FleetName(name),
                 .listeners = {{.name = "main", .port = 443, .group = GroupName(group)}}}),
             .uid = name,
             .generation = 4});
    };
    fleet("edge", "web");
    fleet("internal", "search");
    for (const int i : {1, 2, 3}) {
        snapshot.agents.push_back(
            {.fleet = FleetName("edge"),
             .instance = InstanceId(fmt::format("lb-{}", i)),
             .address = fmt::format("10.4.0.{}:443", 20 + i),
             .lb = "haproxy",
             .build = "fixture",
             .accepting = i != 3,
             .fleet_generation = 4,
             .newest_fleet_generation = 4,
             .groups = {{.name = GroupName("web"), .generation = i == 2 ? 3 : 4, .newest = 4}},
             .status_time = wall - 42s,
             .reported = wall - 41s});
    }
    AgentRow& behind = snapshot.agents[1];
    behind.behind = {"group web: has generation 3 of 4"};
    behind.behind_since = wall - 95s;
    behind.error = "haproxy -c: no such file";
}

}  // namespace

Snapshot showcase_snapshot(SteadyTime now, WallTime wall) {
    Snapshot snapshot{.built = now, .time = wall};
    snapshot.cluster = {.uuid = "0b5f9a52-5f0e-4c58-9f2b-3f4b7f7f1c11",
                        .name = "production",
                        .era = 1,
                        .master = MasterRow{.node = NodeId(node_names[1]),
                                            .epoch = 17,
                                            .since = wall - 49min,
                                            .api_address = "127.0.0.2:9700"}};
    snapshot.session = {.state = coordination::SessionState::connected,
                        .server = "10.4.0.5:2181",
                        .confirmed = now};
    snapshot.self = {.node = NodeId(node_names[0]),
                     .incarnation = "one",
                     .version = "0.1.0",
                     .build = "fixture",
                     .zone = std::string(zones[0]),
                     .started = wall - 26h};
    int next_owner = 0;
    for (const Plan& plan : plans()) snapshot.groups.push_back(group_from(plan, wall, next_owner));
    add_nodes(snapshot);
    add_load_balancers(snapshot, wall);
    add_scaling(snapshot, wall);
    add_events(snapshot, wall);
    return snapshot;
}

Evidence showcase_evidence(const BackendRow& backend, const NodeId& owner, WallTime wall) {
    Evidence evidence{.from = owner, .results = 812};
    constexpr int kept = 64;
    const bool down = backend.verdict == znodes::Letter::down;
    for (int i = 0; i < kept; ++i) {
        const bool fails = down ? i > 43 && i < kept - backend.successes : i == 21;
        const bool stalls = i == 9;
        checker::ProbeOutcome outcome{.result = checker::Result::success,
                                      .reason = checker::Reason::l7_ok,
                                      .code = 200,
                                      .connect = std::chrono::microseconds(310 + 17 * (i % 7)),
                                      .total = std::chrono::microseconds(1400 + 211 * (i % 9))};
        if (fails) {
            outcome.result = checker::Result::failure;
            outcome.reason =
                checker::reason_from(backend.reason).value_or(checker::Reason::l7_status);
            outcome.code = outcome.reason == checker::Reason::l4_refused ? 111 : 503;
        } else if (stalls) {
            outcome.result = checker::Result::inconclusive;
            outcome.reason = checker::Reason::prober_late;
            outcome.code = 0;
        }
        evidence.recent.push_back(
            {.time = wall - std::chrono::seconds(2 * (kept - i)), .outcome = outcome});
    }
    return evidence;
}

void make_hostile(Snapshot& snapshot) {
    const std::string script = "<script>window.hacked=1</script>";
    const std::string image = "<img src=x onerror=\"window.hacked=1\">";
    GroupRow group = group_of(snapshot, "web");
    BackendRow& first = group.backends[0];
    first.reason = "\"><svg onload=window.hacked=1>";
    first.verdict = znodes::Letter::down;
    group.author = script;
    group.notes = {script + image};
    auto spec = *group.spec;
    spec.check.probe = config::HttpCheck{.path = "/" + script};
    spec.backends[0].address = image;
    spec.backends[0].zone = script;
    group.spec = std::make_shared<const config::GroupSpec>(std::move(spec));
    put_group(snapshot, group);
    snapshot.cluster.name = "prod" + image;
    snapshot.nodes[1].zone = script;
    snapshot.nodes[1].api_address = "javascript:window.hacked=1";
    snapshot.self.paused = true;
    snapshot.self.pause_reason = image;
    snapshot.session.server = script;
    for (std::string* text : {&snapshot.agents[0].address,
                              &snapshot.agents[0].lb,
                              &snapshot.agents[0].build,
                              &snapshot.agents[0].error})
        *text = image;
    snapshot.agents[0].instance = InstanceId(script);
    snapshot.agents[0].groups[0].name = GroupName(image);
    snapshot.agents[0].behind = {script + image};
    make_scaling_hostile(snapshot);
    snapshot.agents[2].fleet = FleetName(image);
    snapshot.events = append_events(
        snapshot.events,
        {{.time = snapshot.time, .kind = EventKind::health_changed, .text = script + image}});
}

}  // namespace muster::test
