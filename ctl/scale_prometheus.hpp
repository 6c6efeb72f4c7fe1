#pragma once

#include "common/config/scaling_model.hpp"
#include "ctl/context.hpp"
#include "scaler/simulation_past.hpp"

#include <tl/expected.hpp>

#include <optional>
#include <string>
#include <vector>

namespace muster::ctl {

struct PrometheusPast {
    std::string url;
    std::vector<config::ScalingMetric> metrics;  ///< of the same name: the first counts
    std::optional<WallTime> from{};
    std::optional<WallTime> to{};  ///< absent: now
    std::chrono::seconds step{15};
};

/// What Prometheus has of the metrics. The error says which query it was.
[[nodiscard]] asio::awaitable<tl::expected<scaler::Past, std::string>> past_of_prometheus(
    Context& context, PrometheusPast wanted);

}  // namespace muster::ctl
