// The main job, step by step, on one quiet or once-disturbed cluster. The seeded runs are in
// seeds_test.cpp.
#include "common/znodes/payloads.hpp"
#include "tests/sim/world.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/co_spawn.hpp>
#include <gtest/gtest.h>

#include <algorithm>

namespace muster::sim {
namespace {

using namespace std::chrono_literals;
using znodes::Letter;

znodes::ShardStatus status_of(const World& world, const ShardId& shard) {
    const auto* node = world.ensemble.tree().find(world.paths.status(shard));
    if (node == nullptr) return {};
    return znodes::decode<znodes::ShardStatus>(node->data, World::cluster)
        .value_or(znodes::ShardStatus{});
}

int count(const World& world, const std::string& group, Letter letter) {
    int found = 0;
    for (int k = 0; world.ensemble.tree().find(world.paths.shard({GroupName(group), k})) != nullptr;
         ++k) {
        const znodes::ShardStatus status = status_of(world, {GroupName(group), k});
        found += static_cast<int>(std::ranges::count(status.letters, letter));
    }
    return found;
}

std::size_t shards_owned(World& world, const std::string& node) {
    SimNode* found = world.find(node);
    return found != nullptr && found->node().worker() != nullptr ? found->node().worker()->owned()
                                                                 : 0;
}

class MainJob : public testing::Test {
 protected:
    void start_three() {
        world.apply(make_group(world, "web", 12, 2));
        for (const char* id : {"n1", "n2", "n3"}) world.start_node(id);
        ASSERT_TRUE(world.run_until(30s, [&] { return count(world, "web", Letter::up) == 12; }));
    }
    std::string master() { return world.masters().empty() ? "" : world.masters().front(); }

    World world{1};
};

TEST_F(MainJob, ElectsShardsProbesAndPublishes) {
    start_three();
    EXPECT_EQ(world.masters().size(), 1U);
    world.run_for(10s);
    for (const char* id : {"n1", "n2", "n3"}) EXPECT_EQ(shards_owned(world, id), 2U) << id;
}

TEST_F(MainJob, PublishesABackendThatDies) {
    start_three();
    world.backends.begin()->second.healthy = false;
    EXPECT_TRUE(world.run_until(10s, [&] { return count(world, "web", Letter::down) == 1; }));
    world.backends.begin()->second.healthy = true;
    EXPECT_TRUE(world.run_until(10s, [&] { return count(world, "web", Letter::down) == 0; }));
}

TEST_F(MainJob, ReplacesAMasterThatDies) {
    start_three();
    const std::string old = master();
    world.crash_node(old, World::Session::left);
    EXPECT_TRUE(world.run_until(5s, [&] { return !master().empty(); }));
    EXPECT_TRUE(world.run_until(5s, [&] {
        std::size_t owned = 0;
        for (const auto& [id, node] : world.nodes) owned += shards_owned(world, id);
        return owned == 6;
    }));
    EXPECT_EQ(count(world, "web", Letter::up), 12);
}

TEST_F(MainJob, FreezesWithoutZooKeeper) {
    start_three();
    world.ensemble.stop_serving();
    world.run_for(20s);
    EXPECT_TRUE(world.masters().empty());
    EXPECT_EQ(count(world, "web", Letter::up), 12);
    const std::uint64_t probes = world.backends.begin()->second.probes;
    world.run_for(10s);
    EXPECT_GE(world.backends.begin()->second.probes, probes + 4);
    world.backends.begin()->second.healthy = false;
    world.run_for(10s);
    world.ensemble.serve();
    EXPECT_TRUE(world.run_until(10s, [&] { return count(world, "web", Letter::down) == 1; }));
    EXPECT_TRUE(world.run_until(3s, [&] { return world.masters().size() == 1; }));
}

TEST_F(MainJob, TakesAGroupAwayAgain) {
    start_three();
    world.remove(GroupName("web"));
    EXPECT_TRUE(world.run_until(10s, [&] {
        return world.ensemble.tree().find(world.paths.group(GroupName("web"))) == nullptr;
    }));
    world.apply(make_group(world, "web", 4, 2));
    EXPECT_TRUE(world.run_until(10s, [&] { return count(world, "web", Letter::up) == 4; }));
}

TEST_F(MainJob, HandsOverWarmWhenANodeLeaves) {
    start_three();
    world.run_for(10s);
    SimNode* leaver = world.find("n2");
    bool left = false;
    const auto leave = [](SimNode& node, bool& done) -> asio::awaitable<void> {
        co_await node.node().leave(30s);
        done = true;
    };
    asio::co_spawn(world.context, leave(*leaver, left), test::rethrow);
    EXPECT_TRUE(world.run_until(25s, [&] { return left; }));
    EXPECT_EQ(shards_owned(world, "n2"), 0U);
    EXPECT_EQ(count(world, "web", Letter::up), 12);
}

}  // namespace
}  // namespace muster::sim
