#pragma once

#include "common/config/fleet_model.hpp"
#include "common/config/value.hpp"

namespace muster::config {

/// The `spec` of a fleet; its name is the caller's. Fields that are wrong keep their default.
[[nodiscard]] FleetSpec decode_fleet_spec(const Value& spec);

}  // namespace muster::config
