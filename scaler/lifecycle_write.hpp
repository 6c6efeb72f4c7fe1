#pragma once

#include "common/coordination/types.hpp"
#include "common/znodes/paths.hpp"
#include "scaler/lifecycle.hpp"

#include <cstdint>
#include <map>
#include <vector>

// A step as a transaction (DESIGN.md, 5). Pure.
namespace muster::scaler {

/// Versions of what a view was made of.
struct FleetVersions {
    std::int32_t epoch = 0;
    std::int32_t control = 0;
    std::int32_t spec = 0;  ///< of the fleet's head
    std::int32_t state = 0;
    std::int32_t pause = 0;
    std::map<InstanceId, std::int32_t> instances{};
    bool fleet_is_there = false;       ///< `fleets/<f>`
    bool pause_is_there = false;       ///< and its `pause`
    bool instances_are_there = false;  ///< and its `instances`
};

/// First the guard.
[[nodiscard]] std::vector<coordination::Op> multi_of(const znodes::Paths& paths,
                                                     const FleetName& fleet,
                                                     const FleetWrite& write,
                                                     const FleetVersions& versions);

}  // namespace muster::scaler
