#include "ctl/scale_prometheus.hpp"

#include "scaler/prometheus_client.hpp"
#include "scaler/recording_text.hpp"

#include <fmt/format.h>

#include <map>
#include <ostream>
#include <set>

namespace muster::ctl {

namespace {

namespace prometheus = scaler::prometheus;

constexpr std::chrono::minutes longest_wait{5};
constexpr std::chrono::seconds longest_request{60};

prometheus::MetricQuery query_of(const config::ScalingMetric& metric, std::string query) {
    const bool of_instances = config::is_of_instances(metric.rule);
    return {.name = metric.name,
            .query = std::move(query),
            .scope = of_instances ? prometheus::Scope::instances : prometheus::Scope::fleet,
            .instance_label = metric.instance_label,
            .reducer = metric.reducer};
}

using Capacities = std::map<std::string, std::map<WallTime, scaler::Micros>>;

/// By instance; of one series for all: that of "".
Capacities capacities_of(const prometheus::RangeAnswer& answer) {
    Capacities all;
    for (const prometheus::RangeSeries& one : answer.series)
        for (const prometheus::RangePoint& point : one.points)
            all[one.instance][point.at] = point.value;
    return all;
}

/// 0: it isn't known.
scaler::Micros capacity_at(const Capacities& all, const std::string& instance, WallTime at) {
    for (const std::string& name : {instance, std::string()}) {
        const auto found = all.find(name);
        if (found == all.end()) continue;
        const auto point = found->second.find(at);
        if (point != found->second.end()) return point->second;
    }
    return {};
}

/// Points of which the capacity isn't known are no use.
void add(scaler::Past& past,
         const std::string& metric,
         const prometheus::RangeAnswer& answer,
         const std::optional<Capacities>& capacities) {
    for (const prometheus::RangeSeries& one : answer.series) {
        scaler::PastSeries series{.metric = metric, .instance = one.instance, .points = {}};
        for (const prometheus::RangePoint& point : one.points) {
            scaler::PastPoint value{.at = point.at, .value = point.value};
            if (capacities) {
                value.capacity = capacity_at(*capacities, one.instance, point.at);
                if (value.capacity.count <= 0) value.flaw = scaler::Flaw::no_capacity;
            }
            series.points.push_back(value);
        }
        if (!series.points.empty()) past.series.push_back(std::move(series));
    }
}

void tell(Context& context, const std::string& metric, const prometheus::RangeAnswer& answer) {
    for (const std::string& warning : answer.warnings)
        context.err << printable(fmt::format("{}: {}", metric, warning)) << '\n';
    if (answer.unusable > 0)
        context.err << printable(metric) << ": " << answer.unusable
                    << " values can't be used (NaN, negative, ...), and count as missing\n";
}

}  // namespace

asio::awaitable<tl::expected<KnownPast, std::string>> past_of_prometheus(Context& context,
                                                                         PrometheusPast wanted) {
    const WallTime now = context.clock.wall();
    const auto on_grid = [&](WallTime time) {
        return WallTime{time.time_since_epoch() -
                        time.time_since_epoch() % std::chrono::milliseconds(wanted.step)};
    };
    const prometheus::RangeWindow window{.start = on_grid(wanted.from.value_or(now)),
                                         .end = on_grid(wanted.to.value_or(now)),
                                         .step = wanted.step};
    const std::size_t steps = prometheus::steps_of(window);
    if (steps == 0 || steps > prometheus::most_steps)
        co_return tl::unexpected(
            fmt::format("from {} to {} in steps of {} are {} values; it may be 1 to {}",
                        scaler::time_text(window.start),
                        scaler::time_text(window.end),
                        scaler::span_text(window.step),
                        steps,
                        prometheus::most_steps));
    prometheus::PrometheusClient client(context.clock,
                                        {.endpoints = {wanted.url}, .timeout = longest_request});
    const SteadyTime deadline = context.clock.now() + longest_wait;
    KnownPast known{.past = {.series = {}, .valid_for = wanted.step}};
    std::set<std::string> asked;
    for (const config::ScalingMetric& metric : wanted.metrics) {
        if (!config::asks(metric.rule) || !asked.insert(metric.name).second) continue;
        auto answer = co_await client.ask_range(query_of(metric, metric.query), window, deadline);
        if (!answer)
            co_return tl::unexpected(fmt::format("metric {}: {} ({})",
                                                 metric.name,
                                                 answer.error().detail,
                                                 scaler::word_of(answer.error().flaw)));
        tell(context, metric.name, *answer);
        std::optional<Capacities> capacities;
        if (!metric.capacity_query.empty()) {
            const auto found = co_await client.ask_range(
                query_of(metric, metric.capacity_query), window, deadline);
            if (!found)
                co_return tl::unexpected(fmt::format("capacity of metric {}: {} ({})",
                                                     metric.name,
                                                     found.error().detail,
                                                     scaler::word_of(found.error().flaw)));
            tell(context, "capacity of " + metric.name, *found);
            capacities = capacities_of(*found);
        }
        add(known.past, metric.name, *answer, capacities);
    }
    for (const std::string& query : wanted.guards) {
        const auto [points, is_new] = known.guards.try_emplace(query);
        if (!is_new) continue;
        auto answer = co_await client.ask_range(
            {.name = query, .query = query, .instance_label = {}}, window, deadline);
        if (!answer)
            co_return tl::unexpected(fmt::format("guard {}: {} ({})",
                                                 query,
                                                 answer.error().detail,
                                                 scaler::word_of(answer.error().flaw)));
        tell(context, "guard " + query, *answer);
        for (const prometheus::RangeSeries& one : answer->series)
            for (const prometheus::RangePoint& point : one.points)
                points->second.push_back({.at = point.at, .value = point.value});
    }
    co_return known;
}

}  // namespace muster::ctl
