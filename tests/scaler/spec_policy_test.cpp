#include "scaler/spec_policy.hpp"

#include "common/config/decode.hpp"

#include <gtest/gtest.h>

#include <string>

namespace muster::scaler {
namespace {

using std::chrono::minutes;

config::ScalingSpec spec_of(const std::string& scaling) {
    const config::Decoded decoded = config::decode(
        "kind: Fleet\nname: edge\nspec:\n  listeners: [{name: a, bind: \":80\", group: web}]\n"
        "  scaling: {shadow: true, " +
        scaling + "}\n");
    for (const config::Problem& problem : decoded.problems) ADD_FAILURE() << to_string(problem);
    return decoded.fleets.at(0).scaling.value_or(config::ScalingSpec{});
}

TEST(PolicyOf, ASpecWithItsDefaultsIsTheCoresDefault) {
    Policy expected;
    expected.in.warm_up = minutes(2);
    expected.effectiveness = EffectivenessPolicy{};
    EXPECT_EQ(policy_of(config::ScalingSpec{}), expected);
}

TEST(PolicyOf, EveryFieldOfASpec) {
    const Policy policy = policy_of(spec_of(R"(
    min: 2, max: 8, period: 1m, warm_up: 3m,
    metrics: [
      {name: total, query: q, max_age: 90s, target: {total_average: 100.5}},
      {name: each, query: q, missing_percent: 5, target: {average: 0.000001}},
      {name: cpu, query: q, target: {utilization: 70}},
      {name: p99, query: q, target: {value: "0.25"}},
      {name: queue, query: q,
       steps: [{from: -1.5, add_percent: -10}, {from: 10, add: 2}, {from: 20, size: 8}]},
      {name: floor, fixed: 3}],
    out: {tolerance: 0.05, tolerance_instances: 1, window: 1m, max_unavailable: 50, cooldown: 2m,
          budgets: [{count: 4, percent: 100, window: 15s}, {percent: 20}]},
    in: {window: 10m, budgets: [], disabled: true, cooldown: 5m})"));
    constexpr seconds minute{60};
    StepPolicy steps;
    steps.steps = {{.from = {-1'500'000}, .change = Change::percent, .amount = -10},
                   {.from = whole(10), .amount = 2},
                   {.from = whole(20), .change = Change::exact, .amount = 8}};
    Policy expected{.min = 2, .max = 8, .metrics = {}};
    expected.metrics = {
        {.name = "total", .rule = TargetPolicy{.target = {100'500'000}}, .max_age = seconds(90)},
        {.name = "each",
         .rule = TargetPolicy{.measure = Measure::average_of_instances, .target = {1}},
         .max_age = minute,
         .missing_percent = 5},
        {.name = "cpu",
         .rule = TargetPolicy{.measure = Measure::utilization, .target = whole(70)},
         .max_age = minute},
        {.name = "p99",
         .rule = TargetPolicy{.measure = Measure::value, .target = {250'000}},
         .max_age = minute},
        {.name = "queue", .rule = steps, .max_age = minute},
        {.name = "floor", .rule = FixedPolicy{.size = 3}}};
    expected.out = {
        .tolerance_ppm = 50'000,
        .tolerance_instances = 1,
        .window = minute,
        .budgets = {{.count = 4, .percent = 100, .window = seconds(15)}, {.percent = 20}},
        .max_unavailable = 50,
        .cooldown = minutes(2)};
    expected.in = {
        .window = minutes(10), .disabled = true, .warm_up = minutes(3), .cooldown = minutes(5)};
    expected.longest_gap = minutes(4);
    expected.effectiveness = EffectivenessPolicy{};
    EXPECT_EQ(policy, expected);
}

TEST(PolicyOf, SchedulesForecastsAndGuards) {
    const Policy policy = policy_of(spec_of(R"(
    max: 8,
    metrics: [
      {name: office, schedule: {time_zone: Europe/Berlin,
                                entries: [{start: "0 8 * * 1-5", length: 10h, size: 4}]}},
      {name: daily, query: q, forecast: {total_average: 100, seasons: 5, ahead: 4m, percentile: 60}}],
    errors: {query: e, rise: 0.25, floor: 2, window: 5m},
    unhealthy: {floor: 20},
    effectiveness: {after: 2, improvement: 0.1, hold: 10m})"));
    ASSERT_EQ(policy.metrics.size(), 2U);
    EXPECT_EQ(policy.metrics[0].rule,
              decltype(MetricPolicy::rule)(
                  SchedulePolicy{.time_zone = "Europe/Berlin",
                                 .entries = {{.start = parse_cron("0 8 * * 1-5").value(),
                                              .length = std::chrono::hours(10),
                                              .size = 4}}}));
    EXPECT_EQ(policy.metrics[1].rule,
              decltype(MetricPolicy::rule)(ForecastPolicy{
                  .target = whole(100), .seasons = 5, .ahead = minutes(4), .percentile = 60}));
    EXPECT_EQ(policy.watch.errors,
              (TrendPolicy{.rise_ppm = 250'000, .floor = whole(2), .window = minutes(5)}));
    EXPECT_EQ(policy.watch.latency, std::nullopt);
    EXPECT_EQ(policy.watch.unhealthy, TrendPolicy{.floor = whole(20)});
    EXPECT_EQ(policy.effectiveness,
              (EffectivenessPolicy{.after = 2, .improvement_ppm = 100'000, .hold = minutes(10)}));
}

TEST(PolicyOf, AnHpaHasKubernetesDefaults) {
    const Policy policy =
        policy_of(spec_of("mode: hpa, max: 10, metrics: [{name: a, query: q, target: {average: "
                          "1}}], out: {select: smallest}"));
    EXPECT_EQ(policy.mode, Mode::hpa);
    EXPECT_EQ(policy.out,
              (Behaviour{.budgets = {{.count = 4, .window = seconds(15)},
                                     {.percent = 100, .window = seconds(15)}},
                         .select = Select::smallest}));
    EXPECT_EQ(policy.in,
              (Behaviour{.window = minutes(5),
                         .budgets = {{.percent = 100, .window = seconds(15)}},
                         .warm_up = minutes(2)}));
}

}  // namespace
}  // namespace muster::scaler
