#pragma once

#include "scaler/observations.hpp"
#include "scaler/policy.hpp"

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

// The published rules of Kubernetes' HorizontalPodAutoscaler in numbers. Each row's expected size
// was worked out by hand from the rule it cites, before there was code to ask. "2.1.3" is a section
// of reference/autoscaling.md; "rc" is kubernetes'
// pkg/controller/podautoscaler/replica_calculator.go.
namespace muster::scaler::hpa {

using namespace std::chrono_literals;

constexpr WallTime now{std::chrono::hours{500'000}};

struct Past {
    std::vector<std::pair<seconds, int>> recommended{};  ///< age, size; oldest first
    std::vector<std::pair<seconds, int>> changed{};      ///< age, change; oldest first
    bool first_sight = false;
};

struct Row {
    const char* name;
    const char* cites;
    int n;         ///< size it has
    int expected;  ///< size it shall have
    std::vector<Instance> pods;
    std::vector<std::pair<MetricPolicy, Sample>> metrics;
    Behaviour out = {.budgets = {{.percent = 100'000, .window = 15s}}};
    Behaviour in = {};
    Past past{};
    int min = 1;
    int max = 100;
};

inline void PrintTo(const Row& row, std::ostream* out) {
    *out << row.name << " (" << row.cites << ")";
}

inline Instance pod(int number,
                    Phase phase = Phase::serving,
                    bool healthy = true,
                    bool warmed = true) {
    return {
        .id = "p" + std::to_string(number), .phase = phase, .healthy = healthy, .warmed = warmed};
}
inline std::vector<Instance> pods(int count) {
    std::vector<Instance> all;
    for (int i = 0; i < count; ++i) all.push_back(pod(i));
    return all;
}
inline std::vector<Instance> with(std::vector<Instance> all, Instance one) {
    for (Instance& other : all)
        if (other.id == one.id) return other = std::move(one), all;
    all.push_back(std::move(one));
    return all;
}

constexpr Micros milli(std::int64_t thousandths) {
    return {.count = thousandths * 1000};
}

/// Of p0, p1, ...; below 0: it doesn't report. In thousandths.
inline std::vector<Reading> readings(const std::vector<int>& values, Micros capacity = whole(1)) {
    std::vector<Reading> all;
    for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i] >= 0)
            all.push_back({.instance = "p" + std::to_string(i),
                           .value = milli(values[i]),
                           .capacity = capacity});
    return all;
}

using Metric = std::pair<MetricPolicy, Sample>;

inline Metric metric(const char* name, Measure measure, Micros target, Sample sample) {
    return {{.name = name, .rule = TargetPolicy{.measure = measure, .target = target}},
            std::move(sample)};
}
/// Resource metric: percent of the request, of which each pod has 1.
inline Metric cpu(int percent, const std::vector<int>& used) {
    return metric("cpu", Measure::utilization, whole(percent), sample_of(readings(used)));
}
/// Pods metric, in thousandths.
inline Metric each(int target, const std::vector<int>& values) {
    return metric(
        "each", Measure::average_of_instances, milli(target), sample_of(readings(values)));
}
/// External metric, target AverageValue.
inline Metric total(int target, int value) {
    return metric("total", Measure::average_of_total, whole(target), sample_of(whole(value)));
}
/// External or object metric, target Value.
inline Metric ratio(int target, int value) {
    return metric("value", Measure::value, whole(target), sample_of(whole(value)));
}
inline Metric lost(Quality quality = Quality::absent, Flaw flaw = Flaw::empty) {
    return metric("lost", Measure::average_of_total, whole(1), {.quality = quality, .flaw = flaw});
}

/// The API's defaults, where `behavior` is written.
inline Behaviour fast_out() {
    return {.budgets = {{.count = 4, .window = 15s}, {.percent = 100, .window = 15s}}};
}
inline Behaviour slow(std::vector<Budget> budgets, Select select = Select::largest) {
    return {.budgets = std::move(budgets), .select = select};
}
inline Behaviour over(seconds window) {
    return {.window = window};
}
inline Behaviour out_over(seconds window) {
    return {.window = window, .budgets = {{.percent = 100'000, .window = 15s}}};
}
inline Behaviour tolerating(std::int64_t ppm) {
    return {.tolerance_ppm = ppm, .budgets = {{.percent = 100'000, .window = 15s}}};
}

}  // namespace muster::scaler::hpa
