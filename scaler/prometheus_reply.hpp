#pragma once

#include "common/config/scaling_model.hpp"
#include "scaler/observations.hpp"
#include "scaler/policy.hpp"
#include "scaler/prometheus_answer.hpp"
#include "scaler/promql_selectors.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

// What the answers to a metric's queries say of a fleet: a Sample. Pure.
namespace muster::scaler::prometheus {

enum class Scope : std::uint8_t { fleet, instances };

/// What is asked for one metric.
struct MetricQuery {
    std::string name;
    std::string query;  ///< PromQL
    Scope scope = Scope::fleet;
    /// Which label holds the id of an instance. Empty: the metric isn't about our instances (a
    /// queue elsewhere); then nobody can say which of them are missing in it. Fleet only.
    std::string instance_label = "instance_id";
    /// Of several series: of the fleet, or of one instance.
    config::Reducer reducer = config::Reducer::none;
    std::string capacity_query;  ///< of each instance, or one for all; empty: 100
    /// The series whose age and instances count; an expression, of which only the selectors matter.
    /// Empty: those of `query`. For recording rules, and where a series may be missing by right
    /// (errors, before the first one).
    std::string freshness;
    std::optional<seconds> max_age = seconds{60};
    bool operator==(const MetricQuery&) const = default;
};

/// Whose series count: ids.
struct Roster {
    std::set<std::string, std::less<>> members;   ///< of any other id: strangers
    std::set<std::string, std::less<>> expected;  ///< of `members`: who must report
    bool operator==(const Roster&) const = default;
};

/// Members: all that have a machine and aren't being removed. Expected: those that serve, healthy
/// or not.
[[nodiscard]] Roster roster_of(const Membership& membership);

struct Answers {
    Read value;
    Read age;  ///< to age_query()
    std::optional<Read> capacity{};
};

/// A sample, and what people may want to know of it.
struct MetricSample {
    Sample sample;
    std::string detail;  ///< of the flaw
    std::vector<std::string> warnings{};
    std::vector<std::string> infos{};
    int strangers = 0;                       ///< series of instances that aren't ours
    std::map<std::string, Flaw> left_out{};  ///< our instances that sent something unusable
    std::vector<std::string> missing{};      ///< expected, and nothing came
    bool operator==(const MetricSample&) const = default;
};

/// - A value must be of the time that was asked for.
/// - An instance whose number is NaN, infinite, negative, unreadable, or older than max_age, is
///   left out as if it didn't report; the sample keeps the flaw, so that it may raise and not
///   lower the size. Nobody left: the sample is bad.
/// - An instance counts as fresh when each selector that names instances has a fresh series of it.
/// - Coverage of a fleet's value is counted by instance before anything is reduced, also where the
///   query itself aggregates: by the ages.
/// - Warnings of the server: flaw `partial`. Infos mean nothing.
///
/// Example: 3 instances, `sum(rps)` = 290, ages of i1 and i2 alone: 290 with coverage 2 of 3.
[[nodiscard]] MetricSample sample_of_answers(const MetricQuery& query,
                                             const Roster& roster,
                                             WallTime asked,
                                             const Answers& answers);

/// The selectors whose ages are asked for. The error says why there are none, for people.
[[nodiscard]] tl::expected<std::vector<std::string>, std::string> selectors_of(
    const MetricQuery& query);

}  // namespace muster::scaler::prometheus
