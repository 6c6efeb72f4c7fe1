#include "common/config/decode.hpp"
#include "scaler/lint_findings.hpp"
#include "scaler/promql.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace muster::scaler {
namespace {

using config::ScalingMeasure;
using config::ScalingMetric;
using config::to_string;

/// A new LB's first samples suffice, however long the range is.
bool is_whole_at_once(std::string_view function) {
    for (const std::string_view name : {"irate",
                                        "idelta",
                                        "last_over_time",
                                        "present_over_time",
                                        "absent_over_time",
                                        "max_over_time",
                                        "min_over_time",
                                        "changes",
                                        "resets"})
        if (function == name) return true;
    return false;
}

/// One value for the fleet is needed.
void check_single(const promql::Scan& scan, const std::string& path, Findings& findings) {
    const auto outer = promql::outermost(scan.tokens);
    if (!outer || (outer->labels.empty() && !outer->without)) return;
    if (outer->without) {
        findings.warn(path,
                      fmt::format("gives a series for each value of the labels that `without` "
                                  "leaves, where one value is needed; write {} without it, or a "
                                  "reducer",
                                  outer->aggregation));
    } else {
        findings.warn(path,
                      fmt::format("gives a series for each value of {}, where one value is needed; "
                                  "write {} without `by`, or a reducer",
                                  fmt::join(outer->labels, ", "),
                                  outer->aggregation));
    }
}

void check_of_instances(const ScalingMetric& metric,
                        const promql::Scan& scan,
                        const std::string& path,
                        Findings& findings) {
    if (metric.instance_label.empty())
        return findings.refuse(path,
                               "is of each instance, and instance_label is empty: name the label "
                               "that holds their ids, or write a target of total_average");
    const auto outer = promql::outermost(scan.tokens);
    if (!outer || outer->keeps(metric.instance_label)) return;
    findings.refuse(
        path,
        fmt::format("drops the label {0}, by which the values of the instances are told "
                    "apart; write {1} by ({0}) (...), or a target of total_average",
                    metric.instance_label,
                    outer->aggregation));
}

/// A sum of requests is as high with twice the LBs: the ratio never falls, and the fleet grows to
/// its max (reference/autoscaling.md, 2.2).
void check_falls_with_size(const promql::Scan& scan, const std::string& path, Findings& findings) {
    const auto outer = promql::outermost(scan.tokens);
    const bool is_sum = outer && (outer->aggregation == "sum" || outer->aggregation == "count");
    const bool divides =
        std::ranges::any_of(scan.tokens, [](const promql::Token& one) { return one.text == "/"; });
    if (is_sum && !divides)
        findings.warn(path,
                      "is a sum over the fleet, which doesn't fall when the fleet grows, so a "
                      "target of value makes it grow to max; write total_average");
}

/// When an LB that starts is whole in what the query says.
void check_ranges(const config::ScalingSpec& scaling,
                  const promql::Scan& scan,
                  const std::string& path,
                  bool warms_up,
                  Findings& findings) {
    // From an LB's start until Prometheus scrapes it: targets change at most every 5 s (1c.6).
    constexpr std::chrono::seconds discovery{5};
    const config::Duration two_scrapes = 2 * scaling.scrape_interval;
    std::chrono::milliseconds longest{0};
    for (const promql::Range& range : promql::ranges(scan.tokens)) {
        if (range.length < two_scrapes)
            findings.warn(path,
                          fmt::format("has a range of {}, in which there may be fewer than 2 "
                                      "scrapes of every {}, so no value; must be at least {}, "
                                      "better {}",
                                      to_string(range.length),
                                      to_string(scaling.scrape_interval),
                                      to_string(two_scrapes),
                                      to_string(2 * two_scrapes)));
        if (!is_whole_at_once(range.function)) longest = std::max(longest, range.length);
    }
    const config::Duration needed = discovery + two_scrapes + longest;
    if (!warms_up || scaling.warm_up >= needed) return;
    const std::string range =
        longest.count() > 0 ? fmt::format(", and a range of {}", to_string(longest)) : "";
    findings.warn("spec.scaling.warm_up",
                  fmt::format("is {}, and {} knows all of a new LB's load only after {} (5s until "
                              "it is scraped, 2 scrapes of every {}{}); must be at least that, or "
                              "new LBs look idle",
                              to_string(scaling.warm_up),
                              path,
                              to_string(needed),
                              to_string(scaling.scrape_interval),
                              range));
}

void check_words(const promql::Scan& scan, const std::string& path, Findings& findings) {
    constexpr std::size_t most = 8;  // of one query; the rest shows when these are right
    std::vector<promql::UnknownCall> calls = promql::unknown_calls(scan.tokens);
    calls.resize(std::min(calls.size(), most));
    for (const promql::UnknownCall& call : calls) {
        if (call.newer) {
            findings.warn(path,
                          fmt::format("calls {} at byte {}, which Prometheus 2.42 doesn't have; "
                                      "make sure that all of yours do",
                                      call.name,
                                      call.at));
            continue;
        }
        const std::string hint =
            call.meant.empty() ? "" : fmt::format("; did you mean {}?", call.meant);
        findings.refuse(
            path,
            fmt::format(
                "calls {} at byte {}, which is no function of PromQL{}", call.name, call.at, hint));
    }
    if (promql::has_unconditional_default(scan.tokens))
        findings.warn(path,
                      "ends in `or vector(...)`, which makes a broken exporter look idle; leave it "
                      "out (nothing known is not 0), or write `or vector(0) and on() (CONDITION)`");
}

void check_counters(const promql::Scan& scan, const std::string& path, Findings& findings) {
    const auto bare = promql::bare_counters(scan.tokens);
    if (!bare.empty())
        findings.warn(path,
                      fmt::format("reads {} as it is, and a counter only rises; write rate({}[1m])",
                                  fmt::join(bare, ", "),
                                  bare.front()));
}

/// Nothing when it can't be read.
std::optional<promql::Scan> read(const std::string& query,
                                 const std::string& path,
                                 Findings& findings) {
    promql::Scan scan = promql::scan(query);
    if (scan.complaint.empty() && scan.tokens.empty())
        scan.complaint = "has nothing but comments; must be a PromQL query";
    if (!scan.complaint.empty()) {
        findings.refuse(path, scan.complaint);
        return std::nullopt;
    }
    check_words(scan, path, findings);
    return scan;
}

}  // namespace

void lint_metric_queries(const config::ScalingSpec& scaling,
                         const ScalingMetric& metric,
                         const std::string& path,
                         Findings& findings) {
    const bool of_instances = config::is_of_instances(metric.rule);
    const bool is_forecast = std::holds_alternative<config::ForecastRule>(metric.rule);
    // An HPA looks at what is not ready for utilization alone; the past needs no warm-up.
    const bool warms_up = !is_forecast && (scaling.mode == config::ScalingMode::muster ||
                                           measure_of(metric.rule) == ScalingMeasure::utilization);
    const std::string place = path + ".query";
    if (const auto scan = read(metric.query, place, findings)) {
        check_counters(*scan, place, findings);
        if (of_instances) check_of_instances(metric, *scan, place, findings);
        if (!of_instances && metric.reducer == config::Reducer::none)
            check_single(*scan, place, findings);
        if (measure_of(metric.rule) == ScalingMeasure::value)
            check_falls_with_size(*scan, place, findings);
        check_ranges(scaling, *scan, place, warms_up, findings);
    }
    if (!metric.freshness.empty())
        static_cast<void>(read(metric.freshness, path + ".freshness", findings));
    if (metric.capacity_query.empty()) return;
    if (const auto scan = read(metric.capacity_query, path + ".capacity_query", findings))
        check_of_instances(metric, *scan, path + ".capacity_query", findings);
}

void lint_guard_query(const config::ScalingSpec& scaling,
                      const config::ScalingGuard& guard,
                      const std::string& path,
                      Findings& findings) {
    const std::string place = path + ".query";
    if (!guard.freshness.empty())
        static_cast<void>(read(guard.freshness, path + ".freshness", findings));
    const auto scan = read(guard.query, place, findings);
    if (!scan) return;
    check_counters(*scan, place, findings);
    check_single(*scan, place, findings);
    check_ranges(scaling, *scan, place, false, findings);
}

std::vector<Finding> lint_query(const std::string& query, const std::string& path) {
    Findings findings;
    static_cast<void>(read(query, path, findings));
    return findings.take();
}

}  // namespace muster::scaler
