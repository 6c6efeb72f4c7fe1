#pragma once

#include "scaler/quantity.hpp"
#include "scaler/schedule.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What an operator wants of the size of a fleet. Values only.
namespace muster::scaler {

/// What a metric counts, and so which formula applies (reference/autoscaling.md, 2.1).
enum class Measure : std::uint8_t {
    utilization,           ///< readings of each instance, as percent of its capacity
    average_of_instances,  ///< readings of each instance
    average_of_total,      ///< one value for the fleet, divided by its instances
    value,                 ///< one value for the fleet, as it is: a latency, a queue's length
};

/// Keep the metric at `target`.
struct TargetPolicy {
    Measure measure = Measure::average_of_total;
    Micros target = whole(1);  ///< above 0; of utilization: percent
    bool operator==(const TargetPolicy&) const = default;
};

enum class Change : std::uint8_t { instances, percent, exact };

struct Step {
    Micros from;  ///< holds for values of at least this, up to the next step
    Change change = Change::instances;
    int amount = 0;  ///< signed, but for `exact`
    bool operator==(const Step&) const = default;
};

/// Changes the size by the step that the value is in; below the first: no change. `steps` rise in
/// `from`. Percents are rounded towards 0, and 0 < |change| < 1 becomes 1 (2.2, AWS step scaling).
struct StepPolicy {
    std::vector<Step> steps;
    bool operator==(const StepPolicy&) const = default;
};

/// A size that no metric takes part in.
struct FixedPolicy {
    int size = 1;
    bool operator==(const FixedPolicy&) const = default;
};

/// What the metric's past says of its near future; may only raise. The metric is one value for the
/// fleet that doesn't depend on its size: requests a second, not the load of an instance.
struct ForecastPolicy {
    Micros target = whole(1);  ///< of each instance; above 0
    seconds season = std::chrono::hours{24};
    int seasons = 7;           ///< looked back; up to most_seasons
    seconds ahead{300};        ///< how long before it is needed: start, warm-up, and a step
    bool observe_only = true;  ///< at first, until it has proven itself; false: acts at once
    /// Of the values of the past seasons this percentile is taken: with 75 of 7 the 6th, so neither
    /// one holiday nor one peak decides.
    int percentile = 75;
    bool operator==(const ForecastPolicy&) const = default;
};

inline constexpr int most_seasons = 60;

struct MetricPolicy {
    std::string name;  ///< unique in the policy; its sample has the same
    std::variant<TargetPolicy, StepPolicy, FixedPolicy, SchedulePolicy, ForecastPolicy> rule;
    std::optional<seconds> max_age{};  ///< older samples are bad (1c.2). Absent: any age
    /// Percent of the instances whose data may be missing, or be flawed, for it to lower all the
    /// same; each of them then counts as twice the mean, and at least as the target (F12). Of
    /// targets but `value`. Absent: none may.
    std::optional<int> missing_percent{};
    bool operator==(const MetricPolicy&) const = default;
};

/// How many instances may be added or removed within any window.
/// Mode muster: gross, so what was added doesn't pay for what was removed (2.1, C16); the larger of
/// the two numbers holds, a percent allows at least 1 instance; of several budgets, all hold.
/// Mode hpa: net, and `select` chooses between the budgets (2.1.6).
struct Budget {
    std::optional<int> count{};
    std::optional<int> percent{};  ///< of the size at the window's start
    seconds window{60};
    bool operator==(const Budget&) const = default;
};

/// Mode hpa: which budget counts; the one that allows the largest change, or the smallest.
enum class Select : std::uint8_t { largest, smallest };

/// Of one direction.
struct Behaviour {
    /// Millionths: 100'000 is the HPA's 0.1. Inside, edges included, the size stays.
    std::int64_t tolerance_ppm = 100'000;
    /// Acts on a difference of more instances than this, inside the tolerance too (3.6: with 0.1
    /// 88 instances never become 89).
    std::optional<int> tolerance_instances{};
    /// Stabilization: out by the smallest recommendation of the window, in by its largest (2.1.5).
    seconds window{0};
    /// Empty: no limit; mode hpa, out: at most max(2 * size, 4), as without `behavior`.
    std::vector<Budget> budgets{};
    Select select = Select::largest;
    bool disabled = false;
    /// In: how long an instance that isn't warmed stops scale-in (2.2).
    seconds warm_up{0};
    /// Percent of the size, at least 1 instance: so many may be out of service at once; with those
    /// that start (out), or that are not serving, unhealthy or to be removed (in). 1b, Autopilot.
    std::optional<int> max_unavailable{};
    /// Out: after the last out. In: after the last change in either direction.
    seconds cooldown{0};
    bool operator==(const Behaviour&) const = default;
};

enum class Mode : std::uint8_t {
    muster,
    /// The arithmetic of Kubernetes' HorizontalPodAutoscaler as published (2.1), in exact numbers.
    /// A pause, a veto and the breaker hold here too, where they are given.
    hpa,
};

/// Of a value that should not rise (trends.hpp).
struct TrendPolicy {
    std::int64_t rise_ppm = 500'000;  ///< above the mean of the window
    Micros floor{};                   ///< up to here it doesn't rise
    seconds window{600};
    seconds longest = std::chrono::hours{2};  ///< so long is a rise a rise
    bool operator==(const TrendPolicy&) const = default;
};

struct WatchPolicy {
    std::optional<TrendPolicy> errors{};
    std::optional<TrendPolicy> latency{};
    std::optional<TrendPolicy> unhealthy{};  ///< percent of the instances; needs no query
    bool operator==(const WatchPolicy&) const = default;
};

/// Growing that doesn't help is stopped (effectiveness.hpp).
struct EffectivenessPolicy {
    int after = 3;  ///< trials in a row
    /// Least, of the metric per instance. Below 500'000.
    std::int64_t improvement_ppm = 50'000;
    seconds hold{1800};
    bool operator==(const EffectivenessPolicy&) const = default;
};

struct Policy {
    Mode mode = Mode::muster;
    int min = 1;
    int max = 1;
    std::vector<MetricPolicy> metrics;
    Behaviour out{.budgets = {{.count = 4, .percent = 100, .window = seconds{15}}}};
    Behaviour in{.window = seconds{300},
                 .budgets = {{.count = 1, .percent = 10, .window = seconds{60}}}};
    /// Mode muster: longer without an evaluation, and scale-in waits for a whole window.
    seconds longest_gap{120};
    WatchPolicy watch{};
    std::optional<EffectivenessPolicy> effectiveness{};
    bool operator==(const Policy&) const = default;
};

}  // namespace muster::scaler
