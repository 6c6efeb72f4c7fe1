#include "orchestrator/metric_source.hpp"

#include "orchestrator/forecast_feed.hpp"
#include "scaler/prometheus_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace muster::orchestrator {

namespace {

namespace prometheus = scaler::prometheus;

/// No metric can be called that.
constexpr const char* errors = "@errors";
constexpr const char* latency = "@latency";
/// Of all queries of a fleet; whoever applies it waits.
constexpr std::chrono::seconds longest_check{5};

bool is_of_each(config::ScalingMeasure measure) {
    return measure == config::ScalingMeasure::utilization ||
           measure == config::ScalingMeasure::average_of_instances;
}

prometheus::Scope scope_of(const config::ScalingRule& rule) {
    const auto* const target = std::get_if<config::TargetRule>(&rule);
    return target != nullptr && is_of_each(target->measure) ? prometheus::Scope::instances
                                                            : prometheus::Scope::fleet;
}

prometheus::PrometheusSettings client_settings(const config::PrometheusSettings& settings) {
    return {.endpoints = settings.endpoints,
            .user = settings.user,
            .password_file = settings.password_file,
            .token_file = settings.token_file,
            .tls = settings.tls,
            .timeout = settings.timeout};
}

asio::awaitable<scaler::Observations> observe(std::shared_ptr<prometheus::PrometheusClient> client,
                                              std::shared_ptr<ForecastFeed> feed,
                                              std::shared_ptr<const config::FleetSpec> spec,
                                              scaler::Membership membership,
                                              WallTime tick,
                                              SteadyTime deadline) {
    prometheus::Collected found = co_await prometheus::collect(
        *client, queries_of(*spec->scaling), prometheus::roster_of(membership), tick, deadline);
    scaler::Observations observed{.samples = std::move(found.samples)};
    const auto take = [&](const char* name, scaler::Sample& into) {
        auto sample = observed.samples.extract(name);
        if (sample) into = std::move(sample.mapped());
    };
    take(errors, observed.errors);
    take(latency, observed.latency);
    observed.series = co_await feed->bring(*client, spec, tick, deadline);
    co_return observed;
}

/// Where the query stands in the document.
std::string place_of(const config::ScalingSpec& scaling, const std::string& name) {
    if (name == errors) return "spec.scaling.errors.";
    if (name == latency) return "spec.scaling.latency.";
    const auto metric = std::ranges::find(scaling.metrics, name, &config::ScalingMetric::name);
    return fmt::format("spec.scaling.metrics[{}].", metric - scaling.metrics.begin());
}

asio::awaitable<ScalingLint> lint_queries(std::shared_ptr<prometheus::PrometheusClient> client,
                                          Clock& clock,
                                          config::FleetSpec fleet) {
    ScalingLint said;
    if (!fleet.scaling) co_return said;
    const SteadyTime deadline = clock.now() + longest_check;
    for (const prometheus::MetricQuery& query : queries_of(*fleet.scaling)) {
        const auto problems = co_await client->check(query, clock.wall(), deadline);
        for (const prometheus::QueryProblem& problem : problems) {
            auto& list = problem.refuses ? said.refusals : said.warnings;
            list.push_back(place_of(*fleet.scaling, query.name) + problem.field + ": " +
                           problem.what);
        }
        // Who is away is not asked again, and again.
        if (clock.now() >= deadline) break;
    }
    co_return said;
}

asio::awaitable<ScalingLint> say_unchecked(config::FleetSpec fleet) {
    ScalingLint said;
    if (fleet.scaling && !queries_of(*fleet.scaling).empty())
        said.warnings.emplace_back(
            "spec.scaling: Prometheus wasn't asked for the queries: this node's settings have "
            "none");
    co_return said;
}

}  // namespace

std::vector<prometheus::MetricQuery> queries_of(const config::ScalingSpec& scaling) {
    std::vector<prometheus::MetricQuery> queries;
    for (const config::ScalingMetric& metric : scaling.metrics) {
        if (metric.query.empty()) continue;
        queries.push_back(
            {.name = metric.name,
             .query = metric.query,
             .scope = scope_of(metric.rule),
             .instance_label = metric.instance_label,
             .reducer = metric.reducer,
             .capacity_query = metric.capacity_query,
             .freshness = metric.freshness,
             .max_age = std::chrono::duration_cast<std::chrono::seconds>(metric.max_age)});
    }
    // What is watched may be of anything: of the backends, or of clients.
    const auto watch = [&](const char* name, const std::optional<config::ScalingGuard>& guard) {
        if (!guard) return;
        queries.push_back({.name = name,
                           .query = guard->query,
                           .instance_label = {},
                           .freshness = guard->freshness});
    };
    watch(errors, scaling.errors);
    watch(latency, scaling.latency);
    return queries;
}

QueryLint check_with(Clock& clock, const config::PrometheusSettings& settings) {
    auto client = std::make_shared<prometheus::PrometheusClient>(clock, client_settings(settings));
    return [client, &clock](config::FleetSpec fleet) {
        return lint_queries(client, clock, std::move(fleet));
    };
}

QueryLint check_with_nothing() {
    return [](config::FleetSpec fleet) { return say_unchecked(std::move(fleet)); };
}

Observe observe_with(Clock& clock, const config::PrometheusSettings& settings) {
    auto client = std::make_shared<prometheus::PrometheusClient>(clock, client_settings(settings));
    auto feed = std::make_shared<ForecastFeed>(clock);
    return [client, feed](std::shared_ptr<const config::FleetSpec> spec,
                          scaler::Membership membership,
                          WallTime tick,
                          SteadyTime deadline) {
        return observe(client, feed, std::move(spec), std::move(membership), tick, deadline);
    };
}

}  // namespace muster::orchestrator
