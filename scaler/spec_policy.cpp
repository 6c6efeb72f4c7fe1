#include "scaler/spec_policy.hpp"

#include "common/config/decimal.hpp"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace muster::scaler {
namespace {

seconds whole_seconds(config::Duration duration) {
    return std::chrono::duration_cast<seconds>(duration);
}

/// The decoder lets nothing else through.
std::int64_t millionths(const std::string& decimal) {
    const auto number = config::parse_decimal(decimal);
    assert(number.has_value());
    return *number;
}

Measure measure_of(config::ScalingMeasure measure) {
    switch (measure) {
        case config::ScalingMeasure::utilization:
            return Measure::utilization;
        case config::ScalingMeasure::average_of_instances:
            return Measure::average_of_instances;
        case config::ScalingMeasure::average_of_total:
            return Measure::average_of_total;
        case config::ScalingMeasure::value:
            return Measure::value;
    }
    std::abort();
}

Change change_of(config::StepChange change) {
    switch (change) {
        case config::StepChange::instances:
            return Change::instances;
        case config::StepChange::percent:
            return Change::percent;
        case config::StepChange::exact:
            return Change::exact;
    }
    std::abort();
}

SchedulePolicy schedule_of(const config::ScheduleRule& rule) {
    SchedulePolicy schedule{.time_zone = rule.time_zone};
    for (const config::ScheduleEntry& entry : rule.entries) {
        auto start = parse_cron(entry.start);
        assert(start.has_value());
        schedule.entries.push_back({.start = *std::move(start),
                                    .length = whole_seconds(entry.length),
                                    .size = entry.size});
    }
    return schedule;
}

ForecastPolicy forecast_of(const config::ForecastRule& rule) {
    return {.target = {.count = millionths(rule.target)},
            .season = whole_seconds(rule.season),
            .seasons = rule.seasons,
            .ahead = whole_seconds(rule.ahead),
            .observe_only = rule.observe_only,
            .percentile = rule.percentile};
}

template <class Guard>
std::optional<TrendPolicy> trend_of(const std::optional<Guard>& guard) {
    if (!guard) return std::nullopt;
    return TrendPolicy{.rise_ppm = millionths(guard->rise),
                       .floor = {.count = millionths(guard->floor)},
                       .window = whole_seconds(guard->window)};
}

MetricPolicy metric_of(const config::ScalingMetric& metric) {
    MetricPolicy policy{.name = metric.name, .rule = {}};
    if (config::asks(metric.rule)) policy.max_age = whole_seconds(metric.max_age);
    policy.missing_percent = metric.missing_percent;
    if (const auto* target = std::get_if<config::TargetRule>(&metric.rule)) {
        policy.rule = TargetPolicy{.measure = measure_of(target->measure),
                                   .target = {.count = millionths(target->target)}};
        return policy;
    }
    if (const auto* rule = std::get_if<config::StepRule>(&metric.rule)) {
        StepPolicy steps;
        for (const config::StepBound& step : rule->steps)
            steps.steps.push_back({.from = {.count = millionths(step.from)},
                                   .change = change_of(step.change),
                                   .amount = step.amount});
        policy.rule = std::move(steps);
        return policy;
    }
    if (const auto* fixed = std::get_if<config::FixedRule>(&metric.rule)) {
        policy.rule = FixedPolicy{.size = fixed->size};
        return policy;
    }
    if (const auto* schedule = std::get_if<config::ScheduleRule>(&metric.rule))
        policy.rule = schedule_of(*schedule);
    if (const auto* forecast = std::get_if<config::ForecastRule>(&metric.rule))
        policy.rule = forecast_of(*forecast);
    return policy;
}

Behaviour behaviour_of(const config::ScalingBehaviour& from) {
    Behaviour behaviour{
        .tolerance_ppm = millionths(from.tolerance),
        .tolerance_instances = from.tolerance_instances,
        .window = whole_seconds(from.window),
        .select = from.select == config::BudgetSelect::largest ? Select::largest : Select::smallest,
        .disabled = from.disabled,
        .max_unavailable = from.max_unavailable,
        .cooldown = whole_seconds(from.cooldown)};
    for (const config::ScalingBudget& budget : from.budgets)
        behaviour.budgets.push_back({.count = budget.count,
                                     .percent = budget.percent,
                                     .window = whole_seconds(budget.window)});
    return behaviour;
}

}  // namespace

Policy policy_of(const config::ScalingSpec& spec) {
    // A gap of less than this is a slow Prometheus or a change of master, not an outage.
    constexpr int tolerated_periods = 4;
    Policy policy{.mode = spec.mode == config::ScalingMode::hpa ? Mode::hpa : Mode::muster,
                  .min = spec.min,
                  .max = spec.max,
                  .metrics = {},
                  .out = behaviour_of(spec.out),
                  .in = behaviour_of(spec.in),
                  .watch = {.errors = trend_of(spec.errors),
                            .latency = trend_of(spec.latency),
                            .unhealthy = trend_of(spec.unhealthy)}};
    if (spec.effectiveness)
        policy.effectiveness =
            EffectivenessPolicy{.after = spec.effectiveness->after,
                                .improvement_ppm = millionths(spec.effectiveness->improvement),
                                .hold = whole_seconds(spec.effectiveness->hold)};
    for (const config::ScalingMetric& metric : spec.metrics)
        policy.metrics.push_back(metric_of(metric));
    policy.in.warm_up = whole_seconds(spec.warm_up);
    policy.longest_gap =
        std::max(Policy{}.longest_gap, tolerated_periods * whole_seconds(spec.period));
    return policy;
}

}  // namespace muster::scaler
