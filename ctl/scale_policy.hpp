#pragma once

#include "common/config/scaling_model.hpp"
#include "ctl/scale.hpp"
#include "scaler/policy.hpp"

#include <tl/expected.hpp>

#include <string>

namespace muster::ctl {

/// The policy of a fleet in a document.
struct FleetPolicy {
    std::string fleet;
    config::ScalingSpec spec;
    scaler::Policy policy;
};

/// `fleet`: which one; empty: the only one that says how many LBs it has. The error is of lines.
[[nodiscard]] tl::expected<FleetPolicy, std::string> read_policy(const NamedText& document,
                                                                 const std::string& fleet);

}  // namespace muster::ctl
