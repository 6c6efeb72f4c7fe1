#pragma once

#include "scaler/prometheus_client.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <string>
#include <vector>

// All metrics of one evaluation.
namespace muster::scaler::prometheus {

struct AskedQuery {
    std::string text;
    std::string digest;  ///< of the reply; empty: there was none
    std::size_t bytes = 0;
    bool operator==(const AskedQuery&) const = default;
};

/// From what a sample was made: for explain, and to look it up again.
struct MetricRecord {
    std::string name;
    std::string endpoint;
    std::vector<AskedQuery> asked;         ///< the query, its ages, its capacities
    std::vector<std::string> passed_over;  ///< endpoints that failed, and why
    MetricSample found;
    bool operator==(const MetricRecord&) const = default;
};

struct Collected {
    std::map<std::string, Sample> samples;  ///< one for each metric: Observations::samples
    std::vector<MetricRecord> records;      ///< in the order of the metrics
};

/// Metrics that are asked for at once; each is up to 3 queries, of which a Prometheus works on 20
/// as it comes.
inline constexpr std::size_t metrics_at_once = 4;

/// Ends by `deadline`; what is not there by then is a bad sample with its reason. Executor: the
/// awaiting coroutine's. `client` must outlive it.
[[nodiscard]] asio::awaitable<Collected> collect(PrometheusClient& client,
                                                 std::vector<MetricQuery> metrics,
                                                 Roster roster,
                                                 WallTime tick,
                                                 SteadyTime deadline);

}  // namespace muster::scaler::prometheus
