// What goes wrong while an intent is under way: refusals, machines that stay, creates that fail.
#include "scaler/lifecycle_draft.hpp"
#include "tests/scaler/lifecycle/views.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace muster::scaler::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using znodes::InstancePhase;

/// `size` serve; from second 100 on the story is told. Whatever happens, no more than `most`
/// machines are there at any time, and no fewer than `least` serve and are up.
void play(World& world, int end, int least, int most) {
    Master master = world.elect();
    int fewest = 1'000;
    std::size_t most_seen = 0;
    const auto look = [&](const World& now, const Master&, const Action&) {
        if (now.now < at_second(100)) return false;
        const auto up = std::ranges::count_if(now.records(), [&](const auto& one) {
            return one.second.phase == InstancePhase::serving && now.is_up(one.first);
        });
        fewest = std::min(fewest, static_cast<int>(up));
        most_seen = std::max(most_seen, now.machines.size());
        return false;
    };
    world.run(master, at_second(end), look);
    EXPECT_GE(fewest, least) << world.trace();
    EXPECT_LE(most_seen, static_cast<std::size_t>(most)) << world.trace();
    EXPECT_THAT(world.violations, IsEmpty()) << world.trace();
}

World with_story(std::vector<Turn> story, int size = 3) {
    story.insert(story.begin(), {.second = 0, .size = size});
    return {quick_settings(), std::move(story)};
}

TEST(LifecycleTrouble, WhatTheProviderWillNotRemoveIsNotReplacedUntilItWill) {
    World world = with_story(
        {{.second = 100, .kill = 1, .refuses = true}, {.second = 4'000, .refuses = false}});
    play(world, 4'000, 2, 3);
    EXPECT_THAT(world.creations, SizeIs(3)) << "the dead one stays, and the fleet doesn't grow";
    EXPECT_EQ(world.state()->target, 3);
    Master next = world.elect();
    world.run(next, at_second(6'000));
    world.check_settled(3);
    EXPECT_THAT(world.creations, SizeIs(4));
    EXPECT_THAT(world.violations, IsEmpty()) << world.trace();
}

TEST(LifecycleTrouble, AMachineThatNobodyCanRemoveHoldsNothingUp) {
    World world = with_story({{.second = 100, .size = 3, .removes = false},
                              {.second = 1'000, .kill = 1},
                              {.second = 2'500, .size = 5},
                              {.second = 4'000, .removes = true}},
                             4);
    play(world, 990, 3, 4);
    ASSERT_TRUE(world.state());
    EXPECT_FALSE(world.state()->intent) << "no longer waited for";
    EXPECT_THAT(world.machines, SizeIs(4)) << "and still there";
    play(world, 2'490, 2, 6);
    EXPECT_EQ(std::ranges::count_if(world.machines,
                                    [&](const auto& one) {
                                        return world.records().contains(one.first) &&
                                               world.records().at(one.first).phase ==
                                                   InstancePhase::serving &&
                                               world.is_up(one.first);
                                    }),
              3)
        << "the dead one was replaced\n"
        << world.trace();
    play(world, 3'990, 3, 8);
    EXPECT_EQ(world.state()->target, 5);
    play(world, 6'000, 3, 8);
    world.check_settled(5);
    EXPECT_THAT(world.violations, IsEmpty()) << world.trace();
}

TEST(LifecycleTrouble, IsSaidOfAMachineThatStays) {
    LifecycleView view = shrinking(3, 2);
    auto& record = view.instances.at(id(1, 1));
    record.phase = InstancePhase::deleting;
    record.since = view.now - quick_settings().grace - seconds(599);
    EXPECT_FALSE(plan(quick_settings(), view).write);
    EXPECT_EQ(plan(quick_settings(), view).again, view.now + seconds(1));
    record.since -= seconds(1);
    const LifecyclePlan planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->state.intent, std::nullopt);
    EXPECT_FALSE(planned.write->instances.contains(id(1, 1))) << "it stays to be removed";
    EXPECT_THAT(planned.says, Contains(HasSubstr("is still there")));
    EXPECT_THAT(planned.calls, SizeIs(1));
}

/// Nothing that the metrics say brings it back: they say nothing.
TEST(LifecycleTrouble, AReplacementThatFailedIsMadeUpForWithoutMetrics) {
    World world = with_story({{.second = 95, .blind = true},
                              {.second = 100, .kill = 1, .creates_fail = true},
                              {.second = 700, .creates_fail = false}});
    play(world, 690, 2, 4);
    EXPECT_EQ(world.state()->target, 2);
    EXPECT_EQ(world.state()->owed, 1);
    play(world, 3'000, 2, 4);
    world.check_settled(3);
    EXPECT_EQ(world.state()->owed, 0);
    EXPECT_THAT(world.violations, IsEmpty()) << world.trace();
}

TEST(LifecycleTrouble, WhatIsOwedIsNeverMoreThanMaxNorAgainstADecision) {
    LifecycleView view = serving(2);
    view.state->owed = 2;
    LifecycleSettings settings = quick_settings();
    settings.max = 3;
    LifecyclePlan planned = plan(settings, view);
    ASSERT_TRUE(planned.write);
    EXPECT_THAT(planned.write->state.intent->ids, SizeIs(1));
    EXPECT_THAT(planned.write->state.intent->leaving, IsEmpty());
    settings.max = 2;
    planned = plan(settings, view);
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->state.owed, 0);
    EXPECT_EQ(planned.write->state.intent, std::nullopt);
    view.pause.kind = znodes::FleetPauseKind::out;
    view.state->owed = 1;
    settings.max = 3;
    EXPECT_FALSE(plan(settings, view).write);

    view = shrinking(3, 2);
    view.state->owed = 1;
    view.instances.at(id(1, 1)).phase = InstancePhase::gone;
    planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->state.owed, 0) << "it was to be smaller";
}

TEST(LifecycleTrouble, OneThatIsHealthyAgainStaysAndNoneIsMadeForIt) {
    LifecycleView view = with_dead(3, 1);
    const LifecyclePlan begun = plan(quick_settings(), view);
    ASSERT_TRUE(begun.write);
    view.state = begun.write->state;
    for (const auto& [which, record] : begun.write->instances) view.instances[which] = *record;
    EXPECT_FALSE(plan(quick_settings(), view).write)
        << "neither drained nor replaced before the provider has said that it may go";
    grant(view, id(1, 1));
    view.replies.at(id(1, 1)).asked = view.now;
    view.sights.at(id(1, 1)).verdict = Verdict::up;
    const LifecyclePlan planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_FALSE(planned.write->instances.contains(id(1, 1)));
    EXPECT_EQ(planned.write->state.target, 3);
    EXPECT_THAT(planned.write->state.intent->leaving, IsEmpty());
    for (const InstanceId& made : begun.write->state.intent->ids)
        EXPECT_EQ(planned.write->instances.at(made)->phase, InstancePhase::gone);
}

/// A create fails in the very moment in which the decision to remove it comes.
TEST(LifecycleTrouble, WhatHasFailedIsNotRemovedASecondTime) {
    LifecycleView view = growing(3, 4);
    auto& record = view.instances.at(id(2, 1));
    record.phase = InstancePhase::booting;
    record.deadline = view.now;
    view.decision = decided(view, 3);
    const LifecyclePlan planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->instances.at(id(2, 1))->phase, InstancePhase::failed);
    EXPECT_EQ(planned.write->state.target, 3);
    EXPECT_EQ(planned.write->state.intent, std::nullopt);
    view.decision = decided(view, 2);
    EXPECT_THAT(plan(quick_settings(), view).write->state.intent->leaving, SizeIs(1));
}

TEST(LifecycleTrouble, NoHealthyOneGoesInPlaceOfADeadOneThatStays) {
    LifecycleView view = serving(4);
    view.sights.at(id(1, 1)).verdict = Verdict::down;
    view.instances.at(id(1, 1)).keep_until = view.now + seconds(100);
    view.decision = decided(view, 3);
    LifecyclePlan planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write) << "of the decision";
    EXPECT_EQ(planned.write->state.intent, std::nullopt);
    EXPECT_THAT(planned.says, Contains(HasSubstr("what is down can't be removed now")));
    view.decision = decided(view, 2);
    planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write && planned.write->state.intent);
    EXPECT_THAT(planned.write->state.intent->leaving, SizeIs(1));
}

TEST(LifecycleTrouble, FailedCreatesHoldUpAFleetBelowItsMinimumForAMinuteOnly) {
    LifecycleView view = serving(2);
    view.state->back_off = {
        .failures = 3, .failed = view.now - seconds(59), .until = view.now + seconds(1'000)};
    view.decision = decided(view, 3);
    LifecycleSettings settings = quick_settings();
    settings.min = 3;
    EXPECT_EQ(plan(settings, view).write->state.intent, std::nullopt);
    EXPECT_EQ(plan(settings, view).again, view.now + seconds(1));
    view.state->back_off.failed -= seconds(1);
    ASSERT_TRUE(plan(settings, view).write->state.intent);
    settings.min = 2;
    EXPECT_EQ(plan(settings, view).write->state.intent, std::nullopt);
}

TEST(LifecycleTrouble, NamesAreWaitedForUntilNoneIsAnsweredAnyMore) {
    LifecycleSettings settings = quick_settings();
    settings.named = true;
    LifecycleView view = serving(2);
    LifecyclePlan planned = plan(settings, view);
    ASSERT_TRUE(planned.write);
    EXPECT_TRUE(planned.write->state.named);
    view.state = planned.write->state;
    settings.named = false;
    view.sights.at(id(1, 2)).out_of_dns = false;
    EXPECT_FALSE(plan(settings, view).write) << "caches have it yet";
    view.sights.at(id(1, 2)).out_of_dns = true;
    view.reconciled = false;
    EXPECT_FALSE(plan(settings, view).write) << "nobody has looked";
    view.reconciled = true;
    planned = plan(settings, view);
    ASSERT_TRUE(planned.write);
    EXPECT_FALSE(planned.write->state.named);
}

}  // namespace
}  // namespace muster::scaler::testing
