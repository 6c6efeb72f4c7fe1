#include "scaler/lint.hpp"

#include "common/config/decimal.hpp"
#include "common/config/decode.hpp"
#include "scaler/lint_findings.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster::scaler {
namespace {

using config::ScalingMetric;
using config::ScalingSpec;
using config::to_string;

std::string metric_path(std::size_t index) {
    return fmt::format("spec.scaling.metrics[{}]", index);
}

/// Sizes up to min say nothing.
void check_above_min(int size,
                     const ScalingSpec& scaling,
                     const std::string& path,
                     Findings& findings) {
    if (size > scaling.min) return;
    findings.warn(path,
                  fmt::format("is {}, and min is {} at any time, so it changes nothing; must be "
                              "more than that",
                              size,
                              scaling.min));
}

void lint_steps(const ScalingSpec& scaling,
                const config::StepRule& rule,
                const std::string& path,
                Findings& findings) {
    bool adds = false;
    for (std::size_t i = 0; i < rule.steps.size(); ++i) {
        const config::StepBound& step = rule.steps[i];
        const std::string place = fmt::format("{}.steps[{}]", path, i);
        const bool is_exact = step.change == config::StepChange::exact;
        if (is_exact && step.amount < scaling.min)
            findings.warn(
                place + ".size",
                fmt::format(
                    "is {}, and min is {}; must be at least that", step.amount, scaling.min));
        const bool falls = i > 0 && rule.steps[i - 1].change == step.change &&
                           step.amount < rule.steps[i - 1].amount;
        if (falls)
            findings.warn(place,
                          "asks for less than the step before it, whose values are lower; more "
                          "load should never make a fleet smaller");
        adds = adds || (!is_exact && step.amount > 0);
    }
    if (adds && scaling.out.cooldown < scaling.warm_up)
        findings.warn("spec.scaling.out.cooldown",
                      fmt::format("is {}, and {}.steps adds LBs again every {} until those that it "
                                  "added take load; must be at least warm_up, {}",
                                  to_string(scaling.out.cooldown),
                                  path,
                                  to_string(scaling.period),
                                  to_string(scaling.warm_up)));
}

void lint_forecast(const ScalingSpec& scaling,
                   const config::ForecastRule& rule,
                   const std::string& path,
                   const LintFacts& facts,
                   Findings& findings) {
    if (rule.ahead < scaling.warm_up)
        findings.warn(path + ".forecast.ahead",
                      fmt::format("is {}, and an LB warms up for {}, so it comes too late; must be "
                                  "at least that, and the time of its creation",
                                  to_string(rule.ahead),
                                  to_string(scaling.warm_up)));
    const config::Duration past = rule.season * rule.seasons;
    if (past > facts.retention)
        findings.warn(path + ".forecast.seasons",
                      fmt::format("look back {}, and Prometheus keeps {} unless it is told "
                                  "otherwise (--storage.tsdb.retention.time)",
                                  to_string(past),
                                  to_string(facts.retention)));
    if (rule.season < 2 * scaling.period)
        findings.refuse(path + ".forecast.season",
                        fmt::format("is {}, and there are decisions every {}; must be at least two "
                                    "of them",
                                    to_string(rule.season),
                                    to_string(scaling.period)));
}

void lint_schedule(const ScalingSpec& scaling,
                   const config::ScheduleRule& rule,
                   const std::string& path,
                   const LintFacts& facts,
                   Findings& findings) {
    const auto problem =
        facts.time_zone_problem ? facts.time_zone_problem(rule.time_zone) : std::nullopt;
    if (problem) findings.refuse(path + ".schedule.time_zone", *problem);
    for (std::size_t i = 0; i < rule.entries.size(); ++i)
        check_above_min(rule.entries[i].size,
                        scaling,
                        fmt::format("{}.schedule.entries[{}].size", path, i),
                        findings);
}

void lint_target(const config::TargetRule& rule, const std::string& path, Findings& findings) {
    constexpr std::int64_t all = 100 * config::one_million;
    const auto target = config::parse_decimal(rule.target);
    if (rule.measure == config::ScalingMeasure::utilization && target && *target > all)
        findings.warn(path + ".target.utilization",
                      fmt::format("is {} percent of what an LB can take; must be less than 100, or "
                                  "the fleet grows when it is too late",
                                  rule.target));
}

void lint_metric(const ScalingSpec& scaling,
                 const ScalingMetric& metric,
                 const std::string& path,
                 const LintFacts& facts,
                 Findings& findings) {
    if (const auto* target = std::get_if<config::TargetRule>(&metric.rule))
        lint_target(*target, path, findings);
    if (const auto* steps = std::get_if<config::StepRule>(&metric.rule))
        lint_steps(scaling, *steps, path, findings);
    if (const auto* schedule = std::get_if<config::ScheduleRule>(&metric.rule))
        lint_schedule(scaling, *schedule, path, facts, findings);
    if (const auto* forecast = std::get_if<config::ForecastRule>(&metric.rule))
        lint_forecast(scaling, *forecast, path, facts, findings);
    if (const auto* fixed = std::get_if<config::FixedRule>(&metric.rule))
        check_above_min(fixed->size, scaling, path + ".fixed", findings);
    if (!config::asks(metric.rule)) return;
    lint_metric_queries(scaling, metric, path, findings);
    if (metric.max_age < 2 * scaling.scrape_interval)
        findings.warn(path + ".max_age",
                      fmt::format("is {}, and scrapes come every {}: one that fails makes the "
                                  "metric unusable; must be at least two of them",
                                  to_string(metric.max_age),
                                  to_string(scaling.scrape_interval)));
    if (metric.missing_percent && *metric.missing_percent * scaling.max < 100)
        findings.warn(path + ".missing_percent",
                      fmt::format("is {} percent, which is no LB at any size up to max, {}",
                                  *metric.missing_percent,
                                  scaling.max));
}

/// Steps that never do keep a fleet large: the largest size counts.
bool may_shrink(const ScalingMetric& metric) {
    const auto* rule = std::get_if<config::StepRule>(&metric.rule);
    if (rule == nullptr) return true;
    return std::ranges::any_of(rule->steps, [](const config::StepBound& step) {
        return step.amount < 0 || step.change == config::StepChange::exact;
    });
}

void lint_guard(const ScalingSpec& scaling,
                const std::optional<config::ScalingGuard>& guard,
                const std::string& path,
                Findings& findings) {
    if (!guard) return;
    lint_guard_query(scaling, *guard, path, findings);
    if (guard->window < 2 * scaling.period)
        findings.refuse(path + ".window",
                        fmt::format("is {}, and there are decisions every {}: there would be "
                                    "nothing to compare with; must be at least two of them",
                                    to_string(guard->window),
                                    to_string(scaling.period)));
}

void lint_scaling(const ScalingSpec& scaling, const LintFacts& facts, Findings& findings) {
    if (scaling.period < scaling.scrape_interval)
        findings.warn("spec.scaling.period",
                      fmt::format("is {}, and scrapes come every {}, so several decisions see the "
                                  "same samples; must be at least that",
                                  to_string(scaling.period),
                                  to_string(scaling.scrape_interval)));
    if (scaling.min == scaling.max && !scaling.metrics.empty())
        findings.warn("spec.scaling.metrics",
                      fmt::format("change nothing, for min and max are both {}", scaling.min));
    for (std::size_t i = 0; i < scaling.metrics.size(); ++i) {
        lint_metric(scaling, scaling.metrics[i], metric_path(i), facts, findings);
        if (!may_shrink(scaling.metrics[i]))
            findings.warn(metric_path(i) + ".steps",
                          "never ask for fewer LBs, so the fleet only grows; must have a step such "
                          "as {from: 0, add: -1}");
    }
    lint_behaviour(scaling, "out", findings);
    lint_behaviour(scaling, "in", findings);
    lint_guard(scaling, scaling.errors, "spec.scaling.errors", findings);
    lint_guard(scaling, scaling.latency, "spec.scaling.latency", findings);
}

}  // namespace

std::vector<Finding> lint(const config::FleetSpec& fleet, const LintFacts& facts) {
    Findings findings;
    if (fleet.provider) lint_provider(fleet, *fleet.provider, facts, findings);
    if (!fleet.scaling) return findings.take();
    if (fleet.scaling->max > 0) {
        lint_scaling(*fleet.scaling, facts, findings);
    } else if (!fleet.dns.empty()) {
        findings.refuse("spec.scaling.max",
                        "is 0, and no name is ever emptied: take the names out of spec.dns first");
    }
    return findings.take();
}

}  // namespace muster::scaler
