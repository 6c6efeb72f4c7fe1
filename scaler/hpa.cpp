#include "scaler/hpa.hpp"

#include "scaler/samples.hpp"
#include "scaler/windows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <vector>

namespace muster::scaler {
namespace {

constexpr std::int64_t million = 1'000'000;

enum class Pod : std::uint8_t { ignored, pending, running };

Pod pod_of(const Instance& instance) {
    switch (instance.phase) {
        case Phase::planned:
        case Phase::creating:
        case Phase::booting:
            return Pod::pending;
        case Phase::warming:
        case Phase::serving:
            return Pod::running;
        case Phase::draining:
        case Phase::deleting:
        case Phase::gone:
        case Phase::failed:
            return Pod::ignored;
    }
    return Pod::ignored;
}

/// above / below: the metric by its target.
struct Ratio {
    Wide above = 0;
    Wide below = 1;

    [[nodiscard]] bool over_one() const { return above > below; }
    [[nodiscard]] bool under_one() const { return above < below; }
    [[nodiscard]] bool inside(const Policy& policy) const {
        return above * million >= below * (million - policy.in.tolerance_ppm) &&
               above * million <= below * (million + policy.out.tolerance_ppm);
    }
    [[nodiscard]] int times(Wide pods) const { return to_size(ceil_div(above * pods, below)); }
};

/// A quantity's MilliValue rounds up.
std::int64_t milli(Micros value) {
    return static_cast<std::int64_t>(ceil_div(value.count, 1000));
}

struct Used {
    std::int64_t value = 0;
    std::int64_t request = 0;
};

struct Pods {
    std::vector<Used> ready;
    std::vector<Used> unready;
    std::vector<Used> missing;
};

/// What a missing pod requests can't be read off its sample: all have the same, on average.
std::int64_t request_of_missing(const std::vector<Used>& ready) {
    Wide sum = 0;
    for (const Used& one : ready) sum += one.request;
    return ready.empty() ? 0
                         : static_cast<std::int64_t>(sum / static_cast<std::int64_t>(ready.size()));
}

Pods grouped(const Sample& sample, const Membership& membership, Measure measure) {
    std::map<std::string_view, const Reading*> readings;
    for (const Reading& reading : sample.readings) readings.emplace(reading.instance, &reading);
    Pods pods;
    for (const Instance& instance : membership.instances) {
        const Pod pod = pod_of(instance);
        if (pod == Pod::ignored) continue;
        const auto found = readings.find(instance.id);
        const Used used = found == readings.end() ? Used{}
                                                  : Used{.value = milli(found->second->value),
                                                         .request = milli(found->second->capacity)};
        if (pod == Pod::pending) {
            pods.unready.push_back(used);
        } else if (found == readings.end()) {
            pods.missing.push_back(used);
        } else if (measure == Measure::utilization && !instance.warmed) {
            pods.unready.push_back(used);
        } else {
            pods.ready.push_back(used);
        }
    }
    for (std::vector<Used>* group : {&pods.missing, &pods.unready})
        for (Used& one : *group)
            if (one.request == 0) one.request = request_of_missing(pods.ready);
    return pods;
}

Ratio ratio_of(const std::vector<Used>& pods, const TargetPolicy& target) {
    Wide value = 0;
    Wide request = 0;
    for (const Used& pod : pods) {
        value += pod.value;
        request += pod.request;
    }
    if (target.measure == Measure::utilization)
        return {.above = request > 0 ? value * 100 / request : 0,
                .below = std::max<std::int64_t>(1, target.target.count / million)};
    return {.above = value / static_cast<Wide>(pods.size()), .below = milli(target.target)};
}

/// What is missing counts as the target or more where the others ask for less, and nothing shrinks
/// where they ask for more. At exactly the target a pods metric's missing count as 0.
bool filled_against_shrinking(const TargetPolicy& target, const Pods& pods) {
    const Ratio ratio = ratio_of(pods.ready, target);
    return target.measure == Measure::utilization || ratio.under_one() || ratio.over_one();
}

int of_instances(const Policy& policy, const TargetPolicy& target, const Pods& pods, int size) {
    const Ratio ratio = ratio_of(pods.ready, target);
    const bool unready_on_out = !pods.unready.empty() && ratio.over_one();
    if (pods.missing.empty() && !unready_on_out)
        return ratio.inside(policy) ? size : ratio.times(pods.ready.size());

    const bool utilization = target.measure == Measure::utilization;
    std::vector<Used> refilled = pods.ready;
    // At exactly the target, a resource's missing pods are left out, and a pods metric's count as
    // 0.
    if (ratio.under_one() || ratio.over_one() || !utilization)
        for (Used pod : pods.missing) {
            if (ratio.under_one())
                pod.value = utilization
                                ? pod.request *
                                      std::max<std::int64_t>(100, target.target.count / million) /
                                      100
                                : milli(target.target);
            refilled.push_back(pod);
        }
    if (unready_on_out)
        for (Used pod : pods.unready) {
            pod.value = 0;
            refilled.push_back(pod);
        }
    const Ratio again = ratio_of(refilled, target);
    if (again.inside(policy) || (ratio.under_one() && again.over_one()) ||
        (ratio.over_one() && again.under_one()))
        return size;
    const int wanted = again.times(refilled.size());
    if ((again.under_one() && wanted > size) || (again.over_one() && wanted < size)) return size;
    return wanted;
}

int of_total(const Policy& policy, const TargetPolicy& target, Micros total, int pods) {
    const Ratio ratio{.above = total.count, .below = Wide{target.target.count} * pods};
    if (pods > 0 && ratio.inside(policy)) return pods;
    return to_size(ceil_div(total.count, target.target.count));
}

int of_value(const Policy& policy,
             const TargetPolicy& target,
             Micros value,
             const Membership& membership) {
    const Ratio ratio{.above = value.count, .below = target.target.count};
    if (membership.size == 0) return ratio.times(1);
    if (ratio.inside(policy)) return membership.size;
    return ratio.times(std::ranges::count_if(membership.instances, [](const Instance& instance) {
        return pod_of(instance) == Pod::running && instance.healthy;
    }));
}

/// What of a status' replicas there is: pods that aren't being deleted.
int existing(const Membership& membership) {
    return static_cast<int>(std::ranges::count_if(
        membership.instances,
        [](const Instance& instance) { return pod_of(instance) != Pod::ignored; }));
}

int proposed_by(const Budget& budget, bool percent, int start, int sign) {
    if (!percent) return start + sign * *budget.count;
    const int scaled = start * (100 + sign * *budget.percent);
    return sign > 0 ? to_size(ceil_div(scaled, 100)) : scaled / 100;
}

int limit(const Behaviour& behaviour, const History& history, int size, int sign, WallTime now) {
    // The largest change is the largest size when growing and the smallest when shrinking.
    const bool largest = (behaviour.select == Select::largest) == (sign > 0);
    int chosen = largest ? std::numeric_limits<int>::min() : std::numeric_limits<int>::max();
    for (const Budget& budget : behaviour.budgets) {
        const Changes changed = changes(history, budget.window, now);
        const int start = size - changed.added + changed.removed;
        for (const bool percent : {false, true}) {
            if (percent ? !budget.percent : !budget.count) continue;
            const int one = proposed_by(budget, percent, start, sign);
            chosen = largest ? std::max(chosen, one) : std::min(chosen, one);
        }
    }
    return chosen;
}

}  // namespace

Proposal hpa_propose(const Policy& policy,
                     const MetricPolicy& metric,
                     const Sample& sample,
                     const Membership& membership) {
    Proposal proposal{.metric = metric.name, .complete = false};
    const auto* target = std::get_if<TargetPolicy>(&metric.rule);
    if (target == nullptr) {
        proposal.why = "an HPA has target policies only";
        return proposal;
    }
    if (const Flaw flaw = flaw_of(metric, sample); flaw != Flaw::none) {
        proposal.why = fmt::format("no sample: {}", name_of(flaw));
        return proposal;
    }
    bool filled = false;
    if (is_of_instances(target->measure)) {
        const Pods pods = grouped(sample, membership, target->measure);
        if (pods.ready.empty()) {
            proposal.why = "no sample of a ready instance";
            return proposal;
        }
        proposal.size = of_instances(policy, *target, pods, membership.size);
        filled = filled_against_shrinking(*target, pods);
        proposal.why = fmt::format("{} ready, {} unready, {} missing",
                                   pods.ready.size(),
                                   pods.unready.size(),
                                   pods.missing.size());
    } else if (target->measure == Measure::value) {
        proposal.size = of_value(policy, *target, sample.value, membership);
        proposal.why = "ratio to the target, times the ready";
    } else {
        proposal.size = of_total(policy, *target, sample.value, existing(membership));
        proposal.why = "total by the target of each";
    }
    if (!filled && sample.coverage && sample.coverage->seen < sample.coverage->expected)
        proposal.why +=
            fmt::format("; {} of {} report", sample.coverage->seen, sample.coverage->expected);
    proposal.complete = is_complete(sample) || (filled && sample.flaw == Flaw::none);
    return proposal;
}

int hpa_rate_limited(
    const Policy& policy, const History& history, int size, int wanted, WallTime now) {
    if (wanted > size) {
        if (policy.out.disabled) return size;
        const int most = policy.out.budgets.empty()
                             ? std::max(2 * size, 4)
                             : std::max(size, limit(policy.out, history, size, 1, now));
        return std::min(wanted, std::min(policy.max, most));
    }
    if (wanted < size) {
        if (policy.in.disabled) return size;
        const int least = policy.in.budgets.empty()
                              ? 0
                              : std::min(size, limit(policy.in, history, size, -1, now));
        return std::max(wanted, std::max(policy.min, least));
    }
    return wanted;
}

}  // namespace muster::scaler
