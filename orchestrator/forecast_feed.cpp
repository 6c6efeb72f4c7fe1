#include "orchestrator/forecast_feed.hpp"

#include "common/observe/log.hpp"
#include "orchestrator/metric_source.hpp"
#include "scaler/spec_policy.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <variant>

namespace muster::orchestrator {

namespace {

namespace prometheus = scaler::prometheus;

constexpr std::chrono::seconds after_failure{60};

}  // namespace

asio::awaitable<void> ForecastFeed::fetch(prometheus::PrometheusClient& client,
                                          prometheus::MetricQuery query,
                                          scaler::SeriesShape shape,
                                          WallTime tick,
                                          SteadyTime deadline,
                                          std::shared_ptr<Past> past) {
    if (clock_.now() < past->rests_until) co_return;
    const auto window = scaler::next_window(past->series, shape, tick, most_steps_);
    if (!window) co_return;
    const std::string name = query.name;
    const auto answer = co_await client.ask_range(std::move(query), *window, deadline);
    if (!answer) {
        past->rests_until = clock_.now() + after_failure;
        if (!past->told)
            log::warn("forecast_history_failed",
                      {{"metric", name}, {"why", answer.error().detail}});
        past->told = true;
        co_return;
    }
    past->told = false;
    scaler::take(past->series, shape, *window, *answer);
    if (window->end == scaler::on_grid(tick, shape.step)) past->complete = true;
}

asio::awaitable<std::map<std::string, scaler::Series>> ForecastFeed::bring(
    prometheus::PrometheusClient& client,
    std::shared_ptr<const config::FleetSpec> spec,
    WallTime tick,
    SteadyTime deadline) {
    const scaler::Policy policy = scaler::policy_of(*spec->scaling);
    std::map<std::string, scaler::Series> told;
    std::set<std::string> wanted;
    const auto period = std::chrono::duration_cast<scaler::seconds>(spec->scaling->period);
    // A long past that comes slowly doesn't hold up the decision.
    deadline = std::min(deadline, clock_.now() + (deadline - clock_.now()) / 2);
    for (const prometheus::MetricQuery& query : queries_of(*spec->scaling)) {
        const auto metric =
            std::ranges::find(policy.metrics, query.name, &scaler::MetricPolicy::name);
        if (metric == policy.metrics.end()) continue;
        const auto* const forecast = std::get_if<scaler::ForecastPolicy>(&metric->rule);
        if (forecast == nullptr) continue;
        wanted.insert(query.name);
        auto& past = pasts_[{spec->name, query.name}];
        if (!past || past->query != query.query) past = std::make_shared<Past>(Past{query.query});
        const std::shared_ptr<Past> kept = past;
        co_await fetch(client, query, scaler::shape_of(*forecast, period), tick, deadline, kept);
        if (kept->complete) told.emplace(query.name, kept->series);
    }
    std::erase_if(pasts_, [&](const auto& past) {
        return past.first.first == spec->name && !wanted.contains(past.first.second);
    });
    co_return told;
}

}  // namespace muster::orchestrator
