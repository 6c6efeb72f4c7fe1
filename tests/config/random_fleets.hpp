#pragma once

#include "common/config/fleet_model.hpp"

#include <random>

namespace muster::config {

/// As random_group(): every field at its default or anywhere within its bounds.
[[nodiscard]] FleetSpec random_fleet(std::mt19937_64& random);

}  // namespace muster::config
