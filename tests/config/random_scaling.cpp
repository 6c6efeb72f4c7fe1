#include "tests/config/random_scaling.hpp"

#include "common/config/decimal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace muster::config {
namespace {

Duration whole_seconds(Dice& dice, Duration least, Duration most) {
    return std::chrono::seconds(
        dice.number(static_cast<int>(least / 1s), static_cast<int>(most / 1s)));
}

/// Up to 2,000, in millionths.
std::string decimal(Dice& dice, int least) {
    constexpr std::array<int, 3> steps = {1, 1'000, 1'000'000};
    return to_decimal(std::max(least, dice.number(0, 2'000)) * std::int64_t{dice.one_of(steps)});
}

std::string query(Dice& dice) {
    constexpr std::array<std::string_view, 6> queries = {
        "sum(rate(haproxy_frontend_http_requests_total{{fleet=\"a{}\"}}[1m]))",
        "up # {}",
        "a{} >= bool 1\nand\n\ton(x) y",
        "'\\'{}' == \"\\\"\"",
        "no{}",
        "# {}\nvector(0.5)",
    };
    return fmt::format(fmt::runtime(dice.one_of(queries)), dice.number(0, 9));
}

StepRule random_steps(Dice& dice, int max) {
    StepRule rule;
    for (int n = dice.number(1, 4), from = -5; n > 0; --n) {
        from += dice.number(1, 1'000);
        const auto change = static_cast<StepChange>(dice.number(0, 2));
        const int amount =
            change == StepChange::exact ? dice.number(1, max) : dice.number(-100, 256);
        rule.steps.push_back(
            {.from = to_decimal(from * 1'000LL), .change = change, .amount = amount});
    }
    return rule;
}

ScheduleRule random_schedule(Dice& dice, int max) {
    constexpr std::array<std::string_view, 4> zones = {
        "UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"};
    constexpr std::array<std::string_view, 4> starts = {
        "0 8 * * 1-5", "*/15 0-7/2 1,15 JAN-MAR *", "* * * * *", "59 23 31 12 SUN"};
    ScheduleRule rule{.time_zone = std::string(dice.one_of(zones))};
    for (int n = dice.number(1, 3); n > 0; --n)
        rule.entries.push_back({.start = std::string(dice.one_of(starts)),
                                .length = whole_seconds(dice, 1min, 24h),
                                .size = dice.number(1, max)});
    return rule;
}

ScalingRule random_rule(Dice& dice, ScalingMode mode, int max) {
    constexpr std::array<ScalingMeasure, 4> measures = {ScalingMeasure::utilization,
                                                        ScalingMeasure::average_of_instances,
                                                        ScalingMeasure::average_of_total,
                                                        ScalingMeasure::value};
    switch (mode == ScalingMode::hpa ? 0 : dice.number(0, 4)) {
        case 0: {
            TargetRule rule{.measure = dice.one_of(measures), .target = decimal(dice, 1)};
            if (rule.measure == ScalingMeasure::utilization)
                rule.target = std::to_string(dice.number(1, 1'000));
            return rule;
        }
        case 1:
            return random_steps(dice, max);
        case 2:
            return random_schedule(dice, max);
        case 3:
            return ForecastRule{.target = decimal(dice, 1),
                                .season = whole_seconds(dice, 1h, 24h * 31),
                                .seasons = dice.number(1, 60),
                                .ahead = whole_seconds(dice, 1s, 6h),
                                .observe_only = dice.chance(),
                                .percentile = dice.number(1, 100)};
        default:
            return FixedRule{.size = dice.number(1, max)};
    }
}

ScalingMetric random_metric(Dice& dice, ScalingMode mode, int max, int number) {
    constexpr std::array<Reducer, 5> reducers = {
        Reducer::none, Reducer::sum, Reducer::max, Reducer::min, Reducer::avg};
    ScalingMetric metric{.name = fmt::format("{}{}", random_name(dice), number)};
    metric.rule = random_rule(dice, mode, max);
    if (!asks(metric.rule)) return metric;
    metric.query = query(dice);
    if (measure_of(metric.rule) == ScalingMeasure::utilization && dice.chance())
        metric.capacity_query = query(dice);
    if (dice.chance()) metric.freshness = query(dice);
    if (dice.chance()) metric.instance_label = dice.word("abcAB_", 0, 9);
    if (!is_of_instances(metric.rule)) metric.reducer = dice.one_of(reducers);
    if (dice.chance()) metric.max_age = whole_seconds(dice, 1s, 24h);
    if (mode == ScalingMode::muster && may_miss(metric.rule) && !metric.instance_label.empty() &&
        dice.chance())
        metric.missing_percent = dice.number(1, 50);
    return metric;
}

void vary(Dice& dice, ScalingMode mode, int most_percent, ScalingBehaviour& behaviour) {
    const bool is_hpa = mode == ScalingMode::hpa;
    if (dice.chance()) behaviour.tolerance = to_decimal(dice.number(0, 1'000'000));
    if (dice.chance()) behaviour.window = whole_seconds(dice, 0s, 24h);
    if (dice.chance()) {
        behaviour.budgets.clear();
        for (int n = dice.number(0, 3); n > 0; --n) {
            ScalingBudget budget{.window = whole_seconds(dice, 1s, 24h)};
            if (dice.chance()) budget.count = dice.number(1, 256);
            if (!budget.count || (!is_hpa && dice.chance()))
                budget.percent = dice.number(1, most_percent);
            behaviour.budgets.push_back(budget);
        }
    }
    behaviour.disabled = dice.chance();
    if (is_hpa) {
        if (dice.chance()) behaviour.select = BudgetSelect::smallest;
        return;
    }
    if (dice.chance()) behaviour.tolerance_instances = dice.number(0, 256);
    if (dice.chance()) behaviour.max_unavailable = dice.number(1, 100);
    if (dice.chance()) behaviour.cooldown = whole_seconds(dice, 0s, 24h);
}

ScalingGuard random_guard(Dice& dice) {
    ScalingGuard guard{.query = query(dice)};
    if (dice.chance()) guard.freshness = query(dice);
    if (dice.chance()) guard.rise = to_decimal(dice.number(0, 1'000'000'000));
    if (dice.chance()) guard.floor = decimal(dice, 0);
    if (dice.chance()) guard.window = whole_seconds(dice, 1min, 24h);
    return guard;
}

}  // namespace

ScalingSpec random_scaling(Dice& dice) {
    const ScalingMode mode = dice.number(0, 3) == 0 ? ScalingMode::hpa : ScalingMode::muster;
    ScalingSpec scaling = standard_scaling(mode);
    scaling.min = dice.number(1, 256);
    scaling.max = dice.number(scaling.min, 256);
    if (dice.number(0, 9) == 0) scaling.min = scaling.max = 0;
    if (dice.chance()) scaling.period = whole_seconds(dice, 1s, 1h);
    if (dice.chance()) scaling.scrape_interval = whole_seconds(dice, 1s, 10min);
    for (int n = dice.number(scaling.min < scaling.max ? 1 : 0, 4); n > 0; --n)
        scaling.metrics.push_back(random_metric(dice, mode, std::max(1, scaling.max), n));
    if (dice.chance()) vary(dice, mode, 1'000, scaling.out);
    if (dice.chance()) vary(dice, mode, 100, scaling.in);
    if (dice.chance()) scaling.warm_up = whole_seconds(dice, 0s, 6h);
    if (dice.chance()) scaling.errors = random_guard(dice);
    if (dice.chance()) scaling.latency = random_guard(dice);
    if (dice.chance())
        scaling.unhealthy = UnhealthyGuard{.rise = to_decimal(dice.number(0, 1'000'000'000)),
                                           .floor = decimal(dice, 0),
                                           .window = whole_seconds(dice, 1min, 24h)};
    if (mode == ScalingMode::muster && dice.chance()) {
        scaling.effectiveness.reset();
        if (dice.chance())
            scaling.effectiveness =
                EffectivenessGuard{.after = dice.number(2, 20),
                                   .improvement = to_decimal(dice.number(1, 499'999)),
                                   .hold = whole_seconds(dice, 1min, 24h)};
    }
    scaling.shadow = dice.chance();
    return scaling;
}

FleetProvider random_provider(Dice& dice) {
    FleetProvider provider{.name = random_name(dice)};
    for (int n = dice.number(0, 3); n > 0; --n)
        provider.hosts.push_back(fmt::format("{}{}", random_name(dice), n));
    for (int n = dice.number(0, 3); n > 0; --n)
        provider.parameters.emplace(fmt::format("p{}_{}", n, dice.word("ab_09", 0, 9)),
                                    dice.word("ab \"'${}\\:#%-", 0, 20));
    if (dice.chance()) provider.create_timeout = whole_seconds(dice, 10s, 24h);
    if (dice.chance()) provider.drain_timeout = whole_seconds(dice, 1s, 24h);
    if (dice.chance()) provider.grace = whole_seconds(dice, 0s, 1h);
    provider.replace_dead = dice.chance();
    return provider;
}

}  // namespace muster::config
