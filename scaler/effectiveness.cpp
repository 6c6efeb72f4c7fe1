#include "scaler/effectiveness.hpp"

#include "scaler/samples.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>

namespace muster::scaler {
namespace {

constexpr std::int64_t million = 1'000'000;
constexpr seconds longest_trial{3600};
constexpr seconds longest_wait{600};
constexpr int most_fruitless = 1'000;  // as they are counted

bool serves(const Instance& instance) {
    return instance.phase == Phase::serving && instance.healthy;
}

int count(const Membership& membership, bool warmed_only) {
    return static_cast<int>(
        std::ranges::count_if(membership.instances, [&](const Instance& instance) {
            return serves(instance) && (instance.warmed || !warmed_only);
        }));
}

Micros narrowed(Wide value) {
    constexpr Wide most = std::numeric_limits<std::int64_t>::max();
    return {.count = static_cast<std::int64_t>(std::min(value, most))};
}

std::optional<Micros> mean_of(Measure measure, const Sample& sample, const Membership& membership) {
    std::map<std::string_view, const Reading*> readings;
    for (const Reading& reading : sample.readings) readings.emplace(reading.instance, &reading);
    Wide value = 0;
    Wide capacity = 0;
    int seen = 0;
    for (const Instance& instance : membership.instances) {
        if (!serves(instance)) continue;
        const auto found = readings.find(instance.id);
        if (found == readings.end()) return std::nullopt;
        ++seen;
        value += found->second->value.count;
        capacity += found->second->capacity.count;
    }
    if (seen == 0) return std::nullopt;
    if (measure == Measure::average_of_instances) return narrowed(ceil_div(value, seen));
    return narrowed(ceil_div(value * 100 * million, capacity));
}

const MetricPolicy* named(const Policy& policy, std::string_view name) {
    const auto found = std::ranges::find(policy.metrics, name, &MetricPolicy::name);
    return found == policy.metrics.end() ? nullptr : &*found;
}

std::optional<Micros> level_now(const Growth& growth, std::string_view name) {
    const MetricPolicy* metric = named(growth.policy, name);
    if (metric == nullptr) return std::nullopt;
    return level_of(*metric, sample_of(growth.observed, *metric), growth.membership);
}

/// So much larger that twice the improvement could be expected.
bool large_enough(const GrowthTrial& trial, const EffectivenessPolicy& policy) {
    return Wide{trial.after} * (million - 2 * policy.improvement_ppm) >=
           Wide{trial.before} * million;
}

bool over(const GrowthTrial& trial, const Growth& growth, WallTime now) {
    return now - trial.at >= longest_trial || growth.size < growth.membership.size ||
           growth.membership.size < trial.after;
}

/// Absent: not known yet. Keeps the level before the new instances serve up to date.
std::optional<bool> helped(GrowthTrial& trial,
                           const EffectivenessPolicy& policy,
                           const Growth& growth) {
    const std::optional<Micros> level = level_now(growth, trial.metric);
    if (!level) return std::nullopt;
    if (count(growth.membership, false) <= trial.before) {
        trial.level = *level;
        return std::nullopt;
    }
    if (!large_enough(trial, policy) || count(growth.membership, true) < trial.after)
        return std::nullopt;
    const bool better = Wide{level->count} * million <=
                        Wide{trial.level.count} * (million - policy.improvement_ppm);
    return better || growth.driver.empty();
}

void take_in(Effectiveness& next,
             const EffectivenessPolicy& policy,
             const Growth& growth,
             WallTime now) {
    if (growth.driver.empty() || growth.size <= growth.membership.size) return;
    if (next.trial) {
        if (!large_enough(*next.trial, policy)) next.trial->after = growth.size;
        return;
    }
    const std::optional<Micros> level = level_now(growth, growth.driver);
    const int before = growth.membership.size;
    if (!level || before <= 0) return;
    next.trial = GrowthTrial{.metric = growth.driver,
                             .at = now,
                             .before = before,
                             .after = growth.size,
                             .level = *level};
}

void bring_back(Effectiveness& state, const EffectivenessPolicy& policy, WallTime now) {
    if (state.trial) state.trial->at = std::min(state.trial->at, now);
    if (state.held_until)
        state.held_until = std::min(*state.held_until, now + hold_after(policy, state.fruitless));
}

}  // namespace

std::optional<Micros> level_of(const MetricPolicy& metric,
                               const Sample& sample,
                               const Membership& membership) {
    const auto* target = std::get_if<TargetPolicy>(&metric.rule);
    if (target == nullptr && !std::holds_alternative<StepPolicy>(metric.rule)) return std::nullopt;
    if (flaw_of(metric, sample) != Flaw::none) return std::nullopt;
    if (sample.coverage && sample.coverage->seen < sample.coverage->expected) return std::nullopt;
    if (target != nullptr && is_of_instances(target->measure))
        return mean_of(target->measure, sample, membership);
    if (sample.value.count < 0) return std::nullopt;
    if (target == nullptr || target->measure == Measure::value) return sample.value;
    const int serving = count(membership, false);
    if (serving == 0) return std::nullopt;
    return narrowed(ceil_div(sample.value.count, serving));
}

seconds hold_after(const EffectivenessPolicy& policy, int fruitless) {
    const int doublings = std::clamp(fruitless - policy.after, 0, 4);
    return policy.hold * (1 << doublings);
}

std::optional<WallTime> awaits_verdict(const Effectiveness& state,
                                       const EffectivenessPolicy& policy,
                                       WallTime now) {
    if (!state.trial || state.fruitless <= 0 || state.fruitless < policy.after - 1 ||
        !large_enough(*state.trial, policy))
        return std::nullopt;
    const WallTime until = std::min(state.trial->at, now) + longest_wait;
    if (now >= until) return std::nullopt;
    return until;
}

Effectiveness observe_growth(const Effectiveness& was, const Growth& growth, WallTime now) {
    if (!growth.policy.effectiveness) return {};
    const EffectivenessPolicy& policy = *growth.policy.effectiveness;
    Effectiveness next = was;
    bring_back(next, policy, now);
    if (next.held_until && now >= *next.held_until) next.held_until.reset();
    if (growth.size < growth.membership.size) next.fruitless = 0;
    if (next.trial && over(*next.trial, growth, now)) next.trial.reset();
    if (next.trial) {
        if (const auto verdict = helped(*next.trial, policy, growth)) {
            next.fruitless = *verdict ? 0 : std::min(next.fruitless + 1, most_fruitless);
            next.trial.reset();
            if (next.fruitless >= std::max(1, policy.after) && !next.held_until)
                next.held_until = now + hold_after(policy, next.fruitless);
        }
    }
    if (!next.held_until) take_in(next, policy, growth, now);
    return next;
}

}  // namespace muster::scaler
