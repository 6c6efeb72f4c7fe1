#include "scaler/simulation_load.hpp"

#include "scaler/forecast_series.hpp"
#include "scaler/samples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

namespace muster::scaler {
namespace {

constexpr std::int64_t million = 1'000'000;

const TargetPolicy* target_of(const MetricPolicy& metric) {
    return std::get_if<TargetPolicy>(&metric.rule);
}

bool wants_instances(const MetricPolicy& metric) {
    const TargetPolicy* const target = target_of(metric);
    return target != nullptr && is_of_instances(target->measure);
}

bool needs_history(const MetricPolicy& metric) {
    return target_of(metric) != nullptr || std::holds_alternative<StepPolicy>(metric.rule) ||
           std::holds_alternative<ForecastPolicy>(metric.rule);
}

Micros micros(Wide value) {
    constexpr Wide most = std::numeric_limits<std::int64_t>::max();
    return {.count = static_cast<std::int64_t>(std::clamp<Wide>(value, -most, most))};
}

/// The total as the instances that were missing would have made it.
Wide completed(const MetricLoad& load) {
    if (!load.coverage || load.coverage->seen <= 0) return load.total;
    return ceil_div(load.total * std::max(load.coverage->expected, load.coverage->seen),
                    load.coverage->seen);
}

std::string names_in(const Past& past) {
    std::set<std::string> names;
    for (const PastSeries& one : past.series) names.insert(one.metric);
    std::string known;
    for (const std::string& name : names) {
        known += (known.empty() ? "" : ", ") + name;
        if (known.size() > 200) break;
    }
    return known;
}

}  // namespace

std::optional<std::string> PastLoad::unfit(const Policy& policy, const Past& past) {
    for (const MetricPolicy& metric : policy.metrics) {
        // A recording has the samples of forecasts only where others use them.
        const bool forecast = std::holds_alternative<ForecastPolicy>(metric.rule);
        if (!needs_history(metric) || (forecast && !past.fleet.empty())) continue;
        bool of_fleet = false;
        bool of_instances = false;
        for (const PastSeries& one : past.series)
            if (one.metric == metric.name) (one.instance.empty() ? of_fleet : of_instances) = true;
        // A recording has a sample without readings where there were none.
        if (of_instances && !past.fleet.empty()) of_fleet = false;
        if (!of_fleet && !of_instances)
            return fmt::format("metric {}: there is no history of it; there is of {}",
                               metric.name,
                               names_in(past));
        if (of_fleet && of_instances)
            return fmt::format("metric {}: the history has values of instances and of the fleet",
                               metric.name);
        if (wants_instances(metric) && !of_instances && past.fleet.empty())
            return fmt::format(
                "metric {} is of each instance, and its history is not: it needs the column "
                "instance",
                metric.name);
    }
    return std::nullopt;
}

PastLoad::PastLoad(const Policy& policy, const Past& past) : past_(past) {
    for (const MetricPolicy& metric : policy.metrics) {
        Source source{.metric = &metric};
        for (const PastSeries& one : past.series)
            if (one.metric == metric.name) source.cursors.push_back({.series = &one});
        for (const PastCoverage& one : past.incomplete)
            if (one.metric == metric.name) source.incomplete.push_back(&one);
        sources_.push_back(std::move(source));
    }
    loads_.resize(sources_.size());
}

void PastLoad::advance(WallTime now) {
    while (next_fleet_ < past_.fleet.size() && past_.fleet[next_fleet_].at <= now)
        fleet_ = &past_.fleet[next_fleet_++];
    if (fleet_ != nullptr && now - fleet_->at >= past_.valid_for) fleet_ = nullptr;
    for (std::size_t i = 0; i < sources_.size(); ++i) loads_[i] = load_of(sources_[i], now);
}

MetricLoad PastLoad::load_of(Source& source, WallTime now) const {
    MetricLoad load;
    int flawed = 0;
    WallTime youngest{};
    const bool split = wants_instances(*source.metric);
    for (Cursor& cursor : source.cursors) {
        const std::vector<PastPoint>& points = cursor.series->points;
        while (cursor.next < points.size() && points[cursor.next].at <= now) ++cursor.next;
        if (cursor.next == 0) continue;
        const PastPoint& point = points[cursor.next - 1];
        if (now - point.at >= past_.valid_for) continue;
        Flaw flaw = point.flaw;
        if (flaw == Flaw::none && target_of(*source.metric) != nullptr && point.value.count < 0)
            flaw = Flaw::negative;
        if (flaw == Flaw::none && split && cursor.series->instance.empty()) flaw = Flaw::empty;
        if (flaw != Flaw::none) {
            if (load.reporters == 0) load.flaw = flaw;
            ++flawed;
            continue;
        }
        load.flaw = Flaw::none;
        ++load.reporters;
        load.total += point.value.count;
        load.capacity += point.capacity.count > 0 ? point.capacity.count : whole(100).count;
        youngest = std::max(youngest, point.at);
    }
    if (load.reporters == 0) return load;
    load.age = std::chrono::floor<seconds>(now - youngest);
    if (flawed > 0)
        load.coverage = Coverage{.seen = load.reporters, .expected = load.reporters + flawed};
    while (source.next_incomplete < source.incomplete.size() &&
           source.incomplete[source.next_incomplete]->at <= now)
        ++source.next_incomplete;
    if (source.next_incomplete > 0) {
        const PastCoverage& known = *source.incomplete[source.next_incomplete - 1];
        if (now - known.at < past_.valid_for) load.coverage = known.coverage;
    }
    if (fleet_ != nullptr && fleet_->serving > 0) load.served = fleet_->serving;
    if (split && load.served && load.reporters < *load.served)
        load.coverage = Coverage{.seen = load.reporters, .expected = *load.served};
    return load;
}

void PastLoad::remember(WallTime now, seconds period, std::map<std::string, Series>& into) const {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        const MetricPolicy& metric = *sources_[i].metric;
        const auto* forecast = std::get_if<ForecastPolicy>(&metric.rule);
        if (forecast == nullptr) continue;
        Series& series = into[metric.name];
        const auto [step, most] = shape_of(*forecast, period);
        series.step = step;
        const WallTime grid = on_grid(now, step);
        if (!series.values.empty() && grid <= series.last) continue;
        const auto gap = series.values.empty() ? 0 : (grid - series.last) / series.step - 1;
        for (std::int64_t missed = 0; missed < gap; ++missed) series.values.emplace_back();
        series.values.push_back(
            loads_[i].flaw == Flaw::none ? std::optional(micros(loads_[i].total)) : std::nullopt);
        if (series.values.size() > most)
            series.values.erase(
                series.values.begin(),
                series.values.begin() + static_cast<std::ptrdiff_t>(series.values.size() - most));
        series.last = grid;
    }
}

void PastLoad::show(const Membership& membership,
                    int serving,
                    bool changed,
                    Observations& into) const {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        const MetricPolicy& metric = *sources_[i].metric;
        const MetricLoad& load = loads_[i];
        if (!needs_history(metric)) continue;
        Sample& sample = into.samples[metric.name];
        const bool split = wants_instances(metric);
        sample.flaw = split && serving == 0 && load.flaw == Flaw::none ? Flaw::empty : load.flaw;
        sample.quality = sample.flaw == Flaw::none    ? Quality::value
                         : sample.flaw == Flaw::empty ? Quality::absent
                                                      : Quality::bad;
        sample.age = load.age;
        sample.coverage = split ? std::nullopt : load.coverage;
        if (sample.flaw != Flaw::none) {
            sample.readings.clear();
            continue;
        }
        if (!split) {
            const TargetPolicy* const target = target_of(metric);
            const bool as_a_whole = target != nullptr && target->measure == Measure::value;
            sample.value = micros(as_a_whole && load.served && serving > 0
                                      ? ceil_div(load.total * *load.served, serving)
                                      : load.total);
            continue;
        }
        const Micros each = micros(ceil_div(completed(load), serving));
        const Micros capacity = micros(load.capacity / load.reporters);
        if (changed || sample.readings.empty()) {
            sample.readings.clear();
            for (const Instance& instance : membership.instances)
                if (instance.phase == Phase::serving)
                    sample.readings.push_back({.instance = instance.id, .value = {}});
        }
        for (Reading& reading : sample.readings) {
            reading.value = each;
            reading.capacity = capacity;
        }
    }
}

std::optional<Wide> PastLoad::needed(const std::map<std::string, Micros>& bearable) const {
    std::optional<Wide> most;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        const TargetPolicy* const target = target_of(*sources_[i].metric);
        const MetricLoad& load = loads_[i];
        const auto limit = bearable.find(sources_[i].metric->name);
        if (target == nullptr || load.flaw != Flaw::none || limit == bearable.end() ||
            limit->second.count <= 0)
            continue;
        const Wide bears = limit->second.count;
        Wide instances = 0;
        switch (target->measure) {
            case Measure::average_of_total:
            case Measure::average_of_instances:
                instances = ceil_div(completed(load) * million, bears);
                break;
            case Measure::utilization: {
                const Wide capacity = std::max<Wide>(1, load.capacity / load.reporters);
                instances = ceil_div(completed(load) * 100 * million,
                                     std::max<Wide>(1, capacity * bears / million));
                break;
            }
            case Measure::value:
                if (!load.served) continue;
                instances = ceil_div(load.total * *load.served * million, bears);
                break;
        }
        most = std::max(most.value_or(0), instances);
    }
    return most;
}

}  // namespace muster::scaler
