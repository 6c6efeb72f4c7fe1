#include "scaler/decide.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

// The published failures of reference/autoscaling.md, 2.4, played through the decision core. Where
// another part of muster has to prevent one too, the comment says which.
namespace muster::scaler {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start{std::chrono::sys_days{std::chrono::year{2026} / 6 / 8} + 12h};
constexpr std::chrono::milliseconds tick_time{15s};

/// A fleet whose decisions are carried out: what is created serves `start_up` later, what is
/// removed leaves at once, if `leaves`.
struct Story {
    Policy policy{.min = 2,
                  .max = 200,
                  .metrics = {{.name = "load", .rule = TargetPolicy{.target = whole(100)}}},
                  .in = {.window = 300s,
                         .budgets = {{.count = 1, .percent = 10, .window = 60s}},
                         .warm_up = 120s}};
    History history;
    Membership membership;
    Observations observed;
    WallTime now = start;
    Decision last;
    seconds start_up{60};
    bool leaves = true;
    int next_id = 0;
    int removed = 0;
    int added = 0;

    explicit Story(int size, int load = 0) {
        membership.size = size;
        for (int i = 0; i < size; ++i) join(now - 24h);
        history.last = now - 15s;
        set(load);
    }
    void join(WallTime at) {
        membership.instances.push_back({.id = "lb-" + std::to_string(next_id++), .since = at});
    }
    void set(int load) { observed.samples["load"] = sample_of(whole(load)); }
    [[nodiscard]] int size() const { return membership.size; }
    [[nodiscard]] int serving() const {
        return static_cast<int>(
            std::ranges::count(membership.instances, Phase::serving, &Instance::phase));
    }
    [[nodiscard]] bool held_back_by(Cause cause) const {
        return std::ranges::find(last.clamps, cause, &Clamp::cause) != last.clamps.end();
    }
    void ripen() {
        for (Instance& instance : membership.instances) {
            if (instance.phase == Phase::draining) continue;
            const bool up = now - instance.since >= start_up;
            instance.phase = up ? Phase::serving : Phase::booting;
            instance.warmed = now - instance.since >= start_up + 60s;
        }
    }
    void carry_out() {
        const int change = last.size - membership.size;
        added += std::max(0, change);
        removed += std::max(0, -change);
        for (int i = 0; i < change; ++i) join(now);
        int leaving = -change;
        for (auto one = membership.instances.rbegin();
             leaving > 0 && one != membership.instances.rend();
             ++one) {
            if (one->phase == Phase::draining) continue;
            one->phase = Phase::draining;
            --leaving;
        }
        if (leaves)
            std::erase_if(membership.instances,
                          [](const Instance& one) { return one.phase == Phase::draining; });
        membership.size = last.size;
    }
    void tick(std::chrono::milliseconds every = tick_time) {
        ripen();
        last = decide(policy, history, observed, membership, now);
        history = last.next;
        carry_out();
        now += every;
    }
    void go(std::chrono::milliseconds time, std::chrono::milliseconds every = tick_time) {
        for (const WallTime end = now + time; now < end;) tick(every);
    }
};

// The identity of the tree (cluster uuid, epoch) and the pause in each transaction are the
// lifecycle's share.
TEST(Incidents, F1_Reddit2016_AHalfMigratedTreeTakesNothingDown) {
    Story story(40, 4000);
    story.policy.metrics[0].rule =
        TargetPolicy{.measure = Measure::average_of_instances, .target = whole(100)};
    const auto report = [&] {
        std::vector<Reading> readings;
        for (const Instance& one : story.membership.instances)
            readings.push_back({.instance = one.id, .value = whole(90)});
        story.observed.samples["load"] = sample_of(readings);
    };
    report();
    story.go(10min);
    ASSERT_EQ(story.size(), 40);
    // The tree names 4 of the 40: by them alone the fleet would be 4.
    story.membership.instances.resize(4);
    report();
    story.go(10min, 1s);
    EXPECT_EQ(story.size(), 40);
    EXPECT_TRUE(story.held_back_by(Cause::members_missing));
}

TEST(Incidents, F1_Reddit2016_WhateverItReadsTheBudgetHoldsFor16Seconds) {
    Story story(40, 0);
    story.policy.in.window = 0s;
    story.go(16s, 100ms);
    EXPECT_EQ(story.removed, 4) << "10 % a minute, not 40 in 16 s";
    story.go(44s, 100ms);
    EXPECT_EQ(story.removed, 4);
}

TEST(Incidents, F1_Reddit2016_APausedFleetStaysPaused) {
    Story story(40, 0);
    story.observed.pause = Pause::all;
    story.go(1h);
    EXPECT_EQ(story.size(), 40);
    EXPECT_TRUE(story.held_back_by(Cause::paused));
}

TEST(Incidents, F2_Slack2021_ThreadsThatWaitLookIdleAndAreNot) {
    Story story(100, 9500);
    story.policy.watch = {.errors = TrendPolicy{.floor = whole(1)},
                          .latency = TrendPolicy{.floor = whole(50)}};
    story.policy.out.max_unavailable = 20;
    story.observed.errors = sample_of(whole(0));
    story.observed.latency = sample_of(whole(80));
    story.go(20min);
    ASSERT_EQ(story.size(), 100);
    // Packet loss: the processors wait, latency and errors rise.
    story.set(4000);
    story.observed.errors = sample_of(whole(6));
    story.observed.latency = sample_of(whole(400));
    story.go(40min);
    EXPECT_EQ(story.size(), 100);
    EXPECT_TRUE(story.held_back_by(Cause::errors_rising));
    // Then the peak: no more than a fifth may be starting at any time, and failures of the
    // provisioner stop the growth.
    story.set(30'000);
    story.start_up = 10min;
    for (int i = 0; i < 20; ++i) {
        story.tick();
        EXPECT_LE(story.size() - story.serving(), story.size() / 5 + 1);
    }
    story.membership.creates = {.failures = 1, .last = story.now};
    const int size = story.size();
    story.go(4min);
    EXPECT_EQ(story.size(), size);
}

TEST(Incidents, F3_GitLab2020_LostConnectionsAreNoIdleness) {
    Story story(20, 1900);
    story.policy.watch.errors = TrendPolicy{.floor = whole(1)};
    story.observed.errors = sample_of(whole(0));
    story.go(20min);
    ASSERT_EQ(story.size(), 20);
    story.set(600);
    story.observed.errors = sample_of(whole(60));
    story.go(76min);  // 14:29 to 15:45
    EXPECT_EQ(story.size(), 20);
    // Once it is over the traffic is what it is.
    story.observed.errors = sample_of(whole(0));
    story.set(1000);
    story.go(30min);
    EXPECT_LT(story.size(), 20);
}

TEST(Incidents, F4_Keda3065_NoDataIsNotZero) {
    for (const Flaw flaw : {Flaw::empty, Flaw::not_a_number, Flaw::query_failed, Flaw::partial}) {
        Story story(20, 1900);
        story.go(10min);
        story.observed.samples["load"] = {
            .quality = flaw == Flaw::empty ? Quality::absent : Quality::bad, .flaw = flaw};
        story.go(2h);
        EXPECT_EQ(story.size(), 20);
        EXPECT_FALSE(is_well_founded(story.last));
        story.observed.samples.clear();
        story.go(2h);
        EXPECT_EQ(story.size(), 20);
        story.set(0);
        story.go(2h);
        EXPECT_EQ(story.size(), 2) << "a zero that was measured is one";
    }
}

// Fencing of DNS and never emptying a name: tests/dnsupdate,
// EtcdProviderTest.IsFencedOffByALaterMaster and
// DnsPlanProperties.RoundsComeToAnEndNeverEmptyANameAndKeepTheBudget.
TEST(Incidents, F5_DynamoDb2025_HealthThatFlapsDoesNotMoveTheCapacity) {
    Story story(30, 2900);
    story.go(10min);
    for (int i = 0; i < 240; ++i) {
        story.ripen();
        for (std::size_t k = 0; k < story.membership.instances.size(); ++k)
            story.membership.instances[k].healthy = i % 4 < 2 || k % 2 == 0;
        story.set(i % 4 < 2 ? 2900 : 1450);
        story.tick();
    }
    EXPECT_EQ(story.size(), 30);
    EXPECT_EQ(story.removed, 0);
}

TEST(Incidents, F5_DynamoDb2025_RemovalsHaveASpeedWhateverIsAddedBetween) {
    Story story(30, 3000);
    story.policy.in.window = 0s;
    story.policy.in.warm_up = 0s;
    for (int i = 0; i < 240; ++i) {
        story.set(i % 2 == 0 ? 300 : 6000);
        const int before = story.removed;
        story.tick();
        EXPECT_LE(story.removed - before, 6);
    }
    EXPECT_LE(story.removed, 61 * 6) << "10 % of at most 60, each minute of an hour";
}

// To create one, see it healthy and then the rest is the lifecycle's share.
TEST(Incidents, F6_Kinesis2020_MaxIsHardAndGrowthComesInSteps) {
    Story story(10, 100'000);
    story.policy.max = 24;
    story.policy.out.max_unavailable = 10;
    story.policy.metrics.push_back({.name = "fixed", .rule = FixedPolicy{.size = 500}});
    story.tick();
    EXPECT_EQ(story.size(), 11) << "the first is alone";
    for (int i = 0; i < 400; ++i) {
        story.tick();
        EXPECT_LE(story.size(), 24);
        EXPECT_LE(story.size() - story.serving(), 2);
    }
    EXPECT_EQ(story.size(), 24);
}

TEST(Incidents, F7_Aws2021_WithoutItsOwnMetricsItStandsStillAndKeepsTheFloor) {
    Story story(20, 1900);
    story.policy.watch = {.errors = TrendPolicy{}, .latency = TrendPolicy{}};
    story.observed.errors = story.observed.latency = sample_of(whole(0));
    story.policy.metrics.push_back(
        {.name = "day",
         .rule = SchedulePolicy{
             .entries = {{.start = parse_cron("0 14 * * *").value(), .length = 1h, .size = 26}}}});
    story.go(10min);
    const Observations before = story.observed;
    story.observed = {};
    story.go(100min);
    EXPECT_EQ(story.size(), 20);
    story.go(30min);
    EXPECT_EQ(story.size(), 26) << "the schedule needs no metric";
    story.go(90min);
    EXPECT_EQ(story.size(), 26) << "nor is its end a reason to shrink without one";
    story.policy.min = 28;
    story.tick();
    EXPECT_EQ(story.size(), 28);
    story.observed = before;
    story.policy.min = 2;
    story.go(40min);
    EXPECT_LE(story.size(), 21) << "and goes on when they are back";
}

TEST(Incidents, F8_Slack2020_MoreHostsDoNotMakeASlowDatabaseFast) {
    Story story(100);
    story.policy.max = 175;
    story.policy.metrics[0].rule = TargetPolicy{.measure = Measure::value, .target = whole(60)};
    story.policy.out.budgets = {{.percent = 15, .window = 60s}};
    story.policy.effectiveness = EffectivenessPolicy{};
    story.policy.out.max_unavailable = 15;
    story.set(85);
    int ticks_at_alarm = -1;
    for (int i = 0; i < 240 && ticks_at_alarm < 0; ++i) {
        story.tick();
        if (story.held_back_by(Cause::ineffective)) ticks_at_alarm = i;
    }
    EXPECT_GE(ticks_at_alarm, 0);
    const int size = story.size();
    EXPECT_LT(size, 175);
    story.go(25min);
    EXPECT_EQ(story.size(), size);
}

TEST(Incidents, F9_Komodor_InstancesThatBringTheirOwnLoadDoNotMultiply) {
    const auto night = [](bool guarded) {
        Story story(30);
        story.policy.max = 4000;
        if (guarded) story.policy.effectiveness = EffectivenessPolicy{};
        for (int i = 0; i < 4 * 60 * 8 && story.size() < 4000; ++i) {
            story.ripen();
            story.set(130 * story.serving());
            story.tick();
        }
        return story.size();
    };
    EXPECT_EQ(night(false), 4000);
    EXPECT_LT(night(true), 400) << "over 8 h: after the third it tries again ever more seldom";
}

TEST(Incidents, F10_DZone_AFailingProviderIsNotAskedAgainAndAgain) {
    Story story(10, 2000);
    int attempts = 0;
    for (int i = 0; i < 4 * 60 * 3; ++i) {
        story.tick();
        if (story.size() == 10) continue;
        // What is launched fails at once, and the lifecycle takes it back.
        ++attempts;
        story.membership.creates = after_failure(story.membership.creates, story.now);
        story.membership.size = 10;
        story.membership.instances.resize(10);
    }
    EXPECT_GE(attempts, 7);
    EXPECT_LE(attempts, 9) << "at 0, 5, 15, 35 minutes, then each half hour";
    story.observed.pause = Pause::out;
    story.go(1h);
    EXPECT_EQ(story.size(), 10) << "and one write freezes it";
}

// That only one intent is in flight is the lifecycle's share.
TEST(Incidents, F11_Nomad376_EvaluatingFasterThanDrainingRemovesNothingTwice) {
    Story story(20, 1000);
    story.leaves = false;
    story.policy.in.window = 0s;
    story.policy.in.budgets = {{.count = 5, .window = 60s}};
    story.policy.in.max_unavailable = 25;
    story.tick(1s);
    EXPECT_EQ(story.size(), 15);
    for (int i = 0; i < 600; ++i) story.tick(1s);
    EXPECT_EQ(story.removed, 5) << "5 still drain: a quarter is out already";
    story.leaves = true;
    story.go(10min, 1s);
    EXPECT_EQ(story.size(), 10);
    // #610: the same evaluation twice.
    const auto decided = [&](const History& history) {
        return decide(story.policy, history, story.observed, story.membership, story.now);
    };
    const Decision once = decided(story.history);
    EXPECT_EQ(once.size, decided(once.next).size);
}

TEST(Incidents, F12_Kubernetes127193_OneMissingSampleDoesNotKeep160AtTheMax) {
    Story story(160);
    story.policy.metrics[0].rule =
        TargetPolicy{.measure = Measure::utilization, .target = whole(60)};
    const auto pass = [&](seconds time) {
        for (const WallTime end = story.now + time; story.now < end;) {
            std::vector<Reading> readings;
            for (const Instance& one : story.membership.instances)
                if (one.id != "lb-0")
                    readings.push_back(
                        {.instance = one.id, .value = whole(20), .capacity = whole(100)});
            story.observed.samples["load"] = sample_of(readings);
            story.tick();
        }
    };
    pass(8h);
    EXPECT_EQ(story.size(), 160) << "by default missing data never lowers";
    EXPECT_TRUE(story.held_back_by(Cause::partial_data)) << "and it says so";
    EXPECT_FALSE(is_well_founded(story.last));
    story.policy.metrics[0].missing_percent = 5;
    pass(12min);
    EXPECT_LT(story.size(), 100);
    EXPECT_TRUE(is_well_founded(story.last));
    pass(8h);
    EXPECT_GE(story.size(), 17) << "one of 19 are more than 5 %";
}

// The metric that is made of it, and the alarm, are the orchestrator's share.
TEST(Incidents, F13_Judoscale_TwelveHoursWithoutAWellFoundedDecisionShow) {
    Story story(20, 1900);
    story.tick();
    EXPECT_TRUE(is_well_founded(story.last));
    WallTime last_good = story.now;
    story.observed.samples.clear();
    for (const WallTime end = story.now + 12h; story.now < end;) {
        story.tick();
        if (is_well_founded(story.last)) last_good = story.now;
    }
    EXPECT_GE(story.now - last_good, 12h);
    EXPECT_TRUE(story.held_back_by(Cause::no_data));
}

}  // namespace
}  // namespace muster::scaler
