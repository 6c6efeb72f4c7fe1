#include "tests/scaler/lifecycle/world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <vector>

// Sizes, deaths, lost answers and masters that come back, all at random. The seed is in the
// failure.
namespace muster::scaler::testing {
namespace {

constexpr int traces = 1'200;
constexpr int settled_at = 40;  ///< second
constexpr int storm = 40;       ///< seconds
/// Enough for a drain, a back-off, and the creates after it.
constexpr int calm = 460;
constexpr int orphan_life = 900;

class Storm {
 public:
    Storm(World settled, unsigned seed) : world(std::move(settled)), random_(seed) {
        std::vector<Turn> story;
        for (int n = number(1, 3); n > 0; --n)
            story.push_back({.second = settled_at + number(0, storm),
                             .size = number(1, 5),
                             .kill = number(0, 9) == 0 ? 1 : 0,
                             .refuses = number(0, 3) == 0,
                             .removes = number(0, 3) != 0});
        std::ranges::sort(story, {}, &Turn::second);
        story.push_back({.second = settled_at + storm, .refuses = false, .removes = true});
        size = *std::prev(story.end(), 2)->size;
        world.tell(std::move(story));
    }

    void rage() {
        Master master = world.elect();
        std::vector<std::pair<Master, Action>> frozen;
        while (world.now < at_second(settled_at + storm)) {
            if (!frozen.empty() && number(0, 19) == 0) {
                auto [old, late] = std::move(frozen.back());
                frozen.pop_back();
                world.execute(old, late, Answered::yes);
            }
            std::optional<WallTime> until;
            const auto action = world.next(master, until);
            if (!action) {
                world.wait(until);
                continue;
            }
            const int fate = number(0, 99);
            if (fate < 4) {  // dies before it
                master = world.elect();
            } else if (fate < 8) {  // is frozen before it
                frozen.emplace_back(std::move(master), *action);
                master = world.elect();
            } else if (fate < 12) {  // dies after it
                world.execute(master, *action, Answered::yes);
                master = world.elect();
            } else {
                world.execute(master, *action, fate < 22 ? Answered::lost : Answered::yes);
            }
        }
        for (auto& [old, late] : frozen) world.execute(old, late, Answered::yes);
        settle(master);
    }

    World world;
    int size = 0;

 private:
    /// Runs until nothing is under way, and nothing is there that should not be.
    void settle(Master& master) {
        const auto is_settled = [&] {
            const auto& records = world.records();
            return !world.state()->intent && world.state()->target == size &&
                   std::ranges::all_of(records,
                                       [](const auto& one) {
                                           return one.second.phase ==
                                                  znodes::InstancePhase::serving;
                                       }) &&
                   std::ranges::all_of(world.machines, [&](const auto& one) {
                       return records.contains(one.first) && !one.second.killed;
                   });
        };
        const WallTime end = world.now + seconds(calm + orphan_life);
        do {
            world.run(master, world.now + seconds(30));
        } while (world.now < end && !is_settled());
    }

    int number(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }
    std::mt19937 random_;
};

TEST(LifecycleStorms, EndAsTheyShould) {
    World world(quick_settings(), {{.size = 3}});
    Master first = world.elect();
    world.run(first, at_second(settled_at));
    for (unsigned seed = 1; seed <= traces; ++seed) {
        Storm storm_of(world, seed);
        storm_of.rage();
        storm_of.world.check_settled(storm_of.size);
        ASSERT_EQ(storm_of.world.violations, std::vector<std::string>{}) << "seed " << seed << "\n"
                                                                         << storm_of.world.trace();
    }
}

/// The fleet's size after each tick; with a new master each 15 seconds, or one for all the time.
std::vector<int> sizes(bool failovers, int& masters) {
    World world(quick_settings(),
                {{.size = 2},
                 {.second = 60, .size = 6},
                 {.second = 120, .size = 1},
                 {.second = 240, .size = 4},
                 {.second = 250, .size = 2}});
    Master master = world.elect();
    std::vector<int> all;
    for (int second = 0; second < 330; second += 5) {
        world.run(master, at_second(second + 2));
        all.push_back(world.state() ? world.state()->target : -1);
        if (failovers && second % 15 == 0) master = world.elect();
    }
    world.check_settled(2);
    EXPECT_EQ(world.violations, std::vector<std::string>{}) << world.trace();
    masters = world.masters;
    return all;
}

/// A drain takes longer when the master changes, as the new one doesn't know what is in caches; so
/// the next scale-in may begin a tick later. It never begins sooner, and growing isn't delayed.
TEST(LifecycleFailovers, NeverShrinkSoonerAndGrowAsOneMasterWould) {
    int masters = 0;
    const std::vector<int> one = sizes(false, masters);
    EXPECT_EQ(masters, 1);
    const std::vector<int> many = sizes(true, masters);
    EXPECT_GT(masters, 20);
    ASSERT_EQ(many.size(), one.size());
    constexpr std::size_t shrinks = 120 / 5;  // ticks
    constexpr std::size_t grows = 240 / 5;
    for (std::size_t tick = 0; tick < one.size(); ++tick) {
        if (tick >= shrinks && tick < grows)
            EXPECT_TRUE(many[tick] == one[tick] || many[tick] == one[tick - 1]) << tick;
        else if (tick < grows + 2)
            EXPECT_EQ(many[tick], one[tick]) << tick;
        EXPECT_GE(many[tick], one[tick]) << tick;
    }
    EXPECT_EQ(many.back(), one.back());
}

}  // namespace
}  // namespace muster::scaler::testing
