#include "scaler/decide.hpp"
#include "scaler/flips.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// How schedules, forecasts and guards take part in a decision.
namespace muster::scaler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

/// A Monday, 08:00 UTC.
constexpr WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 6 / 8} + 8h};

struct Fleet {
    Policy policy{.min = 2,
                  .max = 20,
                  .metrics = {{.name = "rps", .rule = TargetPolicy{.target = whole(100)}}},
                  .out = {},
                  .in = {}};
    History history{.last = now - 15s};
    Observations observed;
    Membership membership;

    Fleet(int size, int load) : membership{.size = size} {
        for (int i = 0; i < size; ++i)
            membership.instances.push_back({.id = "lb-" + std::to_string(i), .since = now - 24h});
        observed.samples["rps"] = sample_of(whole(load));
    }
    void schedule(const char* cron, seconds length, int size) {
        policy.metrics.push_back(
            {.name = "hours",
             .rule = SchedulePolicy{
                 .entries = {
                     {.start = parse_cron(cron).value(), .length = length, .size = size}}}});
    }
    /// A week of the same load, and so a forecast of it.
    void forecast(int load, bool active) {
        policy.metrics.push_back(
            {.name = "week",
             .rule = ForecastPolicy{.target = whole(100), .observe_only = !active}});
        Series series{.last = now, .step = 300s};
        series.values.assign(8 * 288, whole(load));
        observed.series["week"] = series;
    }
    [[nodiscard]] Decision decided(WallTime when = now) const {
        return decide(policy, history, observed, membership, when);
    }
    [[nodiscard]] int size() const { return decided().size; }
};

std::vector<Cause> causes(const std::vector<Clamp>& clamps) {
    std::vector<Cause> all;
    for (const Clamp& clamp : clamps) all.push_back(clamp.cause);
    return all;
}

TEST(Decide, HoldsTheSizeOfTheScheduleInForce) {
    Fleet fleet(4, 400);
    fleet.schedule("0 8 * * mon-fri", 10h, 9);
    const Decision decision = fleet.decided();
    EXPECT_EQ(decision.size, 9);
    EXPECT_EQ(decision.proposals[1],
              (Proposal{.metric = "hours",
                        .size = 9,
                        .why = "in force: '0 8 * * mon-fri', UTC",
                        .until = now + 10h}));
    EXPECT_EQ(fleet.decided(now - 1s).size, 4);
    EXPECT_EQ(fleet.decided(now - 1s).proposals[1],
              (Proposal{.metric = "hours", .size = 2, .why = "not in force: min", .until = now}));
    fleet.observed.samples["rps"] = sample_of(whole(1200));
    EXPECT_EQ(fleet.size(), 12) << "the metric asks for more";
}

TEST(Decide, KnowsNoToleranceForSchedules) {
    Fleet fleet(19, 1900);
    fleet.schedule("0 8 * * *", 1h, 20);
    EXPECT_EQ(fleet.size(), 20) << "5 % more, within the metric's 10 %";
}

TEST(Decide, FollowsASchedulesWithoutAnyMetric) {
    Fleet fleet(4, 400);
    fleet.schedule("0 8 * * *", 1h, 9);
    fleet.observed.samples.clear();
    EXPECT_EQ(fleet.size(), 9) << "a metric that is missing doesn't stop it";
    EXPECT_EQ(fleet.decided(now - 1s).size, 4) << "nor lets it lower";
    fleet.policy.metrics.erase(fleet.policy.metrics.begin());
    EXPECT_EQ(fleet.size(), 9);
    EXPECT_EQ(fleet.decided(now - 1s).size, 2) << "with schedules alone: min";
    EXPECT_TRUE(is_well_founded(fleet.decided(now - 1s)));
}

TEST(Decide, NeverLowersByATimeZoneThatItDoesNotKnow) {
    Fleet fleet(4, 100);
    fleet.schedule("0 8 * * *", 1h, 9);
    std::get<SchedulePolicy>(fleet.policy.metrics[1].rule).time_zone = "Mars/Olympus";
    EXPECT_EQ(fleet.size(), 4);
    EXPECT_THAT(causes(fleet.decided().clamps), ElementsAre(Cause::partial_data));
    EXPECT_FALSE(is_well_founded(fleet.decided()));
}

TEST(Decide, RaisesByAForecastThatActsAndNeverLowersByIt) {
    Fleet fleet(4, 400);
    fleet.forecast(700, true);
    EXPECT_EQ(fleet.size(), 7);
    EXPECT_EQ(fleet.decided().proposals[1].why, "expects a load of 7 instances, error 0.0 %");
    Fleet low(4, 400);
    low.forecast(100, true);
    EXPECT_EQ(low.size(), 4);
    Fleet alone(4, 0);
    alone.forecast(100, true);
    alone.policy.metrics.erase(alone.policy.metrics.begin());
    EXPECT_EQ(alone.size(), 4) << "no metric: it may raise only";
    alone.observed.series["week"].values.assign(8 * 288, whole(900));
    EXPECT_EQ(alone.size(), 9);
}

TEST(Decide, OnlyShowsWhatAForecastThatObservesWouldDo) {
    Fleet fleet(4, 100);
    fleet.forecast(700, false);
    const Decision decision = fleet.decided();
    EXPECT_EQ(decision.size, 2);
    EXPECT_EQ(decision.proposals[1],
              (Proposal{.metric = "week",
                        .why = "observes only: expects a load of 7 instances, error 0.0 %"}));
    fleet.observed.series.clear();
    EXPECT_EQ(fleet.size(), 2);
}

TEST(Decide, LowersNothingWhileAForecastThatActsIsBlind) {
    Fleet fleet(7, 100);
    fleet.forecast(700, true);
    fleet.history = fleet.decided(now - 15s).next;
    EXPECT_EQ(fleet.size(), 7);
    fleet.observed.series.clear();
    EXPECT_EQ(fleet.size(), 7);
    EXPECT_EQ(fleet.decided().proposals[1].why, "a forecast that acts, without its history");
    EXPECT_EQ(fleet.decided(now + 2h).size, 2) << "not for ever";
}

TEST(Decide, WatchesForRisesItself) {
    Fleet fleet(8, 250);
    fleet.policy.watch.errors = TrendPolicy{.floor = whole(1)};
    fleet.history.trends.errors.points = {{.at = now - 60s, .value = whole(2)}};
    fleet.observed.errors = sample_of(whole(2));
    EXPECT_EQ(fleet.size(), 3);
    fleet.observed.errors = sample_of(whole(4));
    EXPECT_EQ(fleet.size(), 8);
    EXPECT_EQ(fleet.decided().next.trends.errors.rising_since, now);
    fleet.observed.errors = {};
    EXPECT_EQ(fleet.size(), 8) << "unknown";
    fleet.policy.watch = {.unhealthy = TrendPolicy{.floor = whole(10)}};
    fleet.history.trends.unhealthy.points = {{.at = now - 60s, .value = whole(0)}};
    EXPECT_EQ(fleet.size(), 3);
    fleet.membership.instances[0].healthy = false;
    EXPECT_EQ(fleet.size(), 8) << "12.5 % unhealthy";
}

TEST(Decide, DoesNotGrowWhileCreatesFailButToMin) {
    Fleet fleet(4, 900);
    fleet.membership.creates = {.failures = 2, .last = now - 60s};
    const Decision decision = fleet.decided();
    EXPECT_EQ(decision.size, 4);
    EXPECT_THAT(decision.clamps,
                ElementsAre(Clamp{.cause = Cause::failed_creates,
                                  .before = 9,
                                  .after = 4,
                                  .why = "2 creates failed",
                                  .until = now + 9min}));
    EXPECT_EQ(fleet.decided(now + 9min).size, 9);
    fleet.policy.min = 6;
    EXPECT_EQ(fleet.size(), 6);
    fleet.policy.min = 2;
    fleet.observed.samples["rps"] = sample_of(whole(100));
    EXPECT_EQ(fleet.size(), 2) << "shrinking needs no create";
    EXPECT_EQ(fleet.decided().brakes.size(), 1u) << "said though nobody asked to grow";
    fleet.policy.mode = Mode::hpa;
    fleet.observed.samples["rps"] = sample_of(whole(900));
    EXPECT_EQ(fleet.size(), 4);
}

TEST(Decide, DoesNotGrowBeyondSchedulesWhileGrowingDoesNotHelp) {
    Fleet fleet(4, 900);
    fleet.policy.effectiveness = EffectivenessPolicy{};
    fleet.history.growth = {.fruitless = 3, .held_until = now + 10min};
    EXPECT_EQ(fleet.size(), 4);
    EXPECT_EQ(fleet.decided().clamps[0],
              (Clamp{.cause = Cause::ineffective,
                     .before = 9,
                     .after = 4,
                     .why = "3 times in a row growing didn't help",
                     .until = now + 10min}));
    fleet.schedule("0 8 * * *", 1h, 6);
    EXPECT_EQ(fleet.size(), 6);
    EXPECT_EQ(fleet.decided(now + 10min).size, 9);
    fleet.history.growth.held_until = now + 24h;
    EXPECT_EQ(fleet.decided().brakes[0].until, now + 30min) << "the clock went back";
}

TEST(Decide, LowersNothingWhereInstancesAreMissingInTheTree) {
    Fleet fleet(10, 250);
    fleet.membership.instances.resize(8);
    EXPECT_EQ(fleet.size(), 3) << "a fifth may be on its way";
    fleet.membership.instances.resize(7);
    EXPECT_EQ(fleet.size(), 10);
    EXPECT_THAT(fleet.decided().vetoes,
                ElementsAre(Veto{.cause = Cause::members_missing,
                                 .why = "the tree names 7 of 10 instances"}));
    fleet.observed.samples["rps"] = sample_of(whole(1200));
    EXPECT_EQ(fleet.size(), 12) << "growing is free";
}

TEST(Decide, LowersPastAFewMissingInstancesWhereThatIsAllowed) {
    Fleet fleet(10, 0);
    fleet.policy.metrics[0].rule =
        TargetPolicy{.measure = Measure::average_of_instances, .target = whole(100)};
    std::vector<Reading> readings;
    for (int i = 0; i < 9; ++i)
        readings.push_back({.instance = "lb-" + std::to_string(i), .value = whole(40)});
    fleet.observed.samples["rps"] = sample_of(readings);
    EXPECT_EQ(fleet.size(), 10);
    fleet.policy.metrics[0].missing_percent = 9;
    EXPECT_EQ(fleet.size(), 10) << "10 % are missing";
    fleet.policy.metrics[0].missing_percent = 10;
    EXPECT_EQ(fleet.size(), 5) << "9 * 40, and the target's 100 for the one";
    for (Reading& reading : readings) reading.value = whole(70);
    fleet.observed.samples["rps"] = sample_of(readings);
    EXPECT_EQ(fleet.size(), 8) << "9 * 70 + 140";
    fleet.observed.samples["rps"] = sample_of(whole(360));
    fleet.observed.samples["rps"].coverage = Coverage{.seen = 9, .expected = 10};
    fleet.policy.metrics[0].rule = TargetPolicy{.target = whole(100)};
    EXPECT_EQ(fleet.size(), 5);
}

TEST(Flips, LeaveOutSchedulesAndForecasts) {
    Fleet fleet(4, 400);
    fleet.schedule("0 8 * * *", 1h, 4);
    fleet.forecast(300, true);
    fleet.observed.samples["hours"] = fleet.observed.samples["week"] = sample_of(whole(1));
    EXPECT_THAT(flips(fleet.policy, fleet.history, fleet.observed, fleet.membership, now),
                ElementsAre(Flip{.metric = "rps", .raises_from = Micros{440'000'001}}));
}

}  // namespace
}  // namespace muster::scaler
