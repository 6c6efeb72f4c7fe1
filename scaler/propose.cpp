#include "scaler/propose.hpp"

#include "scaler/samples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <numeric>

namespace muster::scaler {
namespace {

constexpr std::int64_t million = 1'000'000;
constexpr std::int64_t hundred_percent = 100 * million;

/// How many instances are needed, exactly: above / below.
struct Needed {
    Wide above = 0;
    Wide below = 1;
    int missing = 0;
    bool allowed = false;  ///< may be missing
};

bool serves(const Instance& instance) {
    return instance.phase == Phase::serving && instance.healthy;
}

bool carries_load(const Instance& instance) {
    switch (instance.phase) {
        case Phase::booting:
        case Phase::warming:
        case Phase::serving:
        case Phase::draining:
            return true;
        case Phase::planned:
        case Phase::creating:
        case Phase::deleting:
        case Phase::gone:
        case Phase::failed:
            return false;
    }
    return false;
}

Wide gcd(Wide one, Wide other) {
    while (other != 0) {
        const Wide rest = one % other;
        one = other;
        other = rest;
    }
    return one;
}

/// What instances that don't report carry: so many times the mean of the others.
int assumed(const MetricPolicy& metric, int seen, int missing) {
    const int allowed = std::clamp(metric.missing_percent.value_or(0), 0, 100);
    return Wide{missing} * 100 <= Wide{seen + missing} * allowed ? 2 : 1;
}

/// `load` targets over `seen` instances, each of load / (seen * target): with `missing` more, each
/// of `times` that, and at least of the target.
Needed with_missing(Wide load, Wide target, int seen, int missing, int times) {
    if (missing == 0) return {.above = load, .below = target};
    const bool allowed = times > 1;
    if (load * times <= target * seen)
        return {.above = load + target * missing,
                .below = target,
                .missing = missing,
                .allowed = allowed};
    return {.above = load * (seen + Wide{times} * missing),
            .below = target * seen,
            .missing = missing,
            .allowed = allowed};
}

struct Reported {
    Wide value = 0;
    Wide capacity = 0;
    int seen = 0;
    int missing = 0;
};

Reported reported(const Sample& sample, const Membership& membership) {
    std::map<std::string_view, const Reading*> readings;
    for (const Reading& reading : sample.readings) readings.emplace(reading.instance, &reading);
    Reported all;
    for (const Instance& instance : membership.instances) {
        if (!carries_load(instance)) continue;
        const auto found = readings.find(instance.id);
        if (found == readings.end()) {
            if (instance.phase == Phase::serving) ++all.missing;
            continue;
        }
        ++all.seen;
        all.value += found->second->value.count;
        all.capacity += found->second->capacity.count;
    }
    return all;
}

/// Whether all products of the formulas fit: with 100 instances, sums up to 10^14.
bool fits(const Reported& all, Micros target, int size) {
    constexpr Wide largest = ~(Wide{1} << 127);
    const Wide above = Wide{hundred_percent} * million * all.seen * (all.seen + 2 * all.missing);
    const Wide below = Wide{2} * million * all.seen * std::max(1, size);
    return all.value <= largest / above && all.capacity <= largest / below / target.count;
}

std::optional<Needed> of_instances(const MetricPolicy& metric,
                                   const TargetPolicy& target,
                                   const Sample& sample,
                                   const Membership& membership) {
    Reported all = reported(sample, membership);
    if (all.seen == 0) return std::nullopt;
    const int times = assumed(metric, all.seen, all.missing);
    if (target.measure == Measure::average_of_instances)
        return with_missing(all.value, target.target.count, all.seen, all.missing, times);
    const Wide common = std::max<Wide>(1, gcd(all.value, all.capacity));
    all.value /= common;
    all.capacity /= common;
    if (!fits(all, target.target, membership.size)) return std::nullopt;
    return with_missing(all.value * hundred_percent * all.seen,
                        all.capacity * target.target.count,
                        all.seen,
                        all.missing,
                        times);
}

Needed of_total(const MetricPolicy& metric, const TargetPolicy& target, const Sample& sample) {
    const Coverage covered = sample.coverage.value_or(Coverage{.seen = 1, .expected = 1});
    const int seen = std::min(covered.seen, largest_size);
    const int missing = std::clamp(covered.expected - covered.seen, 0, largest_size);
    return with_missing(
        sample.value.count, target.target.count, seen, missing, assumed(metric, seen, missing));
}

/// Inside both tolerances, relative and in instances, the size stays.
int tolerated(const Policy& policy, const Needed& needed, int size) {
    const int wanted = to_size(ceil_div(needed.above, needed.below));
    if (size == 0) return wanted;
    const Wide now = needed.below * size;
    const bool inside = needed.above * million >= now * (million - policy.in.tolerance_ppm) &&
                        needed.above * million <= now * (million + policy.out.tolerance_ppm);
    if (!inside) return wanted;
    constexpr int any = std::numeric_limits<int>::max();
    const bool near = wanted > size ? wanted - size <= policy.out.tolerance_instances.value_or(any)
                                    : size - wanted <= policy.in.tolerance_instances.value_or(any);
    return near ? size : wanted;
}

int of_value(const Policy& policy,
             const TargetPolicy& target,
             Micros value,
             const Membership& membership) {
    const int size = membership.size;
    if (size == 0) return to_size(ceil_div(value.count, target.target.count));
    const Needed by_size{.above = Wide{value.count} * size, .below = target.target.count};
    const int wanted = tolerated(policy, by_size, size);
    if (wanted <= size) return wanted;
    const auto serving = std::ranges::count_if(membership.instances, serves);
    return std::max(size, to_size(ceil_div(Wide{value.count} * serving, target.target.count)));
}

int changed(const Step& step, int size) {
    switch (step.change) {
        case Change::exact:
            return to_size(step.amount);
        case Change::instances:
            return to_size(Wide{size} + step.amount);
        case Change::percent: {
            const Wide change = Wide{size} * step.amount;
            if (change == 0) return size;
            if (change > -100 && change < 100) return to_size(size + (change > 0 ? 1 : -1));
            return to_size(size + change / 100);
        }
    }
    return size;
}

Proposal by_step(const MetricPolicy& metric,
                 const StepPolicy& rule,
                 Sample const& sample,
                 int size) {
    Proposal proposal{.metric = metric.name, .size = size, .why = "below the first step"};
    for (const Step& step : rule.steps) {
        if (sample.value < step.from) continue;
        proposal.size = changed(step, size);
        proposal.why = fmt::format(
            "step from {}.{:06}", step.from.count / million, std::abs(step.from.count % million));
    }
    proposal.complete = is_complete(sample);
    return proposal;
}

Proposal by_target(const Policy& policy,
                   const MetricPolicy& metric,
                   const TargetPolicy& target,
                   const Sample& sample,
                   const Membership& membership) {
    Proposal proposal{.metric = metric.name};
    if (target.measure == Measure::value) {
        proposal.size = of_value(policy, target, sample.value, membership);
        proposal.complete = is_complete(sample);
        proposal.why = "ratio to the target, times the instances";
        return proposal;
    }
    const std::optional<Needed> needed = is_of_instances(target.measure)
                                             ? of_instances(metric, target, sample, membership)
                                             : of_total(metric, target, sample);
    if (!needed) {
        proposal.complete = false;
        proposal.why = "no sample of our instances that can be used";
        return proposal;
    }
    proposal.size = tolerated(policy, *needed, membership.size);
    // What of a sample is flawed and isn't in it counts as missing; how much a server left out
    // isn't known.
    const bool sound = sample.flaw == Flaw::none ||
                       (metric.missing_percent && sample.coverage && sample.flaw != Flaw::partial);
    proposal.complete = (needed->missing == 0 || needed->allowed) && sound;
    const Wide hundredths = ceil_div(needed->above * 100, needed->below);
    proposal.why = fmt::format(
        "load of {}.{:02} instances{}",
        static_cast<std::int64_t>(hundredths / 100),
        static_cast<int>(hundredths % 100),
        needed->missing == 0 ? ""
                             : fmt::format(", of {} that don't report assumed", needed->missing));
    return proposal;
}

}  // namespace

Proposal propose(const Policy& policy,
                 const MetricPolicy& metric,
                 const Sample& sample,
                 const Membership& membership) {
    if (const auto* fixed = std::get_if<FixedPolicy>(&metric.rule))
        return {.metric = metric.name, .size = to_size(fixed->size), .why = "fixed"};
    const auto* steps = std::get_if<StepPolicy>(&metric.rule);
    const auto* target = std::get_if<TargetPolicy>(&metric.rule);
    if (steps == nullptr && target == nullptr)
        return {.metric = metric.name, .complete = false, .why = "not a rule about a sample"};
    if (const Flaw flaw = flaw_of(metric, sample); flaw != Flaw::none)
        return {.metric = metric.name,
                .complete = false,
                .why = fmt::format("no sample: {}", name_of(flaw))};
    if (steps != nullptr) return by_step(metric, *steps, sample, membership.size);
    return by_target(policy, metric, *target, sample, membership);
}

}  // namespace muster::scaler
