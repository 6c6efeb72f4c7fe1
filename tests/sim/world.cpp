#include "tests/sim/world.hpp"

#include "common/config/decode.hpp"
#include "common/znodes/initial_tree.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

namespace muster::sim {

using coordination::CreateOp;
using coordination::Op;
using namespace std::chrono_literals;

std::chrono::nanoseconds between(std::mt19937_64& random,
                                 std::chrono::nanoseconds low,
                                 std::chrono::nanoseconds high) {
    const auto span = static_cast<std::uint64_t>((high - low).count()) + 1;
    return low + std::chrono::nanoseconds(static_cast<std::int64_t>(random() % span));
}

World::World(std::uint64_t seed, SimNode::WrapStore wrap)
    : random(seed), wrap_(std::move(wrap)), tasks_(context.get_executor()) {
    tasks_.spawn("ensemble", ensemble.run());
    std::vector<Op> ops;
    const znodes::Control control{.stamp = {.cluster = cluster, .writer = "init"}};
    for (znodes::InitialNode& node : znodes::initial_tree(paths, control)) {
        ops.emplace_back(CreateOp{.path = std::move(node.path), .data = std::move(node.data)});
    }
    ensemble.write(std::move(ops));
}

World::~World() {
    while (!nodes.empty()) crash_node(nodes.begin()->first, Session::left);
    asio::co_spawn(context, tasks_.stop(), test::rethrow);
    clock.run_ready();
}

void World::start_node(const std::string& id, std::optional<double> clock_rate) {
    if (nodes.contains(id)) return;
    Host& host = hosts[id];
    if (clock_rate) host.clock_rate = *clock_rate;
    host.incarnation = fmt::format("{}-{}", id, ++incarnations_);
    if (host.cut) heal_node(id);
    host.troubles = 0;
    host.trouble_until = clock.now();
    ensemble.heal(id);
    ensemble.resume(id);
    auto node = std::make_unique<SimNode>(
        context,
        clock,
        ensemble,
        backends,
        NodeId(id),
        host,
        random(),
        wrap_,
        [this, id](const std::string& peer) { return find_peer(id, peer); });
    // Each client's messages have a stream of their own: one more of them shifts no other's.
    ensemble.set_latency(
        id, [draw = std::mt19937_64(random())]() mutable { return between(draw, 100us, 3ms); });
    node->start();
    nodes[id] = std::move(node);
}

void World::crash_node(const std::string& id, Session session) {
    const auto node = nodes.find(id);
    if (node == nodes.end()) return;
    Host& host = hosts[id];
    host.incarnation.clear();
    host.down_since = clock.now();
    host.begin_trouble(clock.now());
    ensemble.cut(id, 0ns);
    node->second->end();
    nodes.erase(node);
    if (session == Session::adopted) ensemble.expire(id);
}

void World::pause_node(const std::string& id, std::chrono::nanoseconds span) {
    SimNode* node = find(id);
    if (node == nullptr || node->clock().frozen()) return;
    ensemble.pause(id);
    hosts[id].begin_trouble(clock.now());
    const SteadyTime until = clock.now() + span;
    node->clock().freeze_until(until);
    const auto resume = [](World& world,
                           std::string name,
                           std::string incarnation,
                           SteadyTime when) -> asio::awaitable<void> {
        co_await world.clock.sleep_until(when);
        Host& host = world.hosts[name];
        if (host.incarnation != incarnation) co_return;  // killed while it was frozen
        host.end_trouble(when);
        world.ensemble.resume(name);
    };
    tasks_.spawn("resume", resume(*this, id, hosts[id].incarnation, until));
}

void World::cut_node(const std::string& id, std::chrono::nanoseconds noticed_after) {
    Host& host = hosts[id];
    if (!std::exchange(host.cut, true)) host.begin_trouble(clock.now());
    ensemble.cut(id, noticed_after);
}

void World::heal_node(const std::string& id) {
    Host& host = hosts[id];
    if (!std::exchange(host.cut, false)) return;
    host.end_trouble(clock.now());
    // A dead process stays cut off: what it had sent is still in the network.
    if (!host.incarnation.empty()) ensemble.heal(id);
}

void World::blind_node(const std::string& id, unsigned thirds) {
    Host& host = hosts[id];
    if (host.blind > 0 && thirds == 0) host.blind_until = clock.now();
    host.blind = thirds;
}

void World::stop_ensemble() {
    if (!std::exchange(serving_, false)) return;
    ensemble.stop_serving();
    for (auto& [id, host] : hosts) host.begin_trouble(clock.now());
}

void World::start_ensemble() {
    if (std::exchange(serving_, true)) return;
    ensemble.serve();
    for (auto& [id, host] : hosts) host.end_trouble(clock.now());
}

bool World::calm_for(std::chrono::nanoseconds span) const {
    if (!serving_) return false;
    const SteadyTime now = clock.now();
    return std::ranges::all_of(hosts, [&](const auto& item) {
        const Host& host = item.second;
        // A host that is down for long is no trouble any more.
        if (host.incarnation.empty()) return now - host.down_since >= span + 5s;
        return host.calm_for(span, now);
    });
}

double World::seconds() const {
    return std::chrono::duration<double>(clock.now() - test::VirtualClock::default_start).count();
}

void World::write(const orchestrator::ConfigWrite& write) {
    for (const CreateOp& op : write.prepare) {
        if (ensemble.tree().find(op.path) == nullptr) ensemble.write({op});
    }
    if (!ensemble.write(write.commit).applied())
        throw std::logic_error("the scene's configuration was refused");
}

std::optional<orchestrator::KnownHead> World::head(const GroupName& group) const {
    const coordination::MemoryTree::Znode* node = ensemble.tree().find(paths.group_head(group));
    if (node == nullptr) return std::nullopt;
    return orchestrator::KnownHead{
        .head = znodes::decode<znodes::GroupHead>(node->data, cluster).value(),
        .version = node->stat.version};
}

orchestrator::ConfigAuthor World::author() {
    return {.cluster = cluster,
            .name = "scene",
            .writer = "scene",
            .time = clock.wall(),
            .new_uid = fmt::format("uid-{:016x}", random())};
}

void World::apply(const config::GroupSpec& group) {
    want(group.name, group);
    write(orchestrator::plan_apply(paths, group, head(group.name), author()));
}

void World::remove(const GroupName& group) {
    want(group, std::nullopt);
    write(orchestrator::plan_removal(paths, group, head(group).value(), author()));
}

void World::want(const GroupName& group, std::optional<config::GroupSpec> spec) {
    WantedGroup& wanted = groups[group];
    std::set<std::string> active;
    if (spec) {
        for (const config::Backend& backend : spec->backends) {
            if (backend.admin != config::Admin::maintenance) active.insert(backend.id.str());
        }
    }
    const auto set_active = [&](const std::string& address, bool now_active) {
        Backend& backend = backends[address];
        if (!backend.active) backend.inactive_until = clock.now();
        if (backend.active != now_active) backend.active_since = clock.now();
        backend.active = now_active;
    };
    if (wanted.spec) {
        for (const config::Backend& backend : wanted.spec->backends) {
            if (!active.contains(backend.id.str())) set_active(backend.id.str(), false);
        }
    }
    for (const std::string& address : active) set_active(address, true);
    wanted.spec = std::move(spec);
    wanted.changed = clock.now();
}

std::vector<std::string> World::masters() const {
    std::vector<std::string> acting;
    for (const auto& [id, node] : nodes) {
        if (node->may_act()) acting.push_back(id);
    }
    return acting;
}

SimNode* World::find_peer(const std::string& from, const std::string& to) {
    SimNode* const peer = find(to);
    const bool passes = peer != nullptr && !hosts[from].cut && !hosts[to].cut;
    return passes && !peer->clock().frozen() ? peer : nullptr;
}

SimNode* World::find(const std::string& id) {
    const auto node = nodes.find(id);
    return node == nodes.end() ? nullptr : node->second.get();
}

config::Backend make_backend(World& world, int net, int i) {
    const std::string host = fmt::format("10.{}.{}.{}", net, i / 250, i % 250 + 1);
    const std::string address = host + ":80";
    const SteadyTime now = world.clock.now();
    world.backends.try_emplace(
        address,
        Backend{.since = now, .active = false, .active_since = now, .inactive_until = now});
    return {.id = BackendId(address), .address = host, .port = 80};
}

config::GroupSpec make_group(
    World& world, const std::string& name, int count, int shard_size, int net) {
    config::GroupSpec group{.name = GroupName(name), .shard_size = shard_size};
    for (int i = 0; i < count; ++i) group.backends.push_back(make_backend(world, net, i));
    std::ranges::sort(group.backends, {}, &config::Backend::id);
    return group;
}

}  // namespace muster::sim
