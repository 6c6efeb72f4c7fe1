#include "scaler/shadow.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::scaler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

WallTime at_second(int second) {
    return WallTime(seconds(second));
}

LifecycleSettings settings() {
    return {.fleet = FleetName("edge"), .uid = "u", .shadow = true};
}

LifecycleView begun() {
    LifecycleView view{.now = at_second(1'000)};
    view.state = znodes::FleetState{.fleet_uid = "u", .generation = 3, .tick = 900};
    return view;
}

TickDecision tick_of(int was, int size) {
    Decision decision{.was = was, .size = size};
    decision.next.last = at_second(990);
    decision.next.peaks = {{.at = at_second(990), .size = size}};
    decision.next.events = {{.at = at_second(100), .added = 1}};
    if (was != size) decision.next.events.push_back({.at = at_second(990), .added = size - was});
    return {.tick = 990, .decision = std::move(decision)};
}

TEST(Shadow, CountsOthersAndWarmsThemUpFromWhenTheyBecameHealthy) {
    const Others others{
        {InstanceId("cold"), {.verdict = Verdict::up, .since = at_second(990)}},
        {InstanceId("down"), {.verdict = Verdict::down, .since = at_second(999)}},
        {InstanceId("warm"), {.verdict = Verdict::up, .since = at_second(10)}},
    };
    const Membership all = with_others({.size = 2}, others, seconds(30), at_second(1'000));
    EXPECT_EQ(all.size, 5);
    EXPECT_THAT(all.instances,
                ElementsAre(Instance{.id = "cold", .since = at_second(990), .warmed = false},
                            Instance{.id = "down", .since = at_second(999), .healthy = false},
                            Instance{.id = "warm", .since = at_second(10)}));
}

TEST(Shadow, RemembersWindowsAndNoChanges) {
    LifecycleView view = begun();
    view.decision = to_be_kept(tick_of(4, 6), 0);
    const LifecyclePlan planned = plan_shadow(settings(), view, {});
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->state.tick, 990);
    EXPECT_EQ(planned.write->state.history.peaks.size(), 1U);
    EXPECT_EQ(planned.write->state.history.events.size(), 1U) << "what was done before";
    EXPECT_EQ(planned.write->state.target, 0);
    EXPECT_TRUE(planned.write->instances.empty());
    EXPECT_FALSE(planned.write->starts);
    EXPECT_TRUE(planned.calls.empty());
    EXPECT_FALSE(planned.list);
    view.state->tick = 990;
    EXPECT_FALSE(plan_shadow(settings(), view, {}).write) << "each tick once";
}

TEST(Shadow, BeginsBeyondNamesThatAreTaken) {
    LifecycleView view{.now = at_second(1'000)};
    const LifecyclePlan planned =
        plan_shadow(settings(), view, {{InstanceId("edge-7-1"), {}}, {InstanceId("by-hand"), {}}});
    ASSERT_TRUE(planned.write);
    EXPECT_TRUE(planned.write->first);
    EXPECT_EQ(planned.write->state.generation, 7);
    EXPECT_EQ(planned.write->state.target, 0);
    EXPECT_EQ(planned.write->state.founded, view.now);
}

TEST(Shadow, LeavesWhatAProviderHasMade) {
    LifecycleView view = begun();
    view.state->target = 1;
    view.instances[InstanceId("edge-3-1")] = {
        .fleet_uid = "u", .phase = znodes::InstancePhase::serving, .provider = "cloud"};
    view.decision = to_be_kept(tick_of(1, 4), 1);
    LifecyclePlan planned = plan_shadow(settings(), view, {});
    EXPECT_THAT(planned.says, ElementsAre(HasSubstr("stays as it is, 1 LBs")));
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->state.target, 1);
    EXPECT_TRUE(planned.write->instances.empty());
    view.state->fleet_uid = "an earlier life";
    planned = plan_shadow(settings(), view, {});
    EXPECT_TRUE(planned.refused);
    EXPECT_FALSE(planned.write);
}

TEST(Shadow, AKeptDecisionChangesNothingInAPlan) {
    const TickDecision kept = to_be_kept(tick_of(4, 6), 2);
    EXPECT_EQ(kept.decision.was, 2);
    EXPECT_EQ(kept.decision.size, 2);
    EXPECT_EQ(kept.decision.next.events.size(), 1U);
    EXPECT_EQ(to_be_kept(tick_of(4, 4), 4).decision.next.events.size(), 1U);
}

}  // namespace
}  // namespace muster::scaler
