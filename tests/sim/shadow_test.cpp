#include "common/observe/log.hpp"
#include "orchestrator/scaling_gauges.hpp"
#include "tests/sim/scaling_node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

// Fleets in shadow by the real shells on a virtual clock: decided, told, recorded, and left alone.
namespace muster::sim {
namespace {

using namespace std::chrono_literals;
using namespace orchestrator;
using ::testing::Contains;

const FleetName edge("edge");

/// Says that it has nothing, and notes all that is asked for besides.
class Untouched final : public scaler::Provider {
 public:
    scaler::ProviderAbilities abilities() const override { return {.fences = true}; }
    asio::awaitable<scaler::ProviderResult<scaler::Machines>> list(FleetName /*fleet*/) override {
        co_return scaler::Machines{.complete = true};
    }
    asio::awaitable<scaler::ProviderResult<scaler::Machine>> get(FleetName /*fleet*/,
                                                                 InstanceId id) override {
        ++asked;
        co_return scaler::Machine{.id = id};
    }
    asio::awaitable<scaler::ProviderResult<scaler::Machine>> create(
        scaler::MachineOrder order, scaler::ProviderFence /*fence*/) override {
        ++asked;
        co_return scaler::Machine{.id = order.id};
    }
    asio::awaitable<scaler::ProviderResult<void>> remove(FleetName /*fleet*/,
                                                         InstanceId /*id*/,
                                                         std::chrono::seconds /*grace*/,
                                                         scaler::ProviderFence /*fence*/) override {
        ++asked;
        co_return scaler::ProviderResult<void>();
    }
    asio::awaitable<scaler::ProviderResult<void>> can_remove(FleetName /*fleet*/,
                                                             InstanceId /*id*/) override {
        ++asked;
        co_return scaler::ProviderResult<void>();
    }
    int asked = 0;
};

/// Two nodes and a fleet whose one metric is 520, 100 of it for each LB.
class Shadow : public ::testing::Test {
 protected:
    Shadow() { log::set_level(log::Level::error); }
    ~Shadow() override {
        while (!duties.empty()) kill(std::string(duties.begin()->first));
    }

    void apply(const std::string& fields) {
        apply_fleet(world, R"(kind: Fleet
name: edge
spec:
  listeners: [{name: main, bind: ":80", mode: tcp, group: web}]
  health: {interval: 10s, timeout: 1s}
)" + fields + R"(
  scaling:
    shadow: true
    min: 1
    max: 9
    period: 15s
    warm_up: 30s
    metrics: [{name: requests, query: requests, target: {total_average: 100}}]
)");
        for (const char* const id : {"n1", "n2"}) start(id);
    }
    void start(const std::string& id) {
        world.start_node(id);
        Observe observe = [this](std::shared_ptr<const config::FleetSpec> /*spec*/,
                                 scaler::Membership /*membership*/,
                                 WallTime /*tick*/,
                                 SteadyTime /*deadline*/) -> asio::awaitable<scaler::Observations> {
            scaler::Observations observed;
            if (told) observed.samples["requests"] = scaler::sample_of(scaler::whole(*told));
            co_return observed;
        };
        duties[id] = std::make_unique<ScalingNode>(
            world,
            *world.nodes.at(id),
            ScaleDutySettings{
                .providers = {{"cloud", cloud}},
                .observe = std::move(observe),
                .record = [this](TickRecord tick) { recorded.push_back(std::move(tick)); }});
    }
    void kill(const std::string& id) {
        world.ensemble.cut(id, 0ns);
        duties.at(id)->end();
        duties.erase(id);
        world.crash_node(id, World::Session::adopted);
    }
    void run_lb(const std::string& id, const std::string& address) {
        world.backends[address] = Backend{};
        const std::string all = world.paths.agents(edge);
        if (world.ensemble.tree().find(all) == nullptr)
            world.ensemble.write({coordination::CreateOp{.path = all}});
        world.ensemble.write({coordination::CreateOp{
            .path = world.paths.agent(edge, InstanceId(id)),
            .data = znodes::encode(znodes::AgentReport{.stamp = {.cluster = World::cluster},
                                                       .fleet = edge,
                                                       .instance = InstanceId(id),
                                                       .incarnation = id,
                                                       .address = address,
                                                       .accepting = true})}});
    }
    /// Of the master; null: nothing is told yet.
    const FleetScalingNotes* notes() {
        for (const auto& [id, duty] : duties) {
            if (!duty->snapshot() || duty->snapshot()->notes == nullptr) continue;
            const auto found = duty->snapshot()->notes->find(edge);
            if (found != duty->snapshot()->notes->end()) return &found->second;
        }
        return nullptr;
    }
    /// The last decision is of so many, and would be so many.
    bool decided(int was, int size) {
        return world.run_until(3min, [&] {
            const FleetScalingNotes* const now = notes();
            return now != nullptr && !now->ticks.empty() && now->ticks.back().was == was &&
                   now->ticks.back().size == size;
        });
    }
    std::chrono::nanoseconds unfounded(const std::string& id) {
        const Snapshot& snapshot = *duties.at(id)->snapshot();
        return scaling_by_fleet(snapshot, snapshot.time).at("edge").unfounded;
    }
    std::optional<znodes::FleetState> state() {
        const auto* const node = world.ensemble.tree().find(world.paths.fleet_state(edge));
        if (node == nullptr) return std::nullopt;
        return znodes::decode<znodes::FleetState>(node->data, World::cluster).value();
    }
    void expect_untouched() {
        EXPECT_EQ(cloud->asked, 0);
        ASSERT_TRUE(state());
        EXPECT_EQ(state()->target, 0);
        EXPECT_FALSE(state()->intent);
        const auto* const records = world.ensemble.tree().find(world.paths.instances(edge));
        EXPECT_TRUE(records == nullptr || records->children.empty());
    }

    World world{11};
    std::optional<int> told = 520;
    std::shared_ptr<Untouched> cloud = std::make_shared<Untouched>();
    std::vector<TickRecord> recorded;
    std::map<std::string, std::unique_ptr<ScalingNode>> duties;
};

TEST_F(Shadow, OfListedLBsIsDecidedToldAndRecordedAndNothingIsTouched) {
    for (int i = 1; i <= 4; ++i) world.backends["10.9.0." + std::to_string(i) + ":80"] = Backend{};
    apply(R"(  instances:
    - {name: a, address: "10.9.0.1:80"}
    - {name: b, address: "10.9.0.2:80"}
    - {name: c, address: "10.9.0.3:80"}
    - {name: d, address: "10.9.0.4:80"})");
    ASSERT_TRUE(decided(4, 6));
    world.run_for(2s);
    EXPECT_THAT(notes()->says, Contains("shadow: would be 6 LBs, there are 4"));
    EXPECT_NE(notes()->decision.find("\"size\":6"), std::string::npos) << notes()->decision;
    ASSERT_FALSE(recorded.empty());
    EXPECT_EQ(recorded.back().fleet, edge);
    EXPECT_EQ(recorded.back().membership.size, 4);
    EXPECT_EQ(recorded.back().membership.instances.size(), 4U);
    EXPECT_EQ(recorded.back().decision.size, 6);
    EXPECT_EQ(duties.begin()->second->snapshot()->scaling.at(edge).others, 4);
    expect_untouched();
    const std::int64_t tick = state()->tick;
    EXPECT_TRUE(state()->history.events.empty()) << "nothing was done";
    EXPECT_FALSE(state()->history.peaks.empty()) << "windows are remembered";

    // The next master goes on where this one ended.
    kill(world.masters().at(0));
    ASSERT_TRUE(world.run_until(2min, [&] { return state()->tick >= tick + 30; }));
    ASSERT_TRUE(decided(4, 6));
    told = 390;
    ASSERT_TRUE(decided(4, 4));
    EXPECT_TRUE(world.run_until(10min, [&] { return notes()->ticks.back().wanted == 4; }));
    world.run_for(2s);
    EXPECT_THAT(notes()->says, Contains("shadow: would stay at 4 LBs"));
    expect_untouched();
}

/// The dead man's metric (F13): neither another master nor none at all begins it anew.
TEST_F(Shadow, HowLongNothingIsKnownOutlastsMasters) {
    world.backends["10.9.0.1:80"] = Backend{};
    apply(R"(  instances: [{name: a, address: "10.9.0.1:80"}])");
    ASSERT_TRUE(decided(1, 5));
    world.run_for(60s);
    for (const auto& [id, duty] : duties) EXPECT_LE(unfounded(id), 20s) << id;
    told.reset();
    world.run_for(5min);
    for (const auto& [id, duty] : duties) EXPECT_GE(unfounded(id), 5min) << id;
    const std::string before = world.masters().at(0);
    kill(before);
    ASSERT_TRUE(world.run_until(1min, [&] { return notes() && !notes()->ticks.empty(); }));
    ASSERT_EQ(duties.size(), 1U);
    EXPECT_GE(unfounded(duties.begin()->first), 5min) << "a new term";
    world.run_for(5min);
    EXPECT_GE(unfounded(duties.begin()->first), 10min);
    told = 100;
    world.run_for(30s);
    EXPECT_LE(unfounded(duties.begin()->first), 20s);
    // Nobody is master.
    world.stop_ensemble();
    world.run_for(5min);
    EXPECT_GE(unfounded(duties.begin()->first), 5min);
    world.start_ensemble();
}

TEST_F(Shadow, WithAProviderCountsThoseThatPeopleRun) {
    apply("  provider: {name: cloud}");
    ASSERT_TRUE(decided(0, 4));
    run_lb("by-hand-1", "10.9.0.1:80");
    run_lb("by-hand-2", "10.9.0.2:80");
    run_lb("edge-7-1", "10.9.0.3:80");  // an orphan
    ASSERT_TRUE(decided(2, 6));
    world.run_for(2s);
    EXPECT_THAT(notes()->says, Contains("shadow: would be 6 LBs, there are 2"));
    expect_untouched();
}

}  // namespace
}  // namespace muster::sim
