#include "scaler/flips.hpp"

#include "scaler/samples.hpp"

#include <algorithm>
#include <limits>

namespace muster::scaler {
namespace {

bool of_instances(const MetricPolicy& metric) {
    const auto* target = std::get_if<TargetPolicy>(&metric.rule);
    return target != nullptr && is_of_instances(target->measure);
}

bool of_samples(const MetricPolicy& metric) {
    return std::holds_alternative<TargetPolicy>(metric.rule) ||
           std::holds_alternative<StepPolicy>(metric.rule);
}

/// The range that values are looked for in.
std::int64_t highest(const MetricPolicy& metric, const Sample& sample) {
    if (!of_instances(metric)) return std::numeric_limits<std::int64_t>::max() / 2;
    // Their sum must stay one that propose() can use.
    const auto reporters = static_cast<Wide>(sample.readings.size());
    const Wide usable = Wide{100} * whole(1'000'000'000'000).count / (reporters * reporters);
    return static_cast<std::int64_t>(std::min<Wide>(whole(10'000'000'000).count, usable));
}

/// The smallest value in [0, high] for which `holds`, which holds from some value on.
template <class Holds>
std::optional<std::int64_t> first(std::int64_t high, Holds holds) {
    if (!holds(high)) return std::nullopt;
    std::int64_t low = 0;
    while (low < high) {
        const std::int64_t middle = low + (high - low) / 2;
        if (holds(middle)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

void set_value(const MetricPolicy& metric, Sample& sample, std::int64_t value) {
    if (!of_instances(metric)) sample.value = {.count = value};
    for (Reading& reading : sample.readings) reading.value = {.count = value};
}

}  // namespace

std::vector<Flip> flips(const Policy& policy,
                        const History& history,
                        const Observations& observed,
                        const Membership& membership,
                        WallTime now) {
    std::vector<Flip> all;
    const int size = decide(policy, history, observed, membership, now).size;
    Observations other = observed;
    for (const MetricPolicy& metric : policy.metrics) {
        const auto found = other.samples.find(metric.name);
        if (!of_samples(metric) || found == other.samples.end() ||
            flaw_of(metric, found->second) != Flaw::none)
            continue;
        Sample& sample = found->second;
        const Sample kept = sample;
        const auto size_with = [&](std::int64_t value) {
            set_value(metric, sample, value);
            return decide(policy, history, other, membership, now).size;
        };
        Flip flip{.metric = metric.name};
        const std::int64_t high = highest(metric, kept);
        if (const auto from = first(high, [&](auto value) { return size_with(value) > size; }))
            flip.raises_from = Micros{.count = *from};
        if (size_with(0) < size)
            if (const auto above =
                    first(high, [&](auto value) { return size_with(value) >= size; }))
                flip.lowers_to = Micros{.count = *above - 1};
        sample = kept;
        all.push_back(std::move(flip));
    }
    return all;
}

}  // namespace muster::scaler
