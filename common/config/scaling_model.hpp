#pragma once

#include "common/config/probe_model.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// How many LBs a fleet shall have, and who makes them, as users define it. Part of the model in
// fleet_model.hpp; what a field means for people is in docs/scaling.md. Exact numbers are kept as
// their text, as decimal.hpp writes it. All durations are whole seconds.
namespace muster::config {

enum class ScalingMode : std::uint8_t { muster, hpa };

/// One value of many series.
enum class Reducer : std::uint8_t { none, sum, max, min, avg };

/// Which number of the metric is kept at the target.
enum class ScalingMeasure : std::uint8_t {
    utilization,           ///< percent of each instance's capacity
    average_of_instances,  ///< of the instances that report
    average_of_total,      ///< one value for the fleet, divided by its instances
    value,                 ///< one value for the fleet, as it is
};

struct TargetRule {
    ScalingMeasure measure = ScalingMeasure::average_of_total;
    std::string target = "1";  ///< decimal, above 0
    bool operator==(const TargetRule&) const = default;
};

enum class StepChange : std::uint8_t { instances, percent, exact };

struct StepBound {
    std::string from = "0";  ///< decimal
    StepChange change = StepChange::instances;
    int amount = 0;  ///< signed, but for `exact`
    bool operator==(const StepBound&) const = default;
};

struct StepRule {
    std::vector<StepBound> steps;  ///< rising in `from`
    bool operator==(const StepRule&) const = default;
};

/// From each time that matches `start`, for `length`: at least `size`.
struct ScheduleEntry {
    std::string start;  ///< 5 fields of cron: minute hour day-of-month month day-of-week
    Duration length = 1h;
    int size = 1;
    bool operator==(const ScheduleEntry&) const = default;
};

struct ScheduleRule {
    std::string time_zone = "UTC";  ///< of the IANA database
    std::vector<ScheduleEntry> entries;
    bool operator==(const ScheduleRule&) const = default;
};

/// What the metric's past says of its near future; raises the floor, never lowers. The metric is
/// one value for the fleet that doesn't depend on its size, such as requests a second.
struct ForecastRule {
    std::string target = "1";  ///< of each instance
    Duration season = 24h;
    int seasons = 7;           ///< looked back
    Duration ahead = 5min;     ///< how long before it is needed
    bool observe_only = true;  ///< until it has proven itself; false: at once
    int percentile = 75;       ///< of the values of the past seasons
    bool operator==(const ForecastRule&) const = default;
};

struct FixedRule {
    int size = 1;
    bool operator==(const FixedRule&) const = default;
};

using ScalingRule = std::variant<TargetRule, StepRule, ScheduleRule, ForecastRule, FixedRule>;

struct ScalingMetric {
    std::string name;            ///< unique in the fleet
    std::string query;           ///< PromQL; empty: a rule that asks for nothing (asks() below)
    std::string capacity_query;  ///< of utilization: what 100 % of each instance is; empty: 100
    /// Whose series' age counts; empty: those of `query`. For recording rules.
    std::string freshness;
    std::string instance_label = "instance_id";  ///< of series of each instance: holds its id
    Reducer reducer = Reducer::none;
    Duration max_age = 1min;  ///< of the youngest scrape
    /// Of the instances: so many may not report, and it may lower all the same. Mode muster, of
    /// rules that may_miss().
    std::optional<int> missing_percent;
    ScalingRule rule;
    bool operator==(const ScalingMetric&) const = default;
};

/// Does Prometheus answer for it?
[[nodiscard]] inline bool asks(const ScalingRule& rule) {
    return !std::holds_alternative<ScheduleRule>(rule) && !std::holds_alternative<FixedRule>(rule);
}

/// What the target of a rule counts; nothing of rules without one.
[[nodiscard]] inline std::optional<ScalingMeasure> measure_of(const ScalingRule& rule) {
    if (const auto* target = std::get_if<TargetRule>(&rule)) return target->measure;
    if (std::holds_alternative<ForecastRule>(rule)) return ScalingMeasure::average_of_total;
    return std::nullopt;
}

/// Readings of each instance, or one value of the fleet?
[[nodiscard]] inline bool is_of_instances(const ScalingRule& rule) {
    const auto measure = measure_of(rule);
    return measure == ScalingMeasure::utilization ||
           measure == ScalingMeasure::average_of_instances;
}

/// Is it of a sum, in which those that don't report can be reckoned with?
[[nodiscard]] inline bool may_miss(const ScalingRule& rule) {
    const auto* target = std::get_if<TargetRule>(&rule);
    return target != nullptr && target->measure != ScalingMeasure::value;
}

/// At most so many instances in any window.
struct ScalingBudget {
    std::optional<int> count;
    std::optional<int> percent;
    Duration window = 1min;
    bool operator==(const ScalingBudget&) const = default;
};

enum class BudgetSelect : std::uint8_t { largest, smallest };

/// Of one direction; scaler/policy.hpp tells what the fields do.
struct ScalingBehaviour {
    std::string tolerance = "0.1";           ///< as a share
    std::optional<int> tolerance_instances;  ///< mode muster
    Duration window{0};
    std::vector<ScalingBudget> budgets;
    BudgetSelect select = BudgetSelect::largest;  ///< mode hpa
    bool disabled = false;
    std::optional<int> max_unavailable;  ///< percent; mode muster
    Duration cooldown{0};                ///< mode muster
    bool operator==(const ScalingBehaviour&) const = default;
};

/// Scale-in is vetoed while this rises; `rate` of errors, a latency.
struct ScalingGuard {
    std::string query;
    /// As of a metric; also where `query` has no series by right: errors, before the first one.
    std::string freshness;
    std::string rise = "0.5";  ///< more than so much above the mean of `window`, as a share of it
    std::string floor = "0";   ///< below this it counts as nothing
    Duration window = 10min;
    bool operator==(const ScalingGuard&) const = default;
};

/// The same of the share of LBs that probes don't call healthy, in percent; nothing is asked for
/// it.
struct UnhealthyGuard {
    std::string rise = "0.5";
    std::string floor = "0";
    Duration window = 10min;
    bool operator==(const UnhealthyGuard&) const = default;
};

/// Growing that doesn't help is stopped (reference/autoscaling.md, F8 and F9).
struct EffectivenessGuard {
    int after = 3;  ///< scale-outs in a row, each fully warmed, without the metric getting better
    std::string improvement = "0.05";  ///< least, as a share of the metric per instance
    Duration hold = 30min;
    bool operator==(const EffectivenessGuard&) const = default;
};

struct ScalingSpec {
    ScalingMode mode = ScalingMode::muster;
    int min = 1;
    int max = 1;
    Duration period = 15s;           ///< of evaluations, at UTC multiples
    Duration scrape_interval = 15s;  ///< of the Prometheus, to check warm_up by
    std::vector<ScalingMetric> metrics;
    ScalingBehaviour out{.budgets = {{.count = 4, .percent = 100, .window = 15s}}};
    ScalingBehaviour in{.window = 5min, .budgets = {{.count = 1, .percent = 10, .window = 1min}}};
    Duration warm_up = 2min;  ///< from healthy until a new LB's metrics count
    std::optional<ScalingGuard> errors;
    std::optional<ScalingGuard> latency;
    std::optional<UnhealthyGuard> unhealthy;
    std::optional<EffectivenessGuard> effectiveness = EffectivenessGuard{};  ///< mode muster
    bool shadow = false;  ///< decides and tells, and does nothing
    bool operator==(const ScalingSpec&) const = default;
};

/// What holds where nothing is written. Of an HPA: as Kubernetes has it for an autoscaling/v2
/// object without `behavior` (reference/autoscaling.md, 1, rate limits).
[[nodiscard]] inline ScalingSpec standard_scaling(ScalingMode mode) {
    ScalingSpec spec{.mode = mode};
    if (mode == ScalingMode::muster) return spec;
    spec.out.budgets = {{.count = 4, .percent = std::nullopt, .window = 15s},
                        {.count = std::nullopt, .percent = 100, .window = 15s}};
    spec.in.budgets = {{.count = std::nullopt, .percent = 100, .window = 15s}};
    spec.effectiveness = std::nullopt;
    return spec;
}

/// Who makes and removes the fleet's LBs.
struct FleetProvider {
    std::string name;                ///< in the settings of the nodes (`providers`)
    std::vector<std::string> hosts;  ///< node ids; empty: all that offer the provider
    std::map<std::string, std::string> parameters;
    Duration create_timeout = 5min;  ///< from ordered until registered and healthy
    Duration drain_timeout = 2min;   ///< out of DNS and its caches, and connections ended
    Duration grace = 30s;            ///< between a soft end and a hard one
    bool replace_dead = true;
    bool operator==(const FleetProvider&) const = default;
};

}  // namespace muster::config
