#pragma once

#include "scaler/observations.hpp"
#include "scaler/policy.hpp"

#include <cstdint>
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

inline std::vector<Row> utilization_rows() {
    return {
        {"(300+500+700)/3000 = 50 %, 50/30 * 3 = 5",
         "2.1.3; rc test ScaleUp",
         3,
         5,
         pods(3),
         {cpu(30, {300, 500, 700})}},
        {"unready counts as 0 on out: 1200/3000 = 40 %",
         "2.1.3; rc test UnreadyScaleUp",
         3,
         4,
         with(pods(3), pod(0, Phase::serving, true, false)),
         {cpu(30, {300, 500, 700})}},
        {"pending counts as 0 on out",
         "2.1.3 pod classes",
         3,
         4,
         with(pods(3), pod(0, Phase::booting)),
         {cpu(30, {-1, 500, 700})}},
        {"1400/5000 = 28 %, 28/50 * 5 = 2.8",
         "2.1.3; rc test ScaleDown",
         5,
         3,
         pods(5),
         {cpu(50, {100, 300, 500, 250, 250})}},
        {"102 % of 100 %: inside",
         "2.1.2 tolerance; rc test Tolerance",
         3,
         3,
         pods(3),
         {cpu(100, {1010, 1030, 1020})}},
        {"missing counts as 100 % on in: 2150/5000 = 43 %, 4.3",
         "2.1.3 refill",
         5,
         5,
         pods(5),
         {cpu(50, {100, 300, 500, 250, -1})}},
        {"missing counts as a target above 100 %: 2750/4000 = 68 %, 2.18",
         "2.1.3 refill, >100 %",
         4,
         3,
         pods(4),
         {cpu(125, {500, 500, 500, -1})}},
        {"missing counts as 0 on out: 2700/4000 = 67 %, 5.36",
         "2.1.3 refill",
         4,
         6,
         pods(4),
         {cpu(50, {900, 900, 900, -1})}},
        {"60 % out, refilled 30 % in: hold",
         "2.1.3 opposite sides of 1",
         4,
         4,
         pods(4),
         {cpu(50, {600, 600, -1, -1})}},
        {"refilled 52 %: inside",
         "2.1.3 q' in tolerance",
         4,
         4,
         pods(4),
         {cpu(50, {700, 700, 700, -1})}},
        {"55.13 % is 55 %, 1.1 is inside",
         "2.1.2 truncated percent, inclusive edge",
         3,
         3,
         pods(3),
         {cpu(50, {551, 551, 552})}},
        {"55.9 % is 55 %", "2.1.2 truncated percent", 3, 3, pods(3), {cpu(50, {559, 559, 559})}},
        {"56 %: 3.36", "2.1.3", 3, 4, pods(3), {cpu(50, {560, 560, 560})}},
        {"45 % of 50 %: 0.9 is inside",
         "2.1.2 inclusive edge",
         10,
         10,
         pods(10),
         {cpu(50, {450, 450, 450, 450, 450, 450, 450, 450, 450, 450})}},
        {"44 %: 8.8",
         "2.1.3",
         10,
         9,
         pods(10),
         {cpu(50, {440, 440, 440, 440, 440, 440, 440, 440, 440, 440})}},
        {"60 %: 12 exactly",
         "2.1.3 ceil of a whole number",
         10,
         12,
         pods(10),
         {cpu(50, {600, 600, 600, 600, 600, 600, 600, 600, 600, 600})}},
        {"what is deleted is ignored",
         "2.1.3 pod classes",
         3,
         5,
         with(pods(3), pod(3, Phase::deleting)),
         {cpu(30, {300, 500, 700, 900})}},
        {"what failed is ignored",
         "2.1.3 pod classes",
         3,
         5,
         with(pods(3), pod(3, Phase::failed)),
         {cpu(30, {300, 500, 700, 900})}},
        {"no ready pod reports: hold",
         "2.1.3 none left",
         2,
         2,
         {pod(0, Phase::serving, true, false), pod(1, Phase::serving, true, false)},
         {cpu(50, {1000, 1000})}},
        {"warming pods vanish on in: 10/50 * 2 = 0.4",
         "2.1.3 ready count; C21",
         4,
         1,
         {pod(0), pod(1), pod(2, Phase::serving, true, false), pod(3, Phase::serving, true, false)},
         {cpu(50, {100, 100, 900, 900})}},
    };
}

inline std::vector<Row> instance_rows() {
    return {
        {"mean 20 of 15: 4 exactly",
         "2.1.2; rc test ScaleUpCM",
         3,
         4,
         pods(3),
         {each(15'000, {20'000, 10'000, 30'000})}},
        {"pending counts as 0 on out: 22.5/15 * 4 = 6",
         "2.1.3 refill",
         4,
         6,
         with(pods(4), pod(3, Phase::creating)),
         {each(15'000, {30'000, 30'000, 30'000})}},
        {"a running pod is ready here, warmed or not: 2 * 3",
         "2.1.3 only Pending are unready",
         3,
         6,
         with(pods(3), pod(2, Phase::serving, true, false)),
         {each(15'000, {30'000, 30'000, 30'000})}},
        {"mean of 1, 1, 2 thousandths is 1",
         "2.1.2 integer mean",
         3,
         3,
         pods(3),
         {each(1, {1, 1, 2})}},
        {"missing counts as the target on in: 6/10 * 5",
         "2.1.3 refill",
         5,
         3,
         pods(5),
         {each(10'000, {5'000, 5'000, 5'000, 5'000, -1})}},
        {"missing counts as 0 on out: 16/10 * 5",
         "2.1.3 refill",
         5,
         8,
         pods(5),
         {each(10'000, {20'000, 20'000, 20'000, 20'000, -1})}},
        {"at target with one missing: 7.5/10 * 4 = 3",
         "rc calcPlainMetricReplicas, q = 1 refills 0",
         4,
         3,
         pods(4),
         {each(10'000, {10'000, 10'000, 10'000, -1})}},
        {"1.2 out, refilled 0.6 in: hold",
         "2.1.3 opposite sides of 1",
         4,
         4,
         pods(4),
         {each(10'000, {12'000, 12'000, -1, -1})}},
        {"q' = 0.7 of 4 pods is 3, above 2: hold",
         "2.1.3 against its direction",
         2,
         2,
         pods(4),
         {each(10'000, {6'000, 6'000, 6'000, -1})}},
        {"q' = 1.5 of 4 pods is 6, below 10: hold",
         "2.1.3 against its direction",
         10,
         10,
         pods(4),
         {each(10'000, {20'000, 20'000, 20'000, -1})}},
        {"nobody missing: 1.5 of 4 pods is 6, though 10 are wanted",
         "2.1.3 ceil(q R); C21",
         10,
         6,
         pods(4),
         {each(10'000, {15'000, 15'000, 15'000, 15'000})}},
        {"1.09 is inside",
         "2.1.2",
         5,
         5,
         pods(5),
         {each(10'000, {10'900, 10'900, 10'900, 10'900, 10'900})}},
        {"1.1 is inside",
         "2.1.2 inclusive edge",
         5,
         5,
         pods(5),
         {each(10'000, {11'000, 11'000, 11'000, 11'000, 11'000})}},
        {"1.1001: 5.5005",
         "2.1.2",
         5,
         6,
         pods(5),
         {each(10'000, {11'001, 11'001, 11'001, 11'001, 11'001})}},
        {"0.9 is inside",
         "2.1.2 inclusive edge",
         5,
         5,
         pods(5),
         {each(10'000, {9'000, 9'000, 9'000, 9'000, 9'000})}},
        {"0.8999: 17.998", "2.1.2", 20, 18, pods(20), {each(10'000, std::vector<int>(20, 8'999))}},
        // In float64 1.1 * 50 is 55.00000000000001, of which the ceiling is 56.
        {"1.1 * 50 is 55",
         "2.1.3 in exact numbers",
         50,
         55,
         pods(50),
         {each(10'000, std::vector<int>(50, 11'000))},
         tolerating(50'000)},
    };
}

inline std::vector<Row> total_rows() {
    return {
        {"520 / 100 = 5.2", "2.1.2 AverageValue", 4, 6, pods(4), {total(100, 520)}},
        {"440: 1.1 is inside", "2.1.2 inclusive edge", 4, 4, pods(4), {total(100, 440)}},
        {"441: 4.41", "2.1.2", 4, 5, pods(4), {total(100, 441)}},
        {"360: 0.9 is inside", "2.1.2 inclusive edge", 4, 4, pods(4), {total(100, 360)}},
        {"899: 8.99", "2.1.2", 10, 9, pods(10), {total(100, 899)}},
        {"0 load: min", "2.1.6 then min", 4, 1, pods(4), {total(100, 0)}},
        {"0 load, min 0: zero", "1, scale to zero", 4, 0, pods(4), {total(100, 0)}, {}, {}, {}, 0},
        {"surge: at target of 6 pods means 6",
         "2.1.2; k/k#138505",
         4,
         6,
         pods(6),
         {total(100, 600)}},
        {"lag: at target of 4 pods means 4", "2.1.2; k/k#138505", 6, 4, pods(4), {total(100, 400)}},
        {"from zero: 2.5",
         "2.1.2, N = 0",
         0,
         3,
         {},
         {total(100, 250)},
         tolerating(100'000),
         {},
         {},
         0},
        {"zero stays: 0/0 is not inside", "2.1.2, N = 0", 0, 0, {}, {total(100, 0)}, {}, {}, {}, 0},
        {"value: 1.5 * 3 = 4.5", "2.1.2 Value", 3, 5, pods(3), {ratio(100, 150)}},
        {"value: of 3, 2 are ready: 3",
         "2.1.2 Value, ready",
         3,
         3,
         with(pods(3), pod(2, Phase::serving, false)),
         {ratio(100, 150)}},
        {"value: 1.1 is inside", "2.1.2 inclusive edge", 3, 3, pods(3), {ratio(100, 110)}},
        {"value: 0.9 is inside", "2.1.2 inclusive edge", 3, 3, pods(3), {ratio(100, 90)}},
        {"value: 0.2 * 5 = 1", "2.1.2 Value", 5, 1, pods(5), {ratio(100, 20)}},
        {"value from zero: 2.5",
         "2.1.2 Value, N = 0",
         0,
         3,
         {},
         {ratio(100, 250)},
         tolerating(100'000),
         {},
         {},
         0},
        {"out of 1 ready of 10 is 2",
         "2.1.2 Value, ready; C21",
         10,
         2,
         {pod(0), pod(1, Phase::booting), pod(2, Phase::booting)},
         {ratio(100, 150)}},
        {"out tolerance 0: 88 becomes 89",
         "KEP-4951; k/k#116984; keda#5263",
         88,
         89,
         pods(88),
         {total(100, 8801)},
         tolerating(0)},
        {"in tolerance 0.05: 94",
         "KEP-4951",
         100,
         94,
         pods(100),
         {total(100, 9400)},
         {},
         {.tolerance_ppm = 50'000}},
    };
}

inline std::vector<Row> combination_rows() {
    return {
        {"the larger of 6 and 8", "2.1.4 max", 4, 8, pods(4), {total(100, 520), ratio(100, 190)}},
        {"out on what is left", "2.1.4; k/k#99394", 4, 6, pods(4), {lost(), total(100, 520)}},
        {"in on what is left: hold", "2.1.4; k/k#99394", 4, 4, pods(4), {lost(), total(100, 100)}},
        {"none valid: hold", "2.1.4; k/k#105187", 4, 4, pods(4), {lost()}},
        {"NaN is invalid: hold",
         "1c.4; keda#7475",
         4,
         4,
         pods(4),
         {lost(Quality::bad, Flaw::not_a_number), total(100, 100)}},
        {"above max snaps, without metrics",
         "2.1.1",
         12,
         10,
         pods(12),
         {lost()},
         {},
         {},
         {},
         1,
         10},
        {"below min snaps, without metrics", "2.1.1", 1, 3, pods(1), {lost()}, {}, {}, {}, 3, 10},
        {"above max snaps, whatever window and rate",
         "2.1.1",
         12,
         5,
         pods(12),
         {total(100, 1200)},
         {},
         {.window = 300s, .budgets = {{.count = 1, .window = 60s}}},
         {.recommended = {{100s, 12}}},
         1,
         5},
        {"0 with min 1 is switched off", "2.1.1 disabled", 0, 0, {}, {total(100, 900)}},
        {"6 wanted, max 5",
         "2.1.6 then max",
         4,
         5,
         pods(4),
         {total(100, 520)},
         tolerating(100'000),
         {},
         {},
         1,
         5},
        {"1 wanted, min 2", "2.1.6 then min", 4, 2, pods(4), {total(100, 100)}, {}, {}, {}, 2},
    };
}

inline std::vector<Row> window_rows() {
    return {
        {"first sight records 10",
         "2.1.5; k/k#68826",
         10,
         10,
         pods(10),
         {total(100, 500)},
         {},
         over(300s),
         {.first_sight = true}},
        {"8 was recommended 100 s ago",
         "2.1.5",
         10,
         8,
         pods(10),
         {total(100, 500)},
         {},
         over(300s),
         {.recommended = {{100s, 8}}}},
        {"8 was recommended 300 s ago: out of the window",
         "2.1.5 exclusive edge",
         10,
         5,
         pods(10),
         {total(100, 500)},
         {},
         over(300s),
         {.recommended = {{300s, 8}}}},
        {"8 was recommended 299 s ago",
         "2.1.5 exclusive edge",
         10,
         8,
         pods(10),
         {total(100, 500)},
         {},
         over(300s),
         {.recommended = {{299s, 8}}}},
        {"12 was recommended: an in never becomes an out",
         "2.1.5; k/k#98174",
         10,
         10,
         pods(10),
         {total(100, 500)},
         {},
         over(300s),
         {.recommended = {{100s, 12}}}},
        {"of 9 and 7 the largest",
         "2.1.5",
         10,
         9,
         pods(10),
         {total(100, 500)},
         {},
         over(300s),
         {.recommended = {{200s, 9}, {100s, 7}}}},
        {"up: 6 was recommended 30 s ago",
         "2.1.5 up window",
         4,
         6,
         pods(4),
         {total(100, 800)},
         out_over(60s),
         {},
         {.recommended = {{30s, 6}}}},
        {"up: 3 was recommended: no in",
         "2.1.5; k/k#98174",
         4,
         4,
         pods(4),
         {total(100, 800)},
         out_over(60s),
         {},
         {.recommended = {{30s, 3}}}},
        {"up: 6 was recommended 60 s ago: out of the window",
         "2.1.5 exclusive edge",
         4,
         8,
         pods(4),
         {total(100, 800)},
         out_over(60s),
         {},
         {.recommended = {{60s, 6}}}},
        {"the unlimited 8 was recorded, max 5 applied",
         "2.1.5 unlimited",
         5,
         5,
         pods(5),
         {total(100, 100)},
         {},
         over(300s),
         {.recommended = {{15s, 8}}},
         1,
         5},
    };
}

inline std::vector<Row> rate_rows() {
    const auto two_a_minute = Budget{.count = 2, .window = 60s};
    const auto tenth_a_minute = Budget{.percent = 10, .window = 60s};
    return {
        {"no behavior: max(2 * 3, 4)",
         "2.1.6, 1 rate limits",
         3,
         6,
         pods(3),
         {total(100, 2000)},
         {}},
        {"no behavior: max(2 * 1, 4)",
         "2.1.6, 1 rate limits",
         1,
         4,
         pods(1),
         {total(100, 2000)},
         {}},
        {"defaults: max(3 + 4, 6)", "2.1.6", 3, 7, pods(3), {total(100, 2000)}, fast_out()},
        {"defaults: max(10 + 4, 20)", "2.1.6", 10, 20, pods(10), {total(100, 5000)}, fast_out()},
        {"10 were added 5 s ago: start 10",
         "2.1.6 start of period",
         20,
         20,
         pods(20),
         {total(100, 5000)},
         fast_out(),
         {},
         {.changed = {{5s, 10}}}},
        {"10 were added 15 s ago: start 20",
         "2.1.6 exclusive edge",
         20,
         40,
         pods(20),
         {total(100, 5000)},
         fast_out(),
         {},
         {.changed = {{15s, 10}}}},
        {"net: 12 - 6 + 4 = 10",
         "2.1.6; C16",
         12,
         20,
         pods(12),
         {total(100, 5000)},
         slow({{.percent = 100, .window = 15s}}),
         {},
         {.changed = {{10s, 6}, {5s, -4}}}},
        {"ceil(3 * 1.5)",
         "2.1.6 up rounds up",
         3,
         5,
         pods(3),
         {total(100, 2000)},
         slow({{.percent = 50, .window = 15s}})},
        {"Min: min(3 + 4, 6)",
         "2.1.6 Min",
         3,
         6,
         pods(3),
         {total(100, 2000)},
         slow({{.count = 4, .window = 15s}, {.percent = 100, .window = 15s}}, Select::smallest)},
        {"out disabled", "2.1.6 Disabled", 3, 3, pods(3), {total(100, 2000)}, {.disabled = true}},
        {"never worse than N: 2 + 4 is below 12",
         "2.1.6 never worse than N",
         12,
         12,
         pods(12),
         {total(100, 5000)},
         slow({{.count = 4, .window = 15s}}),
         {},
         {.changed = {{5s, 10}}}},
        {"down 2 a minute", "2.1.6", 10, 8, pods(10), {total(100, 100)}, {}, slow({two_a_minute})},
        {"trunc(15 * 0.9) = 13",
         "2.1.6 down truncates",
         15,
         13,
         pods(15),
         {total(100, 100)},
         {},
         slow({tenth_a_minute})},
        {"Max of 48 and 45",
         "2.1.6 Max",
         50,
         45,
         pods(50),
         {total(100, 100)},
         {},
         slow({two_a_minute, tenth_a_minute})},
        {"Min of 48 and 45",
         "2.1.6 Min",
         50,
         48,
         pods(50),
         {total(100, 100)},
         {},
         slow({two_a_minute, tenth_a_minute}, Select::smallest)},
        {"in disabled",
         "2.1.6 Disabled",
         10,
         10,
         pods(10),
         {total(100, 100)},
         {},
         {.disabled = true}},
        {"2 were removed 30 s ago: start 10",
         "2.1.6 start of period",
         8,
         8,
         pods(8),
         {total(100, 100)},
         {},
         slow({two_a_minute}),
         {.changed = {{30s, -2}}}},
        {"1 was removed 30 s ago: start 9",
         "2.1.6 start of period",
         8,
         7,
         pods(8),
         {total(100, 100)},
         {},
         slow({two_a_minute}),
         {.changed = {{30s, -1}}}},
        {"2 were removed 60 s ago: start 8",
         "2.1.6 exclusive edge",
         8,
         6,
         pods(8),
         {total(100, 100)},
         {},
         slow({two_a_minute}),
         {.changed = {{60s, -2}}}},
        {"never worse than N: 10 - 2 is above 5",
         "2.1.6 never worse than N",
         5,
         5,
         pods(5),
         {total(100, 100)},
         {},
         slow({two_a_minute}),
         {.changed = {{30s, -5}}}},
        {"net: 10 were added, so all may go: 2 - 2",
         "2.1.6; C16",
         12,
         1,
         pods(12),
         {total(100, 100)},
         {},
         slow({two_a_minute}),
         {.changed = {{30s, 10}}}},
        {"100 %: all",
         "2.1.6, 1 rate limits",
         10,
         1,
         pods(10),
         {total(100, 100)},
         {},
         slow({{.percent = 100, .window = 15s}})},
    };
}

}  // namespace muster::scaler::hpa
