#pragma once

#include "common/config/scaling_model.hpp"
#include "ctl/context.hpp"
#include "scaler/simulation_past.hpp"

#include <tl/expected.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::ctl {

struct PrometheusPast {
    std::string url;
    std::vector<config::ScalingMetric> metrics;  ///< of the same name: the first counts
    std::vector<std::string> guards{};           ///< queries of one value
    std::optional<WallTime> from{};
    std::optional<WallTime> to{};  ///< absent: now
    std::chrono::seconds step{15};
};

struct KnownPast {
    scaler::Past past;
    std::map<std::string, std::vector<scaler::PastPoint>> guards{};  ///< by query
};

/// What Prometheus has of the metrics and guards. The error says which query it was.
[[nodiscard]] asio::awaitable<tl::expected<KnownPast, std::string>> past_of_prometheus(
    Context& context, PrometheusPast wanted);

}  // namespace muster::ctl
