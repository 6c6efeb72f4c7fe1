#include "tests/sim/world.hpp"

#include "common/config/decode.hpp"
#include "common/znodes/initial_tree.hpp"
#include "orchestrator/config_plan.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::sim {

using coordination::CreateOp;
using coordination::Op;

namespace {

std::chrono::nanoseconds between(std::mt19937_64& random,
                                 std::chrono::nanoseconds low,
                                 std::chrono::nanoseconds high) {
    const auto span = static_cast<std::uint64_t>((high - low).count()) + 1;
    return low + std::chrono::nanoseconds(static_cast<std::int64_t>(random() % span));
}

}  // namespace

SimNode::SimNode(asio::io_context& context,
                 test::VirtualClock& truth,
                 coordination::MemoryEnsemble& ensemble,
                 Backends& backends,
                 NodeId id,
                 int incarnation,
                 double clock_rate,
                 std::uint64_t seed,
                 const WrapStore& wrap)
    : truth_(truth),
      executor_(context.get_executor()),
      id_(std::move(id)),
      random_(seed),
      clock_(truth, clock_rate, std::chrono::milliseconds(0)),
      memory_(std::make_unique<coordination::MemoryStore>(
          executor_, clock_, ensemble, coordination::MemoryStore::Settings{.client = id_.str()})),
      wrapped_(wrap ? wrap(*memory_) : nullptr),
      prober_(executor_,
              clock_,
              truth,
              backends,
              [this] {
                  return between(
                      random_, std::chrono::microseconds(300), std::chrono::milliseconds(5));
              }),
      pool_(executor_, clock_, prober_, {}),
      tasks_(executor_) {
    coordination::Store& store = wrapped_ ? *wrapped_ : static_cast<coordination::Store&>(*memory_);
    node_ = std::make_unique<orchestrator::Node>(
        executor_,
        store,
        clock_,
        pool_,
        znodes::Paths("sim"),
        orchestrator::NodeIdentity{.node = id_,
                                   .incarnation = fmt::format("{}-{}", id_.str(), incarnation)},
        orchestrator::NodeOptions{},
        [this] { return fmt::format("{:016x}{:016x}", random_(), random_()); });
}

SimNode::~SimNode() = default;

void SimNode::start() {
    tasks_.spawn("store", memory_->run());
    tasks_.spawn("checks", pool_.run());
    node_->start();
}

void SimNode::end() {
    bool ended = false;
    const auto finish = [](SimNode& self, bool& done) -> asio::awaitable<void> {
        co_await self.node_->stop();
        co_await self.tasks_.stop();
        co_await self.prober_.finish();
        done = true;
    };
    asio::co_spawn(executor_, finish(*this, ended), asio::detached);
    truth_.run_for(std::chrono::nanoseconds(0), [&] { return ended; });
    if (!ended) throw std::logic_error("a stopped node still waits for something: " + id_.str());
}

bool SimNode::may_act() const {
    return node_->election() != nullptr && !clock_.frozen() &&
           node_->election()->may_act(clock_.now());
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
    asio::co_spawn(context, tasks_.stop(), asio::detached);
    clock.run_ready();
}

void World::start_node(const std::string& id, double clock_rate) {
    auto node = std::make_unique<SimNode>(context,
                                          clock,
                                          ensemble,
                                          backends,
                                          NodeId(id),
                                          ++incarnations_,
                                          clock_rate,
                                          random(),
                                          wrap_);
    ensemble.heal(id);
    ensemble.set_latency(id, [this] {
        return between(random, std::chrono::microseconds(100), std::chrono::milliseconds(3));
    });
    node->start();
    nodes[id] = std::move(node);
}

void World::crash_node(const std::string& id, Session session) {
    const auto node = nodes.find(id);
    if (node == nodes.end()) return;
    ensemble.cut(id, std::chrono::nanoseconds(0));
    node->second->end();
    nodes.erase(node);
    if (session == Session::adopted) ensemble.expire(id);
}

void World::pause_node(const std::string& id, std::chrono::nanoseconds span) {
    SimNode* node = find(id);
    if (node == nullptr) return;
    ensemble.pause(id);
    const SteadyTime until = clock.now() + span;
    node->clock().freeze_until(until);
    const auto resume =
        [](World& world, std::string name, SteadyTime when) -> asio::awaitable<void> {
        co_await world.clock.sleep_until(when);
        SimNode* paused = world.find(name);
        if (paused == nullptr || !paused->clock().frozen()) world.ensemble.resume(name);
    };
    tasks_.spawn("resume", resume(*this, id, until));
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
    write(orchestrator::plan_apply(paths, group, head(group.name), author()));
}

void World::remove(const GroupName& group) {
    write(orchestrator::plan_removal(paths, group, head(group).value(), author()));
}

std::vector<std::string> World::masters() const {
    std::vector<std::string> acting;
    for (const auto& [id, node] : nodes) {
        if (node->may_act()) acting.push_back(id);
    }
    return acting;
}

SimNode* World::find(const std::string& id) {
    const auto node = nodes.find(id);
    return node == nodes.end() ? nullptr : node->second.get();
}

config::GroupSpec make_group(World& world, const std::string& name, int count, int shard_size) {
    config::GroupSpec group{.name = GroupName(name), .shard_size = shard_size};
    for (int i = 0; i < count; ++i) {
        const std::string host = fmt::format("10.0.{}.{}", i / 250, i % 250 + 1);
        const std::string address = host + ":80";
        group.backends.push_back({.id = BackendId(address), .address = host, .port = 80});
        world.backends.try_emplace(address, Backend{.since = world.clock.now()});
    }
    std::ranges::sort(group.backends, {}, &config::Backend::id);
    return group;
}

}  // namespace muster::sim
