#pragma once

#include "common/config/scaling_model.hpp"
#include "scaler/policy.hpp"

namespace muster::scaler {

/// What users write, as the decision core takes it. Pure; of specs that were decoded.
[[nodiscard]] Policy policy_of(const config::ScalingSpec& spec);

}  // namespace muster::scaler
