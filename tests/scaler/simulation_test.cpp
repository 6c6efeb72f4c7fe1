#include "scaler/simulation.hpp"

#include "scaler/recording.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

// Small pasts whose sizes were worked out by hand, and what holds of every run.
namespace muster::scaler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr WallTime start{std::chrono::hours{490'000}};

Policy policy_of(Measure measure, int target) {
    return {.min = 1,
            .max = 10,
            .metrics = {{.name = "load",
                         .rule = TargetPolicy{.measure = measure, .target = whole(target)}}},
            .out = {.tolerance_ppm = 0},
            .in = {.tolerance_ppm = 0}};
}

PastSeries series(const std::vector<int>& values, const std::string& instance = "") {
    PastSeries one{.metric = "load", .instance = instance, .points = {}};
    for (std::size_t i = 0; i < values.size(); ++i)
        one.points.push_back({.at = start + static_cast<int>(i) * 10s,
                              .flaw = values[i] < 0 ? Flaw::empty : Flaw::none,
                              .value = values[i] < 0 ? Micros{} : whole(values[i])});
    return one;
}

SimulationSettings every_10_s(FleetModel model = {.boot = 10s, .warm_up = 10s, .drain = 10s}) {
    return {.fleet = model, .period = 10s};
}

template <class Member>
std::vector<int> each(const Simulation& run, Member member) {
    std::vector<int> all;
    for (const SimulatedTick& tick : run.ticks) all.push_back(tick.*member);
    return all;
}
std::vector<int> sizes(const Simulation& run) {
    return each(run, &SimulatedTick::size);
}

TEST(Simulation, CountsWhatAPeakCosts) {
    const Past past{.series = {series({100, 100, 350, 350, 350, 100, 100, 100})}, .valid_for = 10s};
    const auto run = simulate(policy_of(Measure::average_of_total, 100), past, every_10_s());
    ASSERT_TRUE(run) << run.error();
    // Grows at 20 s; boots and warms up until 40 s; shrinks at 50 s, and drains until 60 s.
    EXPECT_THAT(sizes(*run), ElementsAre(1, 1, 4, 4, 4, 1, 1, 1));
    EXPECT_THAT(each(*run, &SimulatedTick::serving), ElementsAre(1, 1, 1, 1, 4, 4, 1, 1));
    EXPECT_THAT(each(*run, &SimulatedTick::machines), ElementsAre(1, 1, 4, 4, 4, 4, 1, 1));
    EXPECT_EQ(run->figures,
              (Figures{.ticks = 8,
                       .period = 10s,
                       .smallest = 1,
                       .largest = 4,
                       .size_seconds = 170,
                       .instance_seconds = 200,
                       .idle_seconds = 30,  // 3 more serve at 50 s than are needed
                       .under_seconds = 20,
                       .longest_under_seconds = 20,
                       .missing_seconds = 60,
                       .worst_load_percent = 350,
                       .outs = 1,
                       .ins = 1,
                       .added = 3,
                       .removed = 3,
                       .flaps = 1,
                       .largest_removal = 3}));
}

TEST(Simulation, SplitsTheLoadOfInstancesAnew) {
    const Past past{.series = {series({80, 80, 80}, "a"), series({80, 80, 80}, "b")},
                    .valid_for = 10s};
    SimulationSettings settings = every_10_s({.boot = 0s, .warm_up = 0s, .drain = 0s});
    settings.initial = 2;
    std::vector<Sample> seen;
    const auto run =
        simulate(policy_of(Measure::utilization, 50), past, settings, [&](const TickView& tick) {
            seen.push_back(tick.observed.samples.at("load"));
        });
    ASSERT_TRUE(run) << run.error();
    // 160 in all: 80 % of 2, and 40 % of 4.
    EXPECT_THAT(sizes(*run), ElementsAre(4, 4, 4));
    ASSERT_EQ(seen.size(), 3U);
    EXPECT_EQ(seen[0].readings.size(), 2U);
    EXPECT_EQ(seen[0].readings[0].value, whole(80));
    EXPECT_EQ(seen[1].readings.size(), 4U);
    EXPECT_EQ(seen[1].readings[0].value, whole(40));
    EXPECT_EQ(seen[1].readings[0].capacity, whole(100));
    EXPECT_EQ(run->ticks[1].needed, 4);
    EXPECT_EQ(run->ticks[1].load_percent, 80);
}

TEST(Simulation, TakesAWholeValueAsInverseToTheInstancesThatServedThen) {
    Past past{.series = {series({200, 200, 200})}, .valid_for = 10s};
    SimulationSettings settings = every_10_s({.boot = 0s, .warm_up = 0s, .drain = 0s});
    settings.initial = 2;
    const Policy policy = policy_of(Measure::value, 100);
    const auto unknown = simulate(policy, past, settings);
    ASSERT_TRUE(unknown) << unknown.error();
    EXPECT_THAT(sizes(*unknown), ElementsAre(4, 8, 10));  // it stays what it was: up to max
    for (int i = 0; i < 3; ++i)
        past.fleet.push_back({.at = start + i * 10s, .size = 2, .serving = 2});
    const auto known = simulate(policy, past, settings);
    ASSERT_TRUE(known) << known.error();
    EXPECT_THAT(sizes(*known), ElementsAre(4, 4, 4));
}

TEST(Simulation, ShrinkingWaitsUntilTheChangeBeforeIsDone) {
    const Past past{.series = {series({100, 200, 400, 100, 100, 100})}, .valid_for = 10s};
    const Policy policy = policy_of(Measure::average_of_total, 100);
    const auto run = simulate(policy, past, every_10_s());
    ASSERT_TRUE(run) << run.error();
    // 1 is wanted from 30 s on, when those of 20 s still start; growing doesn't wait.
    EXPECT_THAT(sizes(*run), ElementsAre(1, 2, 4, 4, 1, 1));
    EXPECT_EQ(run->figures.waits, 1);
    const auto freely =
        simulate(policy,
                 past,
                 every_10_s({.boot = 10s, .warm_up = 10s, .drain = 10s, .one_at_a_time = false}));
    ASSERT_TRUE(freely);
    EXPECT_THAT(sizes(*freely), ElementsAre(1, 2, 4, 1, 1, 1));
}

TEST(Simulation, GrowingUndoesDrainsFirst) {
    const Past past{.series = {series({400, 100, 300, 300})}, .valid_for = 10s};
    const auto run = simulate(policy_of(Measure::average_of_total, 100),
                              past,
                              every_10_s({.boot = 10s, .warm_up = 10s, .drain = 60s}));
    ASSERT_TRUE(run) << run.error();
    EXPECT_THAT(sizes(*run), ElementsAre(4, 1, 3, 3));
    EXPECT_THAT(each(*run, &SimulatedTick::machines), ElementsAre(4, 4, 4, 4));
    EXPECT_THAT(each(*run, &SimulatedTick::serving), ElementsAre(4, 4, 1, 3));
}

TEST(Simulation, WhatIsAbsentInThePastIsAbsent) {
    const Past past{.series = {series({300, -1, 100})}, .valid_for = 10s};
    const auto run = simulate(policy_of(Measure::average_of_total, 100), past, every_10_s());
    ASSERT_TRUE(run) << run.error();
    EXPECT_THAT(sizes(*run), ElementsAre(3, 3, 1));
    EXPECT_TRUE(has(run->ticks[1], Cause::no_data));
    EXPECT_EQ(run->figures.unknown_seconds, 10);
    EXPECT_EQ(run->figures.hits[static_cast<std::size_t>(Cause::no_data)], 1);
}

TEST(Simulation, GuardsHoldTheSizeWhereThePastKnowsThem) {
    Policy policy = policy_of(Measure::average_of_total, 100);
    policy.watch = {.errors = TrendPolicy{.floor = whole(1)}, .latency = TrendPolicy{}};
    Past past{.series = {series({400, 400, 100, 100, 100, 100, 100})}, .valid_for = 10s};
    const auto of = [&] { return sizes(simulate(policy, past, every_10_s()).value()); };
    const std::vector<int> shrinks{4, 4, 1, 1, 1, 1, 1};
    EXPECT_EQ(of(), shrinks) << "nothing is known of either";
    past.errors = series({1, 1, 5, 5, 5, 1, 1}).points;
    EXPECT_EQ(of(), (std::vector{4, 4, 4, 4, 4, 1, 1})) << "errors rise as the load falls";
    past.errors = series({1, 1, -1, 1, 1, 1, 1}).points;
    EXPECT_EQ(of(), (std::vector{4, 4, 4, 1, 1, 1, 1})) << "for a time they are not known";
    past.errors = series({1, 1, 1, 1, 1, 1, 1}).points;
    past.errors.erase(past.errors.begin() + 2);
    EXPECT_EQ(of(), (std::vector{4, 4, 4, 1, 1, 1, 1})) << "and there is no point";
    past.errors.clear();
    past.latency = series({9, 9, 20, 20, 9, 9, 9}).points;
    const Simulation run = simulate(policy, past, every_10_s()).value();
    EXPECT_EQ(sizes(run), (std::vector{4, 4, 4, 4, 1, 1, 1}));
    EXPECT_EQ(run.figures.hits[static_cast<std::size_t>(Cause::latency_rising)], 2);
}

TEST(Simulation, APointCountsForItsTimeAndNoLonger) {
    PastSeries thin = series({300});
    thin.points.push_back({.at = start + 40s, .value = whole(300)});
    const Past past{.series = {thin}, .valid_for = 20s};
    const auto run = simulate(policy_of(Measure::average_of_total, 100), past, every_10_s());
    ASSERT_TRUE(run) << run.error();
    ASSERT_EQ(run->ticks.size(), 5U);
    EXPECT_EQ(run->ticks[1].needed, 3);
    EXPECT_EQ(run->ticks[2].needed, std::nullopt);
    EXPECT_EQ(run->ticks[4].needed, 3);
}

TEST(Simulation, AForecastLooksBackOnThePast) {
    PastSeries one{.metric = "load", .instance = "", .points = {}};
    for (int minute = 0; minute < 24 * 60; ++minute)
        one.points.push_back(
            {.at = start + minute * 60s, .value = whole(minute % 60 < 30 ? 100 : 900)});
    const Past past{.series = {one}, .valid_for = 60s};
    Policy policy = policy_of(Measure::average_of_total, 100);
    SimulationSettings settings{
        .fleet = {.boot = 60s, .warm_up = 60s, .drain = 60s}, .period = 60s, .from = start + 12h};
    const auto reactive = simulate(policy, past, settings);
    policy.metrics.push_back({.name = "ahead", .rule = ForecastPolicy{}});
    const auto without = simulate(policy, past, settings);
    ASSERT_FALSE(without);
    EXPECT_THAT(without.error(), HasSubstr("metric ahead: there is no history of it"));
    Past both = past;
    both.series.push_back(one);
    both.series.back().metric = "ahead";
    policy.metrics.back().rule = ForecastPolicy{
        .target = whole(100), .season = 1h, .seasons = 4, .ahead = 300s, .observe_only = false};
    const auto run = simulate(policy, both, settings);
    ASSERT_TRUE(run && reactive);
    EXPECT_GT(reactive->figures.under_seconds, 1000);
    EXPECT_LT(run->figures.under_seconds, reactive->figures.under_seconds / 5);
}

TEST(Simulation, SaysWhatDoesNotFit) {
    const Past past{.series = {series({1, 2, 3})}, .valid_for = 10s};
    Policy policy = policy_of(Measure::average_of_total, 100);
    const auto error = [&](const Past& of, const SimulationSettings& settings) {
        const auto run = simulate(policy, of, settings);
        return run ? std::string() : run.error();
    };
    EXPECT_THAT(error({}, every_10_s()), HasSubstr("no history"));
    SimulationSettings later = every_10_s();
    later.from = start + 1h;
    EXPECT_THAT(error(past, later), HasSubstr("the history is from"));
    later = every_10_s();
    later.period = 0s;
    EXPECT_THAT(error(past, later), HasSubstr("period"));
    later.period = 1s;
    later.to = start + std::chrono::hours(24 * 3650);
    EXPECT_THAT(error(past, later), HasSubstr("more than 5000000 ticks"));
    policy = policy_of(Measure::utilization, 50);
    EXPECT_THAT(error(past, every_10_s()), HasSubstr("needs the column instance"));
    policy.metrics[0].name = "rps";
    EXPECT_EQ(error(past, every_10_s()), "metric rps: there is no history of it; there is of load");
    policy = policy_of(Measure::average_of_total, 100);
    EXPECT_THAT(error({.series = {series({1}), series({1}, "a")}}, every_10_s()),
                HasSubstr("of instances and of the fleet"));
}

class Draw {
 public:
    explicit Draw(std::uint64_t seed) : engine_(seed) {}
    int between(int least, int most) {
        return std::uniform_int_distribution<int>(least, most)(engine_);
    }

 private:
    std::mt19937_64 engine_;
};

Policy drawn_policy(Draw& draw) {
    Policy policy = policy_of(Measure::average_of_total, draw.between(20, 120));
    policy.min = draw.between(1, 4);
    policy.max = policy.min + draw.between(0, 20);
    for (Behaviour* one : {&policy.out, &policy.in}) {
        one->tolerance_ppm = draw.between(0, 200'000);
        one->window = seconds{draw.between(0, 6) * 10};
        one->budgets = {{.count = draw.between(1, 5), .window = seconds{draw.between(1, 30) * 10}}};
        one->cooldown = seconds{draw.between(0, 2) * 20};
    }
    return policy;
}

Past drawn_past(Draw& draw) {
    std::vector<int> values;
    int level = draw.between(0, 900);
    for (int i = 0; i < 300; ++i) {
        level = std::clamp(level + draw.between(-150, 150), 0, 1500);
        values.push_back(draw.between(0, 19) == 0 ? -1 : level);
    }
    return {.series = {series(values)}, .valid_for = 10s};
}

/// The most that was removed (or added) within any window.
int most_within(const Simulation& run, seconds window, int sign) {
    int most = 0;
    for (const SimulatedTick& from : run.ticks) {
        int sum = 0;
        for (const SimulatedTick& tick : run.ticks)
            if (tick.at >= from.at && tick.at - from.at < window)
                sum += std::max(0, sign * (tick.size - tick.was));
        most = std::max(most, sum);
    }
    return most;
}

TEST(Simulation, SizesRespectBoundsAndBudgets) {
    int changes = 0;
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
        Draw draw(seed);
        const Policy policy = drawn_policy(draw);
        const Past past = drawn_past(draw);
        const SimulationSettings settings = every_10_s({.boot = seconds{draw.between(0, 40)},
                                                        .warm_up = seconds{draw.between(0, 40)},
                                                        .drain = seconds{draw.between(0, 40)},
                                                        .one_at_a_time = draw.between(0, 1) == 0});
        const auto run = simulate(policy, past, settings);
        ASSERT_TRUE(run) << run.error();
        for (const SimulatedTick& tick : run->ticks) {
            EXPECT_GE(tick.size, policy.min) << seed;
            EXPECT_LE(tick.size, policy.max) << seed;
            EXPECT_LE(tick.size, tick.machines) << seed;
        }
        const Budget& in = policy.in.budgets[0];
        const Budget& out = policy.out.budgets[0];
        EXPECT_LE(most_within(*run, in.window, -1), *in.count) << seed;
        EXPECT_LE(most_within(*run, out.window, 1), *out.count) << seed;
        changes += run->figures.outs + run->figures.ins;
    }
    EXPECT_GT(changes, 300);
}

TEST(Simulation, APolicyDoesNotDifferFromItself) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Draw draw(seed);
        const Policy policy = drawn_policy(draw);
        const Past past = drawn_past(draw);
        const auto one = simulate(policy, past, every_10_s());
        const auto other = simulate(policy, past, every_10_s());
        ASSERT_TRUE(one && other);
        EXPECT_EQ(*one, *other);
        EXPECT_EQ(compare(*one, *other), Parting{});
        Policy larger = policy;
        larger.min = policy.max;
        const auto third = simulate(larger, past, every_10_s());
        ASSERT_TRUE(third);
        if (one->figures.smallest < policy.max) {
            EXPECT_GT(compare(*one, *third).ticks, 0U) << seed;
        }
    }
}

TEST(Simulation, OfItsOwnRecordingIsTheSame) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Draw draw(seed);
        const Policy policy = drawn_policy(draw);
        const Past past = drawn_past(draw);
        RecordingWriter writer;
        std::string text = writer.header({.fleet = "edge", .period = 10s, .policy = "p"});
        const auto run = simulate(policy, past, every_10_s(), [&](const TickView& tick) {
            text +=
                writer.tick(tick.at, tick.history, tick.observed, tick.membership, tick.decision)
                    .value();
        });
        ASSERT_TRUE(run) << run.error();
        const auto recording = read_recording(text, "edge.rec");
        ASSERT_TRUE(recording) << recording.error();
        EXPECT_EQ(replay(recording->parts.at(0), policy).differences, 0U);
        const auto again = simulate(policy, past_of(recording->parts.at(0)), every_10_s());
        ASSERT_TRUE(again) << again.error();
        EXPECT_EQ(compare(*run, *again), Parting{}) << seed;
    }
}

}  // namespace
}  // namespace muster::scaler
