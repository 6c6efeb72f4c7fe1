#include "tests/sim/scaling_run.hpp"

#include "common/config/decode.hpp"
#include "orchestrator/recording_files.hpp"
#include "scaler/spec_policy.hpp"
#include "tests/sim/scaling_node.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>

namespace muster::sim {

namespace {

using namespace std::chrono_literals;
using namespace orchestrator;

constexpr const char* document = R"(kind: Fleet
name: edge
spec:
  listeners: [{name: main, bind: ":80", mode: tcp, group: web}]
  health: {interval: 10s, timeout: 1s}
  provider: {name: cloud, drain_timeout: 30s, grace: 5s}
  scaling:
    min: 2
    max: 14
    period: 15s
    metrics:
      - {name: requests, query: requests, target: {total_average: 100}}
      - {name: busy, query: busy, target: {average: 70}}
    errors: {query: errors}
)";

/// Machines that are there as soon as they are ordered, and answer probes.
class Cloud final : public scaler::Provider {
 public:
    explicit Cloud(World& world) : world_(world) {}

    scaler::ProviderAbilities abilities() const override { return {.fences = true}; }
    asio::awaitable<scaler::ProviderResult<scaler::Machines>> list(FleetName /*fleet*/) override {
        scaler::Machines all{.complete = true};
        for (const auto& [id, machine] : machines_) all.machines.push_back(machine);
        co_return all;
    }
    asio::awaitable<scaler::ProviderResult<scaler::Machine>> get(FleetName /*fleet*/,
                                                                 InstanceId id) override {
        const auto found = machines_.find(id);
        if (found != machines_.end()) co_return found->second;
        co_return scaler::Machine{.id = id, .state = scaler::MachineState::stopped};
    }
    asio::awaitable<scaler::ProviderResult<scaler::Machine>> create(
        scaler::MachineOrder order, scaler::ProviderFence /*fence*/) override {
        scaler::Machine& machine = machines_[order.id];
        if (machine.address.empty()) {
            const std::size_t number = ++made_;
            machine = {.id = order.id,
                       .token = order.token,
                       .state = scaler::MachineState::running,
                       .address = fmt::format("10.9.{}.{}:80", number / 250, number % 250 + 1)};
            world_.backends[machine.address] = Backend{};
            register_agent(order.id, machine.address);
        }
        co_return machine;
    }
    asio::awaitable<scaler::ProviderResult<void>> remove(FleetName /*fleet*/,
                                                         InstanceId id,
                                                         std::chrono::seconds /*grace*/,
                                                         scaler::ProviderFence /*fence*/) override {
        const auto found = machines_.find(id);
        if (found != machines_.end()) {
            world_.backends.erase(found->second.address);
            world_.ensemble.write(
                {coordination::DeleteOp{.path = world_.paths.agent(FleetName("edge"), id)}});
            machines_.erase(found);
        }
        co_return scaler::ProviderResult<void>();
    }
    asio::awaitable<scaler::ProviderResult<void>> can_remove(FleetName /*fleet*/,
                                                             InstanceId /*id*/) override {
        co_return scaler::ProviderResult<void>();
    }
    [[nodiscard]] std::size_t size() const { return machines_.size(); }

 private:
    /// As the agent beside the LB does.
    void register_agent(const InstanceId& id, const std::string& address) {
        const FleetName edge("edge");
        const std::string all = world_.paths.agents(edge);
        if (world_.ensemble.tree().find(all) == nullptr)
            world_.ensemble.write({coordination::CreateOp{.path = all}});
        world_.ensemble.write({coordination::CreateOp{
            .path = world_.paths.agent(edge, id),
            .data = znodes::encode(znodes::AgentReport{.stamp = {.cluster = World::cluster},
                                                       .fleet = edge,
                                                       .instance = id,
                                                       .incarnation = id.str(),
                                                       .address = address,
                                                       .accepting = true})}});
    }

    World& world_;
    std::map<InstanceId, scaler::Machine> machines_;
    std::size_t made_ = 0;
};

/// A day's wave with noise; now and then a metric is missing. Of a tick always the same.
scaler::Observations observed_at(std::uint64_t seed,
                                 WallTime tick,
                                 const scaler::Membership& membership) {
    const auto second = std::chrono::duration<double>(tick.time_since_epoch()).count();
    std::mt19937_64 engine(seed ^ static_cast<std::uint64_t>(second));
    const auto noise = static_cast<double>(engine() % 1000) / 10;
    const double load = 600 + 450 * std::sin(second * 6.283185307 / 86'400) + noise;
    scaler::Observations observed;
    if (engine() % 50 != 0)
        observed.samples["requests"] =
            scaler::sample_of(scaler::Micros{.count = std::llround(load * 1e6)});
    std::vector<scaler::Reading> readings;
    for (const scaler::Instance& one : membership.instances) {
        if (one.phase != scaler::Phase::serving || engine() % 200 == 0) continue;
        readings.push_back(
            {.instance = one.id,
             .value = {.count = std::llround(load * 0.6e6 / std::max(1, membership.size))}});
    }
    observed.samples["busy"] = scaler::sample_of(std::move(readings));
    observed.errors = scaler::sample_of(scaler::whole(static_cast<int>(engine() % 3)));
    return observed;
}

/// A node's duty whose decisions are recorded.
class RecordedNode {
 public:
    RecordedNode(World& world,
                 SimNode& node,
                 std::shared_ptr<scaler::Provider> cloud,
                 std::uint64_t seed,
                 const std::filesystem::path& directory)
        : files_(directory / node.id().str(), node.id(), {.bytes_left_free = 0}),
          scaling_(world, node, settings(std::move(cloud), seed)) {}

    void end() { scaling_.end(); }

 private:
    ScaleDutySettings settings(std::shared_ptr<scaler::Provider> cloud, std::uint64_t seed) {
        Observe observe = [seed](std::shared_ptr<const config::FleetSpec> /*spec*/,
                                 scaler::Membership membership,
                                 WallTime tick,
                                 SteadyTime /*deadline*/) -> asio::awaitable<scaler::Observations> {
            co_return observed_at(seed, tick, membership);
        };
        return {.providers = {{"cloud", std::move(cloud)}},
                .observe = std::move(observe),
                .record = [this](TickRecord tick) {
                    const auto written = files_.write(tick);
                    if (!written) throw std::logic_error(written.error().message());
                }};
    }

    RecordingFiles files_;
    ScalingNode scaling_;
};

void count(const scaler::RecordedPart& part, std::set<WallTime>& ticks, ScalingRun& run) {
    const auto documents = config::decode(part.header.policy);
    if (!documents.problems.empty()) throw std::logic_error("the recorded policy can't be read");
    const scaler::Replay replayed =
        replay(part, scaler::policy_of(*documents.fleets.at(0).scaling));
    run.records += replayed.ticks;
    run.differences += replayed.differences;
    if (replayed.first && run.first_difference.empty())
        run.first_difference = fmt::format("{}: {} was {} and is {}",
                                           replayed.first->line,
                                           replayed.first->where,
                                           replayed.first->recorded,
                                           replayed.first->replayed);
    for (const scaler::RecordedTick& tick : part.ticks) {
        ticks.insert(tick.at);
        if (tick.size != tick.membership->size) ++run.changes;
        run.smallest = std::min(run.smallest, tick.size);
        run.greatest = std::max(run.greatest, tick.size);
    }
}

void read_all(const std::filesystem::path& directory, ScalingRun& run) {
    std::set<WallTime> ticks;
    std::set<std::int64_t> terms;
    run.smallest = std::numeric_limits<int>::max();
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        if (!entry.is_regular_file()) continue;
        const std::string text = test::read_file(entry.path());
        run.bytes += text.size();
        const auto recording = scaler::read_recording(text, entry.path().string());
        if (!recording) throw std::logic_error(recording.error());
        for (const scaler::RecordedPart& part : recording->parts) {
            terms.insert(part.header.epoch);
            count(part, ticks, run);
        }
    }
    run.ticks = ticks.size();
    run.terms = terms.size();
    if (!ticks.empty())
        run.periods = static_cast<std::size_t>((*ticks.rbegin() - *ticks.begin()) / 15s) + 1;
}

}  // namespace

ScalingRun run_scaling(std::chrono::seconds length,
                       std::chrono::seconds between_kills,
                       std::uint64_t seed,
                       const std::filesystem::path& directory) {
    World world(seed);
    const auto cloud = std::make_shared<Cloud>(world);
    apply_fleet(world, document);

    std::map<std::string, std::unique_ptr<RecordedNode>> duties;
    const auto start = [&](const std::string& id) {
        world.start_node(id);
        duties[id] =
            std::make_unique<RecordedNode>(world, *world.nodes.at(id), cloud, seed, directory);
    };
    const auto kill = [&](const std::string& id, World::Session session) {
        // Nothing of what it still does reaches the ensemble.
        world.ensemble.cut(id, 0ns);
        duties.at(id)->end();
        duties.erase(id);
        world.crash_node(id, session);
    };
    for (const char* id : {"n1", "n2", "n3"}) start(id);

    ScalingRun run;
    const SteadyTime end = world.clock.now() + length;
    while (world.clock.now() < end) {
        world.clock.run_until(std::min(end, world.clock.now() + between_kills));
        const std::vector<std::string> masters = world.masters();
        if (masters.empty() || world.clock.now() >= end) continue;
        kill(masters.front(),
             run.kills++ % 2 == 0 ? World::Session::adopted : World::Session::left);
        world.run_for(20s);
        start(masters.front());
    }
    run.machines = cloud->size();
    while (!duties.empty()) kill(std::string(duties.begin()->first), World::Session::left);
    read_all(directory, run);
    return run;
}

}  // namespace muster::sim
