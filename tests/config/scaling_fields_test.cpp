// Each field of `scaling` and `provider` comes to its own place in the model: a field that is
// written and read in the wrong one would go round unseen.
#include "common/config/decimal.hpp"
#include "common/config/decode.hpp"
#include "tests/config/case_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>

namespace muster::config {
namespace {

ScalingMetric asking(std::string name, std::string query, ScalingRule rule) {
    return {.name = std::move(name), .query = std::move(query), .rule = std::move(rule)};
}

ScalingSpec every_field() {
    ScalingSpec spec{.min = 2, .max = 256, .period = 1s, .scrape_interval = 5s};
    const std::string sessions =
        "sum by (instance_id) (haproxy_frontend_current_sessions{fleet=\"edge\"})";
    spec.metrics.push_back(
        asking("connections",
               sessions,
               TargetRule{.measure = ScalingMeasure::average_of_instances, .target = "100"}));
    spec.metrics.back().max_age = 30s;
    spec.metrics.push_back(
        asking("cpu",
               "lb_cpu_seconds:rate1m{x=\"}\"}",
               TargetRule{.measure = ScalingMeasure::utilization, .target = "70.5"}));
    spec.metrics.back().capacity_query = "lb_cores";
    spec.metrics.back().freshness = "lb_cpu_seconds_total";
    spec.metrics.back().missing_percent = 50;
    spec.metrics.push_back(asking("requests", "a", TargetRule{.target = "1000000000000"}));
    spec.metrics.back().reducer = Reducer::sum;
    spec.metrics.push_back(
        asking("latency", "b", TargetRule{.measure = ScalingMeasure::value, .target = "0.000001"}));
    ScheduleRule schedule{.time_zone = "Europe/Berlin", .entries = {}};
    schedule.entries = {{.start = "0 8 * * 1-5", .length = 10h, .size = 4},
                        {.start = "*/5,1-9/2 0,12-23 29 FEB sun-tue", .length = 744h, .size = 256},
                        {.start = "0 0 31 2 7", .length = 1min, .size = 1}};
    spec.metrics.push_back({.name = "office-hours", .rule = schedule});
    spec.metrics.push_back(
        asking("daily",
               "# the whole fleet\nsum(rate(haproxy_frontend_http_requests_total[5m]))",
               ForecastRule{.target = "800",
                            .season = 168h,
                            .seasons = 4,
                            .ahead = 10min,
                            .observe_only = false,
                            .percentile = 90}));
    StepRule steps;
    steps.steps = {{.from = "-1.5", .change = StepChange::percent, .amount = -10},
                   {.from = "0", .change = StepChange::instances, .amount = 0},
                   {.from = "100", .change = StepChange::instances, .amount = 2},
                   {.from = "100.000001", .change = StepChange::percent, .amount = 1000},
                   {.from = "5000", .change = StepChange::exact, .amount = 256}};
    spec.metrics.push_back(asking("queue", "sum(haproxy_backend_current_queue)", steps));
    spec.metrics.push_back({.name = "floor", .rule = FixedRule{.size = 3}});
    spec.out = {.tolerance = "0",
                .tolerance_instances = 1,
                .window = 0s,
                .budgets = {{.count = 4, .percent = 1000, .window = 15s},
                            {.count = 256},
                            {.percent = 1, .window = 24h}},
                .max_unavailable = 50};
    spec.in = {.tolerance = "1", .window = 5min, .budgets = {}, .disabled = true, .cooldown = 24h};
    spec.errors = ScalingGuard{
        .query = "sum(rate(errors_total[1m]))", .rise = "0.5", .floor = "10", .window = 10min};
    spec.latency = ScalingGuard{.query = "p99", .freshness = "lb_seconds_bucket"};
    spec.unhealthy = UnhealthyGuard{.rise = "0.25", .floor = "20", .window = 5min};
    spec.effectiveness = EffectivenessGuard{.after = 2, .improvement = "0.05", .hold = 30min};
    spec.shadow = true;
    return spec;
}

TEST(ScalingFields, ComeToTheirPlaces) {
    const std::filesystem::path corpus = CONFIG_CORPUS;
    const Decoded decoded = decode(read_file(corpus / "good" / "scaling.yaml"));
    ASSERT_EQ(decoded.problems.size(), 0U);
    ASSERT_EQ(decoded.fleets.size(), 4U);
    EXPECT_EQ(decoded.fleets[0].scaling, every_field());
    const FleetProvider provider{
        .name = "local",
        .hosts = {"n1", "n2"},
        .parameters = {{"empty", ""}, {"image", "haproxy"}, {"text", "with ${odd} 'things' in it"}},
        .create_timeout = 24h,
        .drain_timeout = 1s,
        .grace = 0s,
        .replace_dead = false};
    EXPECT_EQ(decoded.fleets[0].provider, provider);

    ScalingSpec hpa = standard_scaling(ScalingMode::hpa);
    hpa.max = 10;
    hpa.metrics = {asking(
        "rps", "a", TargetRule{.measure = ScalingMeasure::average_of_instances, .target = "100"})};
    hpa.out.tolerance = "0.05";
    hpa.out.budgets = {{.count = 4}, {.percent = 100}};
    hpa.out.select = BudgetSelect::smallest;
    hpa.in.window = 1h;
    hpa.errors = ScalingGuard{.query = "e"};
    hpa.unhealthy = UnhealthyGuard{};
    EXPECT_EQ(decoded.fleets[1].scaling, hpa);

    ScalingSpec size{.min = 3, .max = 3};
    size.effectiveness.reset();
    EXPECT_EQ(decoded.fleets[2].scaling, size);
    EXPECT_EQ(decoded.fleets[3].provider, std::nullopt);
}

TEST(Decimals, AreExact) {
    const std::pair<const char*, std::int64_t> good[] = {
        {"0", 0},
        {"-0", 0},
        {"0.1", 100'000},
        {"-2.500000", -2'500'000},
        {"0.000001", 1},
        {"1000000000000", largest_decimal},
        {"-1000000000000", -largest_decimal},
        {"999999999999.999999", largest_decimal - 1}};
    for (const auto& [text, millionths] : good) EXPECT_EQ(parse_decimal(text), millionths) << text;
    for (const std::int64_t number : {std::int64_t{0},
                                      std::int64_t{1},
                                      std::int64_t{-1},
                                      std::int64_t{1'500'000},
                                      largest_decimal,
                                      -largest_decimal})
        EXPECT_EQ(parse_decimal(to_decimal(number)), number) << to_decimal(number);
    for (const char* text : {"",
                             "-",
                             ".",
                             ".5",
                             "5.",
                             "+1",
                             "01",
                             "--1",
                             "1e3",
                             "0x10",
                             "1_000",
                             "1.0000000",
                             "1.2.3",
                             "1000000000000.000001",
                             "9999999999999",
                             "99999999999999999999",
                             "nan",
                             "Inf",
                             " 1",
                             "1 "})
        EXPECT_EQ(parse_decimal(text), std::nullopt) << text;
}

}  // namespace
}  // namespace muster::config
