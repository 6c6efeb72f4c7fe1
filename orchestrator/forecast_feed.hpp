#pragma once

#include "common/base/clock.hpp"
#include "common/config/fleet_model.hpp"
#include "scaler/forecast_series.hpp"
#include "scaler/prometheus_client.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace muster::orchestrator {

namespace asio = boost::asio;

/// The pasts of metrics that forecasts look at, out of Prometheus. At first they are weeks: fetched
/// in pieces, a piece an evaluation, and told when all is there; then a value a minute. What fails
/// is asked for again a minute later. Executor: the control executor; one call for a fleet at a
/// time.
class ForecastFeed {
 public:
    /// `most_steps`: values of one request.
    explicit ForecastFeed(Clock& clock,
                          std::size_t most_steps = scaler::prometheus::most_steps_at_once)
        : clock_(clock), most_steps_(most_steps) {}

    /// Brings the pasts of the fleet's forecasts up to `tick`, as far as the deadline allows, and
    /// returns those that have once been complete, by the metric's name.
    [[nodiscard]] asio::awaitable<std::map<std::string, scaler::Series>> bring(
        scaler::prometheus::PrometheusClient& client,
        std::shared_ptr<const config::FleetSpec> spec,
        WallTime tick,
        SteadyTime deadline);

 private:
    struct Past {
        std::string query;
        scaler::Series series;
        bool complete = false;
        SteadyTime rests_until{};
        bool told = false;  ///< that it fails
    };
    asio::awaitable<void> fetch(scaler::prometheus::PrometheusClient& client,
                                scaler::prometheus::MetricQuery query,
                                scaler::SeriesShape shape,
                                WallTime tick,
                                SteadyTime deadline,
                                std::shared_ptr<Past> past);

    Clock& clock_;
    std::size_t most_steps_;
    std::map<std::pair<FleetName, std::string>, std::shared_ptr<Past>> pasts_;
};

}  // namespace muster::orchestrator
