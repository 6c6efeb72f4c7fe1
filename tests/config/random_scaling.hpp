#pragma once

#include "common/config/scaling_model.hpp"
#include "tests/config/dice.hpp"

namespace muster::config {

/// Parts of random_fleet().
[[nodiscard]] ScalingSpec random_scaling(Dice& dice);
[[nodiscard]] FleetProvider random_provider(Dice& dice);

}  // namespace muster::config
