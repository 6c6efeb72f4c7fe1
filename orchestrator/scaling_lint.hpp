#pragma once

#include "common/config/fleet_model.hpp"
#include "common/follow/cluster_view.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// What is said of a fleet's scaling when it is applied: "spec.scaling.warm_up: ...".
struct ScalingLint {
    std::vector<std::string> refusals;  ///< empty: it is taken
    std::vector<std::string> warnings;
    bool operator==(const ScalingLint&) const = default;
};

/// What Prometheus says of a fleet's queries. Ends within some seconds.
using QueryLint = std::function<boost::asio::awaitable<ScalingLint>(config::FleetSpec fleet)>;

/// Against what the members of the cluster offer. Of a fleet without scaling: nothing. Pure but for
/// the host's time zones.
[[nodiscard]] ScalingLint lint_scaling(const config::FleetSpec& fleet,
                                       const follow::ClusterView& view);

}  // namespace muster::orchestrator
