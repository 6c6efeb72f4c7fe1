// What the seeded runs have found, each as the shortest history that shows it.
#include "tests/sim/invariants.hpp"
#include "tests/sim/world.hpp"
#include "tests/support/passing_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace muster::sim {
namespace {

using namespace std::chrono_literals;
using coordination::MemoryEnsemble;
using coordination::Op;

class Scenario : public testing::Test {
 protected:
    void start(int nodes) {
        world.apply(make_group(world, "web", 6, 2));
        for (int i = 1; i <= nodes; ++i) world.start_node("n" + std::to_string(i));
        ASSERT_TRUE(
            world.run_until(30s, [&] { return invariants.verdicts().differences().empty(); }));
        world.run_for(15s);
        ASSERT_EQ(world.masters().size(), 1U);
    }
    std::string master() const {
        const auto masters = world.masters();
        return masters.empty() ? "" : masters.front();
    }
    void run_for(std::chrono::nanoseconds span) {
        for (const SteadyTime end = world.clock.now() + span; world.clock.now() < end;) {
            world.run_for(500ms);
            invariants.tick();
        }
    }
    void garble(const std::string& path) {
        ASSERT_TRUE(
            world.ensemble.write({coordination::SetOp{.path = path, .data = "?"}}).applied());
        invariants.vandalised(path);
    }
    void TearDown() override {
        for (const std::string& text : invariants.violations().texts()) ADD_FAILURE() << text;
    }

    World world{1};
    Invariants invariants{world};
};

TEST_F(Scenario, AMemberEntryIsRepairedOnceAndNotForEver) {  // seed 2
    start(3);
    int writes = 0;
    const std::string path = world.paths.member(NodeId("n2"));
    world.ensemble.on_commit([&](const MemoryEnsemble::Commit& commit) {
        for (const auto& outcome : commit.outcomes) writes += outcome.path == path ? 1 : 0;
    });
    garble(path);
    run_for(10s);
    EXPECT_EQ(writes, 2);  // the garbage, and its repair
}

TEST_F(Scenario, AMemberEntryThatSomeoneDeletesIsBack) {
    start(3);
    const std::string path = world.paths.member(NodeId("n2"));
    ASSERT_TRUE(world.ensemble.write({coordination::DeleteOp{.path = path}}).applied());
    EXPECT_TRUE(world.run_until(1s, [&] { return world.ensemble.tree().find(path) != nullptr; }));
}

TEST_F(Scenario, ShardsOfALostSessionAreNotGivenToNobody) {  // seeds 29 and 85
    start(1);
    for (int i = 0; i < 20; ++i) {
        world.ensemble.expire("n1");
        run_for(11s);
        EXPECT_EQ(invariants.ownership().holders().size(), 3U);
    }
}

TEST_F(Scenario, ARetiredNodeStandsInNobodysWay) {  // seed 361
    start(3);
    const std::string old = master();
    world.cut_node(old, 0ns);
    world.find(old)->leave();
    world.run_for(500ms);
    world.heal_node(old);  // its session lives, and so does its candidacy
    EXPECT_TRUE(world.run_until(3s, [&] { return !master().empty() && master() != old; }));
}

TEST_F(Scenario, AGroupThatNobodyCanReadKeepsItsHolders) {
    start(3);
    garble(world.paths.group_head(GroupName("web")));
    const auto before = invariants.ownership().holders();
    ASSERT_EQ(before.size(), 3U);
    // One after the other forgets what the head held.
    for (const char* node : {"n1", "n2", "n3"}) {
        world.crash_node(node, World::Session::adopted);
        world.start_node(node);
        run_for(20s);
        EXPECT_EQ(invariants.ownership().holders().size(), 3U) << node;
    }
}

/// A world that hears of each transaction before it is sent.
class Announced : public testing::Test {
 protected:
    std::function<void(const std::vector<Op>&)> on_multi_;
    World world{1, [this](coordination::Store& store, Clock&) {
                    return std::make_unique<test::AnnouncingStore>(
                        store, [this](const std::vector<Op>& ops) {
                            if (on_multi_) on_multi_(ops);
                        });
                }};
    Invariants invariants{world};
};

TEST_F(Announced, AChunkThatIsNamedAgainAtTheLastMomentStays) {
    const config::GroupSpec first = make_group(world, "web", 6, 2);
    world.apply(first);
    const auto chunks = world.ensemble.tree().find(world.paths.chunks())->children;
    ASSERT_EQ(chunks.size(), 1U);
    const std::string path = world.paths.chunk(*chunks.begin());
    for (int i = 1; i <= 3; ++i) {
        config::GroupSpec next = first;
        next.backends.resize(6 - static_cast<std::size_t>(i));
        world.apply(next);
    }
    int attempts = 0;
    on_multi_ = [&](const std::vector<Op>& ops) {
        const bool deletes = std::ranges::any_of(ops, [&](const Op& op) {
            const auto* victim = std::get_if<coordination::DeleteOp>(&op);
            return victim != nullptr && victim->path == path;
        });
        if (!deletes) return;
        if (++attempts == 1) world.apply(first);
    };
    for (int i = 1; i <= 3; ++i) world.start_node("n" + std::to_string(i));
    EXPECT_TRUE(world.run_until(60s, [&] { return attempts > 0; }));
    world.run_for(20s);
    EXPECT_EQ(attempts, 1);
    EXPECT_NE(world.ensemble.tree().find(path), nullptr);
    EXPECT_TRUE(invariants.violations().none());
    EXPECT_EQ(invariants.collection().leftovers(), std::vector<std::string>{});
}

}  // namespace
}  // namespace muster::sim
