#include "scaler/explain.hpp"

#include "scaler/guards.hpp"
#include "scaler/recording_codec.hpp"
#include "scaler/recording_text.hpp"
#include "scaler/samples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace muster::scaler {
namespace {

/// Of sums and products; what doesn't fit is shown at the edge of what does.
Micros clipped(Wide millionths) {
    constexpr Wide most = std::numeric_limits<std::int64_t>::max();
    return {.count = static_cast<std::int64_t>(std::clamp<Wide>(millionths, -most, most))};
}

/// Whether its proposal is made of a sample.
bool is_sampled(const MetricPolicy& metric) {
    return std::holds_alternative<TargetPolicy>(metric.rule) ||
           std::holds_alternative<StepPolicy>(metric.rule);
}

std::string rule_of(const MetricPolicy& metric) {
    if (const auto* target = std::get_if<TargetPolicy>(&metric.rule)) {
        const std::string number = decimal(target->target);
        switch (target->measure) {
            case Measure::utilization:
                return fmt::format("{} % of each instance's capacity", number);
            case Measure::average_of_instances:
                return fmt::format("{} for each instance", number);
            case Measure::average_of_total:
                return fmt::format("{} for each instance, of the total", number);
            case Measure::value:
                return fmt::format("{} as a whole", number);
        }
    }
    if (const auto* steps = std::get_if<StepPolicy>(&metric.rule))
        return fmt::format("{} steps", steps->steps.size());
    if (const auto* fixed = std::get_if<FixedPolicy>(&metric.rule))
        return fmt::format("always {}", fixed->size);
    if (std::holds_alternative<SchedulePolicy>(metric.rule)) return "a schedule";
    if (const auto* forecast = std::get_if<ForecastPolicy>(&metric.rule))
        return fmt::format("{} for each instance, of what is forecast", decimal(forecast->target));
    return "another rule";
}

std::string value_of(const MetricPolicy& metric, const Sample& sample) {
    if (!is_sampled(metric)) return "";
    if (const Flaw flaw = flaw_of(metric, sample); flaw != Flaw::none)
        return fmt::format("{}: {}",
                           sample.quality == Quality::absent ? "absent" : "can't be used",
                           name_of(flaw));
    if (sample.readings.empty()) return decimal(sample.value);
    Wide sum = 0;
    for (const Reading& reading : sample.readings) sum += reading.value.count;
    const auto [least, most] = std::ranges::minmax(sample.readings, {}, &Reading::value);
    return fmt::format("{} instances, {} to {}, {} in all",
                       sample.readings.size(),
                       decimal(least.value),
                       decimal(most.value),
                       decimal(clipped(sum)));
}

/// The formula, where it alone made the proposal; else what the proposal says.
std::string reckoned(const MetricPolicy& metric,
                     const Sample& sample,
                     const Proposal& proposal,
                     const Membership& membership) {
    const auto* target = std::get_if<TargetPolicy>(&metric.rule);
    if (target == nullptr || !proposal.size || !proposal.complete || target->target.count <= 0 ||
        is_of_instances(target->measure) || !is_complete(sample))
        return proposal.why;
    const bool total = target->measure == Measure::average_of_total;
    const Wide goal = target->target.count;
    const int size = membership.size;
    const Wide load = total ? Wide{sample.value.count} : Wide{sample.value.count} * size;
    if (to_size(ceil_div(load, goal)) == *proposal.size)
        return total ? fmt::format("ceil({} / {})", decimal(sample.value), decimal(target->target))
                     : fmt::format("ceil({} * {} / {})",
                                   size,
                                   decimal(sample.value),
                                   decimal(target->target));
    if (*proposal.size != size) return proposal.why;
    return fmt::format("{} of {}: within the tolerance",
                       decimal(sample.value),
                       decimal(clipped(total ? goal * size : goal)));
}

MetricExplanation of_metric(const MetricPolicy& metric,
                            const Observations& observed,
                            const Membership& membership,
                            const Proposal* proposal) {
    const Sample& sample = sample_of(observed, metric);
    MetricExplanation one{
        .name = metric.name, .rule = rule_of(metric), .value = value_of(metric, sample)};
    if (is_sampled(metric)) {
        one.quality = sample.quality;
        one.flaw = flaw_of(metric, sample);
        one.age = sample.age;
        one.coverage = sample.coverage;
    } else {
        one.quality = Quality::value;
        one.flaw = Flaw::none;
    }
    if (proposal == nullptr) {
        one.reckoned = "not asked";
        return one;
    }
    one.wants = proposal->size;
    one.complete = proposal->complete;
    one.until = proposal->until;
    one.reckoned = reckoned(metric, sample, *proposal, membership);
    return one;
}

std::string until_text(const std::optional<WallTime>& until) {
    return until ? fmt::format(" until {}", time_text(*until)) : "";
}

/// Of the budgets that the change had to pass the one that leaves the least; empty: there is none.
std::string passed_budget(
    const Policy& policy, const History& history, int was, int size, WallTime now) {
    const bool out = size > was;
    const Behaviour& behaviour = out ? policy.out : policy.in;
    std::optional<int> least;
    std::string text;
    for (const Budget& budget : behaviour.budgets) {
        Policy alone;
        (out ? alone.out : alone.in).budgets = {budget};
        const int room = (out ? creation_budget(alone, history, was, now)
                              : removal_budget(alone, history, was, now))
                             .instances;
        if (least && room >= *least) continue;
        least = room;
        text = to_text(budget);
    }
    return text;
}

std::string first_line(const Policy& policy,
                       const Explanation& all,
                       const History& history,
                       WallTime now) {
    std::string line = all.size == all.was ? fmt::format("stays {}", all.size)
                                           : fmt::format("{} -> {}", all.was, all.size);
    std::string separator = ": ";
    const auto add = [&](const std::string& text) {
        line += separator + text;
        separator = "; ";
    };
    const auto leads = std::ranges::find_if(
        all.metrics, [&](const MetricExplanation& one) { return one.wants == all.wanted; });
    if (leads != all.metrics.end())
        add(fmt::format("{} wants {} ({})", leads->name, all.wanted, leads->reckoned));
    bool held = false;
    for (const Clamp& clamp : all.clamps) {
        held = held || clamp.cause == Cause::budget;
        std::string phrase(word_of(clamp.cause));
        std::ranges::replace(phrase, '_', ' ');
        add(clamp.before == clamp.after ? fmt::format("{}: {}", phrase, clamp.why)
                                        : fmt::format("{} makes it {}{}: {}",
                                                      phrase,
                                                      clamp.after,
                                                      until_text(clamp.until),
                                                      clamp.why));
    }
    if (all.size != all.was && !held && policy.mode == Mode::muster) {
        const std::string budget = passed_budget(policy, history, all.was, all.size, now);
        if (!budget.empty())
            add(fmt::format(
                "{} budget of {} allows it", all.size > all.was ? "out" : "in", budget));
    }
    return line;
}

}  // namespace

std::string to_text(const Budget& budget) {
    std::string amount;
    if (budget.count) amount = fmt::format("{}", *budget.count);
    if (budget.percent)
        amount += fmt::format("{}{} %", amount.empty() ? "" : " or ", *budget.percent);
    return fmt::format("{} per {}", amount.empty() ? "0" : amount, span_text(budget.window));
}

Explanation explain(const Policy& policy,
                    const History& history,
                    const Observations& observed,
                    const Membership& membership,
                    WallTime now,
                    const Decision& decision,
                    Counterfactuals wanted) {
    Explanation all{.at = now,
                    .was = decision.was,
                    .wanted = decision.wanted,
                    .size = decision.size,
                    .min = policy.min,
                    .max = policy.max,
                    .clamps = decision.clamps,
                    .vetoes = decision.vetoes,
                    .brakes = decision.brakes,
                    .pin = decision.pin,
                    .digest = digest_of(decision)};
    all.serving =
        static_cast<int>(std::ranges::count_if(membership.instances, [](const Instance& one) {
            return one.phase == Phase::serving && one.healthy;
        }));
    for (const MetricPolicy& metric : policy.metrics) {
        const auto proposal = std::ranges::find(decision.proposals, metric.name, &Proposal::metric);
        all.metrics.push_back(
            of_metric(metric,
                      observed,
                      membership,
                      proposal == decision.proposals.end() ? nullptr : &*proposal));
    }
    if (wanted == Counterfactuals::yes && policy.mode == Mode::muster)
        all.flips = flips(policy, history, observed, membership, now);
    all.line = first_line(policy, all, history, now);
    return all;
}

}  // namespace muster::scaler
