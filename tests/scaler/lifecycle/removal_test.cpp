#include "scaler/lifecycle_draft.hpp"
#include "scaler/victims.hpp"
#include "tests/scaler/lifecycle/views.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

// The rules of plan() about what goes: scale-in, replacement.
namespace muster::scaler::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using znodes::FleetPauseKind;

/// web-1-1 of three drains, and is out of DNS for so many seconds.
LifecycleView draining(int out_for) {
    LifecycleView view = shrinking(3, 2);
    auto& record = view.instances.at(id(1, 1));
    record.phase = InstancePhase::draining;
    record.drain_started = view.now - seconds(out_for);
    record.deadline = *record.drain_started + quick_settings().drain_timeout;
    view.sights.at(id(1, 1)).counted = view.now;
    return view;
}

struct Waiting {
    std::string name;
    void (*spoil)(LifecycleView&);
    std::string says;
};

TEST(LifecycleIn, WaitsWhenWhatIsThereIsNotKnown) {
    const std::vector<Waiting> rows{
        {"new master", [](LifecycleView& view) { view.reconciled = false; }, "hasn't seen"},
        {"partial list",
         [](LifecycleView& view) { view.inventory.partial = true; },
         "not complete"},
        {"paused in",
         [](LifecycleView& view) { view.pause.kind = FleetPauseKind::in; },
         "scale-in is paused"},
        {"paused all",
         [](LifecycleView& view) { view.pause.kind = FleetPauseKind::all; },
         "scale-in is paused"},
    };
    for (const Waiting& row : rows) {
        LifecycleView view = serving(4);
        view.decision = decided(view, 3);
        ASSERT_TRUE(plan(quick_settings(), view).write->state.intent) << row.name;
        row.spoil(view);
        const LifecyclePlan planned = plan(quick_settings(), view);
        EXPECT_FALSE(planned.write->state.intent) << row.name;
        EXPECT_EQ(planned.write->state.target, 4) << row.name;
        EXPECT_THAT(planned.write->state.history.events, IsEmpty()) << row.name;
        EXPECT_THAT(planned.says, Contains(HasSubstr(row.says))) << row.name;
    }
}

TEST(LifecycleIn, AsksTheProviderBeforeItDrains) {
    LifecycleView view = shrinking(3, 2);
    LifecyclePlan planned = plan(quick_settings(), view);
    EXPECT_FALSE(planned.write);
    ASSERT_THAT(planned.calls, SizeIs(1));
    EXPECT_EQ(planned.calls[0].kind, CallKind::can_remove);
    EXPECT_EQ(planned.calls[0].order.id, id(1, 1));
    grant(view, id(1, 1));
    planned = plan(quick_settings(), view);
    EXPECT_EQ(planned.write->instances.at(id(1, 1))->phase, InstancePhase::draining);
    EXPECT_TRUE(planned.write->starts) << "a pause that comes meanwhile stops it";
    view.replies.at(id(1, 1)).result =
        tl::unexpected(ProviderError{.trouble = Trouble::invalid, .detail = "protected"});
    planned = plan(quick_settings(), view);
    EXPECT_THAT(planned.write->state.intent->leaving, IsEmpty());
    EXPECT_EQ(planned.write->state.target, 3);
    EXPECT_EQ(planned.write->instances.at(id(1, 1))->keep_until, view.now + seconds(600));
}

TEST(LifecycleIn, GivesUpWhatTheProviderDoesNotAnswer) {
    LifecycleView view = shrinking(3, 2);
    view.now = view.state->intent->started + quick_settings().drain_timeout;
    const LifecyclePlan planned = plan(quick_settings(), view);
    EXPECT_THAT(planned.write->state.intent->leaving, IsEmpty());
    EXPECT_EQ(planned.write->state.target, 3);
}

TEST(LifecycleIn, DoesNotDrainTheLastThatServes) {
    LifecycleView view = shrinking(2, 1);
    grant(view, id(1, 1));
    for (const Verdict verdict : {Verdict::down, Verdict::unknown}) {
        view.sights.at(id(1, 2)).verdict = verdict;
        const LifecyclePlan planned = plan(quick_settings(), view);
        EXPECT_FALSE(planned.write);
        EXPECT_THAT(planned.says, Contains(HasSubstr("no other one serves")));
    }
    view.sights.at(id(1, 2)).verdict = Verdict::up;
    EXPECT_TRUE(plan(quick_settings(), view).write);
}

TEST(LifecycleIn, DeletesWhenOutOfDnsAndWithoutConnectionsOrLate) {
    struct Row {
        std::string name;
        bool out;
        std::optional<std::int64_t> connections;
        int counted;  ///< seconds ago
        int out_for;  ///< seconds
        bool reconciled;
        bool deletes;
        std::string says;
    };
    const std::vector<Row> rows{
        {"none left", true, 0, 1, 2, true, true, ""},
        {"back in a cache", false, 0, 1, 2, true, false, "waits for DNS, as long as it takes"},
        {"a server away for days", false, 0, 1, 100'000, true, false, "waits for DNS"},
        {"some", true, 3, 1, 2, true, false, "3 connections"},
        {"some, late", true, 3, 1, 20, true, true, ""},
        {"none, counted before it was out", true, 0, 3, 2, true, false, "not known"},
        {"unknown", true, std::nullopt, 1, 2, true, false, "all of drain_timeout"},
        {"unknown, late", true, std::nullopt, 1, 20, true, true, ""},
        {"less than none", true, -1, 1, 2, true, true, ""},
        {"new master", true, 0, 1, 2, false, false, "removals wait"}};
    for (const Row& row : rows) {
        LifecycleView view = draining(row.out_for);
        view.sights.at(id(1, 1)).out_of_dns = row.out;
        view.sights.at(id(1, 1)).connections = row.connections;
        view.sights.at(id(1, 1)).counted = view.now - seconds(row.counted);
        view.reconciled = row.reconciled;
        const LifecyclePlan planned = plan(quick_settings(), view);
        EXPECT_EQ(planned.write.has_value(), row.deletes) << row.name;
        EXPECT_THAT(planned.calls, IsEmpty()) << "deleting is committed first";
        if (row.deletes)
            EXPECT_EQ(planned.write->instances.at(id(1, 1))->phase, InstancePhase::deleting);
        else
            EXPECT_THAT(planned.says, Contains(HasSubstr(row.says))) << row.name;
    }
}

/// Time in DNS, and in caches, is none of `drain_timeout`.
TEST(LifecycleIn, ConnectionsHaveTheirTimeFromTheMomentThatItIsOutOfDns) {
    LifecycleView view = draining(0);
    auto& record = view.instances.at(id(1, 1));
    auto& sight = view.sights.at(id(1, 1));
    record.deadline.reset();
    record.drain_started = record.since = view.now - std::chrono::hours(5);
    sight.connections = 7;
    sight.out_of_dns = false;
    EXPECT_FALSE(plan(quick_settings(), view).write);
    sight.out_of_dns = true;
    const LifecyclePlan planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->instances.at(id(1, 1))->phase, InstancePhase::draining);
    EXPECT_EQ(planned.write->instances.at(id(1, 1))->deadline,
              view.now + quick_settings().drain_timeout);
    EXPECT_THAT(planned.write->did, Contains(HasSubstr("have 20 s to end")));
}

TEST(LifecycleIn, WhatWasPublishedAgainMeanwhileHasItsTimeAnew) {
    for (const bool published : {true, false}) {
        LifecycleView view = draining(1'000);
        view.sights.at(id(1, 1)).out_of_dns = false;
        view.sights.at(id(1, 1)).published = published;
        const LifecyclePlan planned = plan(quick_settings(), view);
        EXPECT_EQ(planned.write.has_value(), published) << "not known by a new master: it goes on";
        if (published) EXPECT_EQ(planned.write->instances.at(id(1, 1))->deadline, std::nullopt);
    }
}

TEST(LifecycleIn, WhatHasEndedIsNotWaitedForOnceItIsOutOfDns) {
    for (const bool out : {true, false}) {
        LifecycleView view = draining(0);
        auto& record = view.instances.at(id(1, 1));
        record.deadline.reset();
        record.since = view.now - seconds(60);
        for (auto* listing : {&view.inventory.before, &view.inventory.newest})
            std::erase_if((*listing)->machines,
                          [&](const Machine& machine) { return machine.id == id(1, 1); });
        view.sights.at(id(1, 1)).out_of_dns = out;
        const LifecyclePlan planned = plan(quick_settings(), view);
        ASSERT_EQ(planned.write.has_value(), out);
        if (out) EXPECT_EQ(planned.write->instances.at(id(1, 1))->phase, InstancePhase::deleting);
    }
}

TEST(LifecycleIn, IsTakenBackByAScaleOutNewestDrainedFirst) {
    LifecycleView view = shrinking(5, 2);
    for (int k = 1; k <= 3; ++k) {
        auto& record = view.instances.at(id(1, k));
        record.phase = k == 3 ? InstancePhase::deleting : InstancePhase::draining;
        record.drain_started = view.now - seconds(k == 2 ? 5 : 10);
    }
    view.decision = decided(view, 3);
    LifecyclePlan planned = plan(quick_settings(), view);
    EXPECT_EQ(planned.write->instances.at(id(1, 2))->phase, InstancePhase::serving);
    EXPECT_EQ(planned.write->state.intent->leaving, (Ids{id(1, 1), id(1, 3)}));
    EXPECT_THAT(planned.write->state.intent->ids, IsEmpty()) << "nothing is created";
    view.decision = decided(view, 5);
    planned = plan(quick_settings(), view);
    EXPECT_EQ(planned.write->state.target, 5);
    EXPECT_EQ(planned.write->state.intent->leaving, Ids{id(1, 3)}) << "deleting never comes back";
    EXPECT_EQ(planned.write->state.intent->ids, Ids{id(3, 1)}) << "in the same multi";
    EXPECT_EQ(planned.write->state.intent->kind, FleetIntentKind::out);
}

TEST(LifecycleIn, IsTakenBackByAPause) {
    for (const auto kind :
         {FleetPauseKind::none, FleetPauseKind::in, FleetPauseKind::out, FleetPauseKind::all}) {
        LifecycleView view = shrinking(3, 2);
        view.instances.at(id(1, 1)).phase = InstancePhase::draining;
        view.sights.at(id(1, 1)).out_of_dns = false;
        view.pause.kind = kind;
        const bool stops = kind == FleetPauseKind::in || kind == FleetPauseKind::all;
        const LifecyclePlan planned = plan(quick_settings(), view);
        EXPECT_EQ(planned.write.has_value(), stops);
        if (stops) EXPECT_EQ(planned.write->state.target, 3);
        view.pause.until = view.now;
        EXPECT_FALSE(plan(quick_settings(), view).write) << "a pause that is over";
    }
}

TEST(LifecycleReplace, NeedsTwoKindsOfEvidence) {
    const struct {
        std::string name;
        void (*change)(LifecycleView&);
        bool replaced;
    } rows[] = {
        {"down and in no listing", [](LifecycleView&) {}, true},
        {"up", [](LifecycleView& view) { view.sights.at(id(1, 1)).verdict = Verdict::up; }, false},
        {"unknown",
         [](LifecycleView& view) { view.sights.at(id(1, 1)).verdict = Verdict::unknown; },
         false},
        {"listed once",
         [](LifecycleView& view) {
             view.inventory.before->machines.push_back(
                 {.id = id(1, 1), .state = MachineState::running});
         },
         false},
        {"listed as ended",
         [](LifecycleView& view) {
             view.inventory.before->machines.push_back(
                 {.id = id(1, 1), .state = MachineState::stopped});
         },
         true},
        {"one listing", [](LifecycleView& view) { view.inventory.before.reset(); }, false},
        {"partial", [](LifecycleView& view) { view.inventory.partial = true; }, false},
        {"listed, and down for long",
         [](LifecycleView& view) {
             view.inventory.before.reset();
             view.sights.at(id(1, 1)).since = view.now - quick_settings().create_timeout;
         },
         true},
        {"its host is away",
         [](LifecycleView& view) { view.sights.at(id(1, 1)).host_reachable = false; },
         false},
        {"new master", [](LifecycleView& view) { view.reconciled = false; }, false},
        {"paused", [](LifecycleView& view) { view.pause.kind = FleetPauseKind::out; }, false},
        {"another change", [](LifecycleView& view) { view.state = growing(4, 4).state; }, true},
        {"back-off",
         [](LifecycleView& view) { view.state->back_off.until = view.now + seconds(1); },
         false},
        {"another a moment ago",
         [](LifecycleView& view) { view.state->replaced = view.now - seconds(59); },
         false},
    };
    for (const auto& row : rows) {
        LifecycleView view = with_dead(4, 1);
        row.change(view);
        const LifecyclePlan planned = plan(quick_settings(), view);
        const bool replaces = planned.write && planned.write->state.intent &&
                              planned.write->state.intent->kind == FleetIntentKind::replace;
        EXPECT_EQ(replaces, row.replaced) << row.name;
        if (replaces) EXPECT_EQ(planned.write->state.target, 4) << row.name;
    }
    LifecycleSettings off = quick_settings();
    off.replace_dead = false;
    EXPECT_FALSE(plan(off, with_dead(4, 1)).write);
}

TEST(LifecycleReplace, SaysWhyOneThatIsDownStays) {
    const auto said = [](const auto& change) {
        LifecycleView view = with_dead(4, 1);
        view.sights.at(id(1, 1)).since = view.now - quick_settings().create_timeout;
        change(view);
        return plan(quick_settings(), view).says;
    };
    // A host that is away makes the list incomplete, too.
    EXPECT_THAT(said([](LifecycleView& view) {
                    view.inventory.partial = true;
                    view.sights.at(id(1, 1)).host_reachable = false;
                }),
                Contains(HasSubstr("is down and its host not reachable: what it is, is unknown")));
    EXPECT_THAT(said([](LifecycleView& view) { view.inventory.partial = true; }),
                Contains("dead instances stay: the provider's list is not complete"));
    EXPECT_THAT(said([](LifecycleView& view) { view.reconciled = false; }),
                Contains(HasSubstr("dead instances stay: this master hasn't seen all machines")));
}

TEST(LifecycleReplace, TakesADownFromBeforeItsHostCameBackForNothing) {
    const auto replaces = [](seconds down, seconds reachable) {
        LifecycleView view = with_dead(4, 1);
        view.inventory.before.reset();
        Sight& sight = view.sights.at(id(1, 1));
        sight.since = view.now - down;
        sight.host_since = view.now - reachable;
        return plan(quick_settings(), view).write.has_value();
    };
    const seconds limit = quick_settings().create_timeout;
    EXPECT_TRUE(replaces(limit, limit));
    EXPECT_FALSE(replaces(limit, limit - seconds(1)));
    EXPECT_FALSE(replaces(limit - seconds(1), limit));
}

/// More than 45 % and more than 3: then something else is broken.
TEST(LifecycleReplace, StopsWhenTooManyLookDead) {
    EXPECT_TRUE(plan(quick_settings(), with_dead(4, 3)).write) << "3 are not more than 3";
    EXPECT_TRUE(plan(quick_settings(), with_dead(10, 4)).write);
    EXPECT_FALSE(plan(quick_settings(), with_dead(8, 4)).write);
    EXPECT_FALSE(plan(quick_settings(), with_dead(20, 10)).write);
    EXPECT_THAT(plan(quick_settings(), with_dead(30, 9)).write->state.intent->leaving, SizeIs(3))
        << "10 % of the fleet at once";
}

TEST(LifecycleReplace, TheDeadOneStaysInTheSetUntilAnotherServes) {
    LifecycleView view = with_dead(1, 1);
    const LifecyclePlan planned = plan(quick_settings(), view);
    view.state = planned.write->state;
    for (const auto& [which, record] : planned.write->instances) view.instances[which] = *record;
    grant(view, id(1, 1));
    view.replies.at(id(1, 1)).asked = view.now;
    EXPECT_THAT(plan(quick_settings(), view).says, Contains(HasSubstr("no other one serves")));
}

VictimCandidate candidate(const char* name, std::int64_t connections, const char* zone) {
    return {.id = InstanceId(name),
            .connections = connections,
            .zone = zone,
            .serving_since = at_second(0)};
}

TEST(Victims, AreChosenByConnectionsZoneVersionAndAge) {
    const auto first = [](std::vector<VictimCandidate> all) {
        return choose_victims(std::move(all), 1).at(0).id.str();
    };
    auto a = candidate("a", 10, "x");
    auto b = candidate("b", 10, "x");
    EXPECT_EQ(first({b, a}), "a") << "among equals the lowest id, in whatever order";
    b.connections = 4;
    EXPECT_EQ(first({a, b}), "b") << "fewer connections";
    a.connections.reset();
    EXPECT_EQ(first({a, b, candidate("c", 10, "x")}), "b") << "unknown counts as the busiest";
    a = candidate("a", 4, "x");
    b = candidate("b", 4, "x");
    b.old_spec = true;
    EXPECT_EQ(first({a, b}), "b") << "an earlier spec";
    b.old_spec = false;
    a.serving_since = at_second(9);
    EXPECT_EQ(first({a, b}), "b") << "older";
    a.healthy = false;
    EXPECT_EQ(first({a, b}), "a") << "not healthy";
    const auto idle = candidate("d", 0, "y");
    EXPECT_EQ(first({candidate("a", 9, "x"),
                     candidate("b", 9, "x"),
                     candidate("c", 9, "x"),
                     candidate("c2", 9, "x"),
                     idle}),
              "a")
        << "the zone with 3 more, even if it is busier";
}

TEST(Victims, ZonesStayBalancedAndScoresAreExplained) {
    const auto victims = choose_victims({candidate("a1", 1, "x"),
                                         candidate("a2", 1, "x"),
                                         candidate("b1", 1, "y"),
                                         candidate("b2", 1, "y")},
                                        2);
    ASSERT_THAT(victims, SizeIs(2));
    EXPECT_EQ(victims[0].id.str().substr(0, 1), "a");
    EXPECT_EQ(victims[1].id.str().substr(0, 1), "b") << "each with those before it gone";
    EXPECT_EQ(victims[1].why,
              "300 = 0 (healthy) + 300 (its zone has 1 more than the smallest) + 0 (1 "
              "connections) + 0 (newest spec) + 0 (age)");
    EXPECT_THAT(choose_victims({}, 3), IsEmpty());
}

/// `scaling: {max: 0}`: also the last one goes, which else stays.
TEST(LifecycleTakeDown, RemovesAllAndLeavesNothing) {
    LifecycleView view = shrinking(1, 0);
    view.replies[id(1, 1)] = {
        .kind = CallKind::can_remove, .asked = view.now, .at = view.now, .result = Machine{}};
    EXPECT_FALSE(plan(quick_settings(), view).write) << "the last one isn't drained";
    LifecycleSettings settings = quick_settings();
    settings.take_down = true;
    const LifecyclePlan planned = plan(settings, view);
    ASSERT_TRUE(planned.write);
    EXPECT_EQ(planned.write->instances.at(id(1, 1))->phase, InstancePhase::draining);
}

TEST(LifecycleTakeDown, ReplacesNothing) {
    LifecycleView view = serving(3);
    view.sights.at(id(1, 1)).verdict = Verdict::down;
    ASSERT_TRUE(plan(quick_settings(), view).write) << "else it is replaced";
    LifecycleSettings settings = quick_settings();
    settings.take_down = true;
    EXPECT_FALSE(plan(settings, view).write);
}

/// A fleet that was taken down, deleted and made again under its name.
TEST(LifecycleBegins, AnewWhenNothingOfAnEarlierLifeIsLeft) {
    LifecycleView view = serving(0);
    view.state->fleet_uid = "u0";
    view.state->generation = 7;
    const LifecyclePlan planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_FALSE(planned.write->first) << "its znodes are there";
    EXPECT_EQ(planned.write->state.fleet_uid, "u1");
    EXPECT_EQ(planned.write->state.generation, 7) << "no name is used again";
    EXPECT_EQ(planned.write->state.target, 0);
    view.instances[id(1, 1)] = record_of(InstancePhase::serving, view.now);
    view.instances[id(1, 1)].fleet_uid = "u0";
    EXPECT_TRUE(plan(quick_settings(), view).refused);
}

}  // namespace
}  // namespace muster::scaler::testing
