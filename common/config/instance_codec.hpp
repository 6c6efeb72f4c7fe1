#pragma once

#include "common/config/field_writer.hpp"
#include "common/config/fleet_model.hpp"
#include "common/config/value.hpp"

#include <vector>

// What a fleet says of its instances: which there are, and how they are probed.
namespace muster::config {

/// Sorted by id.
[[nodiscard]] std::vector<FleetInstance> decode_instances(const Value& list);
[[nodiscard]] InstanceHealth decode_instance_health(const Value& value);

[[nodiscard]] json::array encode(const std::vector<FleetInstance>& instances, Verbosity verbosity);
[[nodiscard]] json::object encode(const InstanceHealth& health, Verbosity verbosity);

}  // namespace muster::config
