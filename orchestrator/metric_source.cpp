#include "orchestrator/metric_source.hpp"

#include "scaler/prometheus_client.hpp"

#include <chrono>
#include <memory>
#include <utility>
#include <variant>

namespace muster::orchestrator {

namespace {

namespace prometheus = scaler::prometheus;

/// No metric can be called that.
constexpr const char* errors = "@errors";
constexpr const char* latency = "@latency";

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
    co_return observed;
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
             .max_age = std::chrono::duration_cast<std::chrono::seconds>(metric.max_age)});
    }
    // What is watched may be of anything: of the backends, or of clients.
    if (scaling.errors)
        queries.push_back({.name = errors, .query = scaling.errors->query, .instance_label = {}});
    if (scaling.latency)
        queries.push_back({.name = latency, .query = scaling.latency->query, .instance_label = {}});
    return queries;
}

Observe observe_with(Clock& clock, const config::PrometheusSettings& settings) {
    auto client = std::make_shared<prometheus::PrometheusClient>(clock, client_settings(settings));
    return [client](std::shared_ptr<const config::FleetSpec> spec,
                    scaler::Membership membership,
                    WallTime tick,
                    SteadyTime deadline) {
        return observe(client, std::move(spec), std::move(membership), tick, deadline);
    };
}

}  // namespace muster::orchestrator
