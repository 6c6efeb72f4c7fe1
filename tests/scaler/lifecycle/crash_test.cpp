#include "tests/scaler/lifecycle/world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

// A master dies, or is frozen and comes back, before and after each of its actions; another goes
// on. The end is the same as without (reference/autoscaling.md, 4.4).
namespace muster::scaler::testing {
namespace {

struct Scenario {
    std::string name;
    std::vector<Turn> story;
    int end = 0;   ///< second: by then all has settled, crashes included
    int size = 0;  ///< then
    int from = 0;  ///< crashes are tried from this second on
    int to = 1'000'000;
};

constexpr seconds orphan_life{900};

void PrintTo(const Scenario& scenario, std::ostream* out) {
    *out << scenario.name;
}

const std::vector<Scenario> scenarios{
    {.name = "begins", .story = {{.size = 1}}, .end = 60, .size = 1},
    {.name = "out",
     .story = {{.size = 1}, {.second = 20, .size = 4}},
     .end = 100,
     .size = 4,
     .from = 20},
    {.name = "in",
     .story = {{.size = 3}, {.second = 40, .size = 1}},
     .end = 130,
     .size = 1,
     .from = 40},
    {.name = "replace",
     .story = {{.size = 3}, {.second = 40, .kill = 1}},
     .end = 130,
     .size = 3,
     .from = 40},
    {.name = "out_stops_in",
     .story = {{.size = 4}, {.second = 45, .size = 2}, {.second = 52, .size = 5}},
     .end = 140,
     .size = 5,
     .from = 45},
    {.name = "pause_stops_in",
     .story = {{.size = 4},
               {.second = 45, .size = 2},
               {.second = 48, .pause = znodes::FleetPauseKind::all}},
     .end = 110,
     .size = 4,
     .from = 45},
    {.name = "creates_fail_for_good",
     .story = {{.size = 2},
               {.second = 30, .size = 4, .creates_fail = true},
               {.second = 100, .creates_fail = false}},
     .end = 460,
     .size = 4,
     .from = 30,
     .to = 50},
};

/// A world as it is when a master is about to act.
struct Moment {
    World world;
    Master master;
    Action action;
};

class LifecycleCrash : public ::testing::TestWithParam<Scenario> {
 protected:
    /// All actions of a run without faults.
    std::vector<Moment> moments() {
        std::vector<Moment> all;
        World world(quick_settings(), GetParam().story);
        Master master = world.elect();
        world.run(master,
                  at_second(GetParam().end),
                  [&](const World& before, const Master& who, const Action& action) {
                      if (before.now >= at_second(GetParam().from) &&
                          before.now < at_second(GetParam().to))
                          all.push_back({.world = before, .master = who, .action = action});
                      return false;
                  });
        world.check_settled(GetParam().size);
        EXPECT_EQ(world.violations, std::vector<std::string>{}) << world.trace();
        removed_ = world.removed_by_intents;
        made_ = std::ssize(world.creations);
        return all;
    }

    void finish(World& world, Master& master) {
        world.run(master, at_second(GetParam().end));
        const auto& records = world.records();
        const bool orphans = std::ranges::any_of(
            world.machines, [&](const auto& machine) { return !records.contains(machine.first); });
        // Only a create of a master that was frozen until its instance was over makes one.
        if (orphans) {
            EXPECT_TRUE(late_create_) << world.trace();
            world.run(master, at_second(GetParam().end) + orphan_life);
        }
        world.check_settled(GetParam().size);
        EXPECT_EQ(world.violations, std::vector<std::string>{}) << world.trace();
        EXPECT_LE(world.removed_by_intents, removed_) << world.trace();
        if (!orphans) EXPECT_EQ(std::ssize(world.creations), made_) << world.trace();
    }

    int removed_ = 0;
    std::int64_t made_ = 0;
    bool late_create_ = false;
};

TEST_P(LifecycleCrash, AnotherMasterFinishesWhereverOneDies) {
    for (const Moment& moment : moments()) {
        World world = moment.world;
        Master master = moment.master;
        world.execute(master, moment.action, Answered::yes);
        Master next = world.elect();
        finish(world, next);
        if (HasFailure()) return;
    }
}

TEST_P(LifecycleCrash, ItSelfFinishesWhicheverAnswerIsLost) {
    for (const Moment& moment : moments()) {
        if (moment.action.kind != ActionKind::call) continue;
        World world = moment.world;
        Master master = moment.master;
        world.execute(master, moment.action, Answered::lost);
        finish(world, master);
        if (HasFailure()) return;
    }
}

TEST_P(LifecycleCrash, AFrozenMasterThatComesBackDoesNoHarm) {
    for (const Moment& moment : moments())
        for (const int later : {1, 4, 20}) {
            World world = moment.world;
            Master frozen = moment.master;
            Master next = world.elect();
            int actions = 0;
            world.run(next, at_second(GetParam().end), [&](const auto&, const auto&, const auto&) {
                return actions++ == later;
            });
            late_create_ = moment.action.kind == ActionKind::call &&
                           moment.action.call.kind == CallKind::create;
            // What it was about to do; and what it thinks of next.
            world.execute(frozen, moment.action, Answered::yes);
            for (int more = 0; more < 3 && !frozen.deposed; ++more) {
                std::optional<WallTime> until;
                if (const auto action = world.next(frozen, until))
                    world.execute(frozen, *action, Answered::yes);
            }
            finish(world, next);
            if (HasFailure()) return;
        }
}

INSTANTIATE_TEST_SUITE_P(Everywhere,
                         LifecycleCrash,
                         ::testing::ValuesIn(scenarios),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace muster::scaler::testing
