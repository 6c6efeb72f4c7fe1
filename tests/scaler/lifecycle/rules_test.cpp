#include "scaler/backoff.hpp"
#include "scaler/lifecycle_draft.hpp"
#include "tests/scaler/lifecycle/views.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

// The rules of plan() about growing, and when nothing is done at all.
namespace muster::scaler::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Unsafe {
    std::string name;
    void (*spoil)(LifecycleView&);
    std::string says;
};

TEST(LifecycleSafeMode, DoesNothingWhenTheTreeIsNotTheOneThatItShouldBe) {
    const std::vector<Unsafe> rows{
        {"another life's state",
         [](LifecycleView& view) { view.state->fleet_uid = "u0"; },
         "another life of this fleet"},
        {"another life's record",
         [](LifecycleView& view) { view.instances.begin()->second.fleet_uid = "u0"; },
         "another life of this fleet"},
        {"records are gone",
         [](LifecycleView& view) {
             view.instances.erase(id(1, 1));
             view.instances.erase(id(1, 2));
         },
         "4 instances by its state and 2 by its records"},
        {"a record of the intent is gone",
         [](LifecycleView& view) { view.state->intent = FleetIntent{.leaving = {id(1, 9)}}; },
         "the record of web-1-9 is missing"},
        {"the tree went back, as this node knows",
         [](LifecycleView& view) { view.seen_generation = 7; },
         "the tree went back: generation 1, and 7 was seen here"},
        {"the tree went back, as a machine shows",
         [](LifecycleView& view) {
             view.inventory.newest->machines.push_back({.id = id(3, 1), .token = "u1.x"});
         },
         "the machine web-3-1 exists"},
        {"a record of a later generation",
         [](LifecycleView& view) { view.instances.at(id(1, 1)).generation = 2; },
         "web-1-1 exists"},
        {"a later master",
         [](LifecycleView& view) {
             view.replies[id(1, 1)] = {
                 .result = tl::unexpected(ProviderError{.trouble = Trouble::fenced})};
         },
         "a later master"},
    };
    for (const Unsafe& row : rows) {
        LifecycleView view = serving(4);
        view.decision = decided(view, 1);
        row.spoil(view);
        const LifecyclePlan planned = plan(quick_settings(), view);
        ASSERT_TRUE(planned.refused) << row.name;
        EXPECT_THAT(*planned.refused, HasSubstr(row.says)) << row.name;
        EXPECT_FALSE(planned.write) << row.name;
        EXPECT_THAT(planned.calls, IsEmpty()) << row.name;
    }
    LifecycleView view = serving(4);
    view.inventory.newest->machines.push_back({.id = id(3, 1), .token = "another-life.x"});
    EXPECT_FALSE(plan(quick_settings(), view).refused) << "a machine of an earlier life";
}

/// The remedy that docs/scaling-lifecycle.md gives: the state is deleted, and begun anew.
TEST(LifecycleSafeMode, AStateThatWasBegunAnewIsRightThoughMoreWasSeen) {
    LifecycleView view = serving(2);
    view.seen_generation = 7;
    view.seen_founded = at_second(50);
    view.state->founded = at_second(50);
    EXPECT_TRUE(plan(quick_settings(), view).refused);
    view.state.reset();
    LifecyclePlan planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->state.generation, 7) << "above all that is seen";
    EXPECT_EQ(planned.write->state.founded, view.now);
    // Another master, which had seen more than the one that began it.
    view.state = planned.write->state;
    view.seen_generation = 9;
    view.decision = decided(view, 3);
    planned = plan(quick_settings(), view);
    EXPECT_FALSE(planned.refused);
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->state.intent->ids, Ids{id(10, 1)}) << "no name is used again";
    // An older backup, of before it was begun anew.
    view.seen_founded = view.now + seconds(1);
    EXPECT_TRUE(plan(quick_settings(), view).refused);
}

TEST(LifecycleBegins, WithWhatIsThereAndTakesNothingAway) {
    LifecycleView view = serving(2);
    view.state.reset();
    view.instances.at(id(1, 2)).phase = InstancePhase::draining;
    view.inventory.newest->machines.push_back({.id = id(9, 1), .token = "old.x"});
    const LifecyclePlan planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_TRUE(planned.write->first);
    EXPECT_EQ(planned.write->state.generation, 9) << "no name is used again";
    EXPECT_EQ(planned.write->state.target, 1);
    EXPECT_THAT(planned.write->instances, IsEmpty());
    view.state = planned.write->state;
    const LifecyclePlan after = plan(quick_settings(), view);
    ASSERT_TRUE(after.write);
    EXPECT_EQ(after.write->instances.at(id(1, 2))->phase, InstancePhase::serving);
    EXPECT_EQ(after.write->state.target, 2);
    view.inventory.newest.reset();
    view.state.reset();
    EXPECT_FALSE(plan(quick_settings(), view).write) << "not before a listing";
}

TEST(LifecycleOut, NamesAreWrittenBeforeAnythingIsAsked) {
    LifecycleView view = serving(2);
    view.decision = decided(view, 5);
    const LifecyclePlan planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_TRUE(planned.write->starts);
    EXPECT_EQ(planned.write->state.generation, 2);
    EXPECT_EQ(planned.write->state.target, 5);
    EXPECT_EQ(planned.write->state.intent->ids, (Ids{id(2, 1), id(2, 2), id(2, 3)}));
    EXPECT_EQ(planned.write->state.history.events.back().added, 3);
    EXPECT_EQ(planned.write->state.tick, view.decision->tick);
    EXPECT_THAT(planned.calls, IsEmpty());
    EXPECT_EQ(planned.write->instances.at(id(2, 1))->phase, InstancePhase::creating);
    EXPECT_EQ(planned.write->instances.at(id(2, 2))->phase, InstancePhase::planned);
    EXPECT_EQ(planned.write->instances.at(id(2, 1))->token, "u1.nonce");
    EXPECT_EQ(plan(quick_settings(), view).write, planned.write) << "equal views, equal plans";
}

/// F6: the first one has to become healthy before the others are made.
TEST(LifecycleOut, OneGoesFirst) {
    LifecycleView view = growing(2, 5);
    const auto creating = [&] {
        const LifecyclePlan planned = plan(quick_settings(), view);
        if (!planned.write) return 0;
        return static_cast<int>(std::ranges::count_if(
            planned.write->instances,
            [](const auto& one) { return one.second->phase == InstancePhase::creating; }));
    };
    EXPECT_EQ(creating(), 1);
    view.instances.at(id(2, 1)).phase = InstancePhase::creating;
    EXPECT_EQ(creating(), 0);
    view.instances.at(id(2, 1)).phase = InstancePhase::booting;
    EXPECT_EQ(creating(), 0);
    view.instances.at(id(2, 1)).phase = InstancePhase::warming;
    view.sights[id(2, 1)].verdict = Verdict::up;
    EXPECT_EQ(creating(), quick_settings().creates_at_once);
    view.instances.at(id(2, 2)).phase = InstancePhase::booting;
    EXPECT_EQ(creating(), quick_settings().creates_at_once - 1);
}

TEST(LifecycleOut, IsExtendedByAFurtherOne) {
    LifecycleView view = growing(2, 3);
    view.decision = decided(view, 5);
    const LifecyclePlan planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->state.intent->ids, (Ids{id(2, 1), id(3, 1), id(3, 2)}));
    EXPECT_EQ(planned.write->state.target, 5);
    view.decision = decided(view, 1);
    const LifecyclePlan smaller = plan(quick_settings(), view);
    EXPECT_EQ(smaller.write->state.target, 3) << "a smaller size waits";
    EXPECT_THAT(smaller.write->state.history.events, IsEmpty()) << "and costs no budget";
    EXPECT_THAT(smaller.says, Contains(HasSubstr("another change of the fleet is under way")));
}

TEST(LifecycleOut, PicksTheEmptiestZoneAndHost) {
    LifecycleSettings settings = quick_settings();
    settings.places = true;
    LifecycleView view = growing(2, 3);
    view.instances.at(id(1, 1)).host = "n1";
    view.instances.at(id(1, 1)).zone = "a";
    view.instances.at(id(1, 2)).host = "n3";
    view.instances.at(id(1, 2)).zone = "b";
    view.hosts = {{.node = NodeId("n1"), .zone = "a", .usable = true},
                  {.node = NodeId("n2"), .zone = "a", .usable = true},
                  {.node = NodeId("n3"), .zone = "b", .usable = false}};
    LifecyclePlan planned = plan(settings, view);
    EXPECT_EQ(planned.write->instances.at(id(2, 1))->host, "n2");
    EXPECT_EQ(planned.write->instances.at(id(2, 1))->zone, "a");
    view.hosts.push_back({.node = NodeId("n4"), .zone = "c", .usable = true});
    planned = plan(settings, view);
    EXPECT_EQ(planned.write->instances.at(id(2, 1))->host, "n4");
    view.hosts.clear();
    planned = plan(settings, view);
    EXPECT_FALSE(planned.write);
    EXPECT_THAT(planned.says, Contains(HasSubstr("no host offers the provider")));
}

/// It has the fewest of this fleet, since it is full of something else.
TEST(LifecycleOut, AFullHostIsNotTriedAgainAndAgain) {
    LifecycleSettings settings = quick_settings();
    settings.places = true;
    World world(settings, {{.size = 3}});
    world.hosts = {{"n1", 0}, {"n2", 2}, {"n3", 2}};
    Master master = world.elect();
    world.run(master, at_second(120));
    world.check_settled(3);
    EXPECT_THAT(world.violations, IsEmpty()) << world.trace();
    EXPECT_LE(world.calls["create"], 4) << "n1 was asked once: " << world.trace();
    EXPECT_EQ(world.state()->back_off, znodes::FleetBackOff{}) << "the others were free";
    for (const auto& [id, machine] : world.machines) EXPECT_NE(machine.host, "n1");
}

TEST(LifecycleOut, WhenAllHostsAreFullItBacksOff) {
    LifecycleSettings settings = quick_settings();
    settings.places = true;
    World world(settings, {{.size = 3}});
    world.hosts = {{"n1", 1}, {"n2", 0}, {"n3", 0}};
    Master master = world.elect();
    world.run(master, at_second(120));
    EXPECT_EQ(world.state()->target, 1) << world.trace();
    EXPECT_GT(world.state()->back_off.until, world.now) << world.trace();
    EXPECT_LE(world.calls["create"], 5) << "one on each, and what was under way: " << world.trace();
    world.hosts["n2"] = 2;
    world.run(master, at_second(120 + 300 + 120));
    world.check_settled(3);
    EXPECT_THAT(world.violations, IsEmpty()) << world.trace();
}

/// So that a decision says why it can't grow, instead of being one that nobody carries out.
TEST(LifecycleBackOff, IsKnownToTheDecision) {
    LifecycleView view = serving(2);
    const auto held = [&] {
        return held_until(membership_of(*view.state, view.instances, view.sights).creates,
                          view.now);
    };
    EXPECT_EQ(held(), std::nullopt);
    view.state->back_off = {.failures = 2,
                            .failed = view.now - std::chrono::minutes(1),
                            .until = view.now + std::chrono::minutes(9)};
    EXPECT_EQ(held(), view.state->back_off.until);
    view.state->back_off.failures = 0;
    EXPECT_EQ(held(), std::nullopt) << "one serves again";
}

struct BackOff {
    int failures;
    int minutes_ago;
    int pause;  ///< minutes
};

TEST(LifecycleBackOff, Is5Then10Then20Then30MinutesAndForgetsAfter3Hours) {
    for (const auto& [failures, minutes_ago, pause] :
         {BackOff{0, 0, 5}, {1, 60, 10}, {2, 60, 20}, {3, 60, 30}, {9, 60, 30}, {3, 180, 5}}) {
        LifecycleView view = growing(2, 4);
        view.instances.at(id(2, 1)).phase = InstancePhase::creating;
        view.instances.at(id(2, 1)).deadline = view.now;
        view.state->back_off = {.failures = failures,
                                .failed = view.now - std::chrono::minutes(minutes_ago)};
        const LifecyclePlan planned = plan(quick_settings(), view);
        ASSERT_TRUE(planned.write);
        const auto& state = planned.write->state;
        EXPECT_EQ(state.back_off.until, view.now + std::chrono::minutes(pause)) << failures;
        EXPECT_EQ(planned.write->instances.at(id(2, 1))->phase, InstancePhase::failed);
        EXPECT_EQ(planned.write->instances.at(id(2, 2)), std::nullopt) << "not tried";
        EXPECT_EQ(state.target, 2);
        view.state = state;
        view.instances.at(id(2, 1)) = *planned.write->instances.at(id(2, 1));
        view.instances.erase(id(2, 2));
        view.decision = decided(view, 4);
        EXPECT_EQ(plan(quick_settings(), view).write->state.target, 2) << "no create before";
        view.now = state.back_off.until;
        view.decision = decided(view, 4);
        EXPECT_EQ(plan(quick_settings(), view).write->state.target, 4);
    }
}

struct Refusal {
    Trouble trouble;
    bool fails;
};

TEST(LifecycleCreate, FailsAtOnceWhenItCannotSucceed) {
    for (const auto& [trouble, fails] : {Refusal{Trouble::quota, true},
                                         {Trouble::invalid, true},
                                         {Trouble::transient, false},
                                         {Trouble::unknown_outcome, false}}) {
        LifecycleView view = growing(2, 3);
        view.instances.at(id(2, 1)).phase = InstancePhase::creating;
        view.instances.at(id(2, 1)).since = view.now - seconds(10);
        view.replies[id(2, 1)] = {.kind = CallKind::create,
                                  .asked = view.now - seconds(9),
                                  .at = view.now - seconds(5),
                                  .result = tl::unexpected(ProviderError{.trouble = trouble})};
        const LifecyclePlan planned = plan(quick_settings(), view);
        EXPECT_EQ(planned.write.has_value(), fails);
        if (fails) continue;
        ASSERT_THAT(planned.calls, SizeIs(1));
        EXPECT_EQ(planned.calls[0].kind,
                  trouble == Trouble::transient ? CallKind::create : CallKind::get)
            << "what is unknown is asked about first";
    }
}

TEST(LifecycleCreate, NeverAdoptsAMachineOfAnotherLife) {
    LifecycleView view = growing(2, 3);
    view.instances.at(id(2, 1)).phase = InstancePhase::creating;
    view.replies[id(2, 1)] = {
        .kind = CallKind::get,
        .asked = view.now,
        .at = view.now,
        .result = Machine{.id = id(2, 1), .token = "u0.y", .state = MachineState::running}};
    const LifecyclePlan planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->instances.at(id(2, 1)), std::nullopt);
    EXPECT_EQ(planned.write->state.target, 2);
    EXPECT_THAT(planned.calls, IsEmpty()) << "and doesn't remove it by this name";
}

/// Two clusters with a fleet of this name in one account: the other one has made this name first,
/// so that the create was refused, and what failed is to be removed.
TEST(LifecycleCreate, ThatFailedRemovesNothingOfAnother) {
    for (const auto phase : {InstancePhase::failed, InstancePhase::deleting}) {
        LifecycleView view = growing(2, 3);
        view.instances.at(id(2, 1)).phase = phase;
        view.instances.at(id(2, 1)).since = view.now - seconds(10);
        view.state->target = 2;
        view.replies[id(2, 1)] = {
            .kind = CallKind::create,
            .asked = view.now - seconds(19),
            .at = view.now - seconds(11),
            .result = tl::unexpected(ProviderError{.trouble = Trouble::invalid})};
        view.now += seconds(60);
        LifecyclePlan planned = plan(quick_settings(), view);
        ASSERT_THAT(planned.calls, SizeIs(1));
        EXPECT_EQ(planned.calls[0].kind, CallKind::get) << "whose is it?";
        for (const auto& [token, ours] :
             {std::pair{"u9.y", false}, {"u1.other", false}, {"u1.old", true}, {"", true}}) {
            view.replies[id(2, 1)] = {
                .kind = CallKind::get,
                .asked = view.now,
                .at = view.now,
                .result = Machine{.id = id(2, 1), .token = token, .state = MachineState::running}};
            planned = plan(quick_settings(), view);
            const bool removes = std::ranges::any_of(planned.calls, [](const ProviderCall& call) {
                return call.kind == CallKind::remove;
            });
            EXPECT_EQ(removes, ours) << token;
            if (ours) continue;
            ASSERT_TRUE(planned.write) << token;
            const auto& record = planned.write->instances.at(id(2, 1));
            EXPECT_TRUE(!record || record->phase == InstancePhase::gone) << token;
        }
    }
}

/// A damaged record on the host: something is there, and nobody knows what.
TEST(LifecycleUnreadable, IsNeitherAbsentNorAnothersAndHoldsUpNothing) {
    const auto damaged = [](const InstanceId& id) {
        return Machine{.id = id, .state = MachineState::unknown};
    };
    LifecycleView view = growing(2, 3);
    view.instances.at(id(2, 1)).phase = InstancePhase::creating;
    view.instances.at(id(2, 1)).deadline = view.now + seconds(10);
    view.inventory.newest->machines.push_back(damaged(id(2, 1)));
    LifecyclePlan planned = plan(quick_settings(), view);
    EXPECT_FALSE(planned.write) << "not given up before its time";
    EXPECT_THAT(planned.says, Contains(HasSubstr("can't be read")));
    view.now += seconds(10);
    planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->instances.at(id(2, 1))->phase, InstancePhase::failed);

    view = shrinking(3, 2);
    view.instances.at(id(1, 1)).phase = InstancePhase::deleting;
    view.instances.at(id(1, 1)).since = view.now;
    EXPECT_FALSE(plan(quick_settings(), view).write);
    for (auto* listing : {&view.inventory.before, &view.inventory.newest})
        (*listing)->machines.front() = damaged(id(1, 1));
    planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->state.intent, std::nullopt) << "the fleet goes on";
    EXPECT_FALSE(planned.write->instances.contains(id(1, 1))) << "its removal stays to be done";
}

TEST(LifecycleWarmUp, ServesWhenHealthyForAllOfIt) {
    LifecycleView view = growing(1, 2);
    auto& record = view.instances.at(id(2, 1));
    record.phase = InstancePhase::booting;
    record.deadline = view.now + seconds(5);
    view.sights[id(2, 1)].verdict = Verdict::up;
    auto written = plan(quick_settings(), view).write->instances.at(id(2, 1)).value();
    EXPECT_EQ(written.phase, InstancePhase::warming);
    EXPECT_EQ(written.warm_until, view.now + quick_settings().warm_up);
    record = written;
    view.sights[id(2, 1)].verdict = Verdict::unknown;
    view.now += quick_settings().warm_up;
    EXPECT_FALSE(plan(quick_settings(), view).write) << "no news is no health, and no illness";
    view.sights[id(2, 1)].verdict = Verdict::down;
    written = plan(quick_settings(), view).write->instances.at(id(2, 1)).value();
    EXPECT_EQ(written.phase, InstancePhase::booting) << "it begins again";
    EXPECT_EQ(written.warm_until, std::nullopt);
    view.sights[id(2, 1)].verdict = Verdict::up;
    EXPECT_EQ(plan(quick_settings(), view).write->instances.at(id(2, 1))->phase,
              InstancePhase::serving);
}

TEST(LifecycleDns, OnlyServingAndHealthyIsPublishable) {
    for (int phase = 0; phase <= static_cast<int>(InstancePhase::failed); ++phase) {
        const FleetInstanceRecord record{.phase = static_cast<InstancePhase>(phase)};
        EXPECT_EQ(publishable(record, true), record.phase == InstancePhase::serving);
        EXPECT_FALSE(publishable(record, false));
    }
}

TEST(LifecycleShadow, DecidesAndDoesNothing) {
    LifecycleSettings settings = quick_settings();
    settings.shadow = true;
    for (const int size : {1, 5}) {
        LifecycleView view = serving(3);
        view.decision = decided(view, size);
        const LifecyclePlan planned = plan(settings, view);
        EXPECT_EQ(planned.write->state.target, 3);
        EXPECT_FALSE(planned.write->state.intent);
        EXPECT_THAT(planned.write->instances, IsEmpty());
        EXPECT_THAT(planned.says, Contains(HasSubstr("shadow: would be")));
    }
}

TEST(LifecycleOut, WaitsForADecisionOfTheSizeThatIs) {
    LifecycleView view = serving(3);
    view.decision = decided(view, 5);
    view.decision->decision.was = 4;
    const LifecyclePlan planned = plan(quick_settings(), view);
    EXPECT_EQ(planned.write->state.target, 3);
    EXPECT_THAT(planned.says, Contains(HasSubstr("made of another size")));
}

}  // namespace
}  // namespace muster::scaler::testing
