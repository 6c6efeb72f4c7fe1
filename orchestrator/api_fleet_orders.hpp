#pragma once

#include "orchestrator/api_body.hpp"
#include "orchestrator/commands.hpp"

#include <string>

// What the verbs of fleets that size themselves are sent. Input is hostile. Pure.
namespace muster::orchestrator {

/// {"kind": "all", "for": "30m", "reason": "..."}, all of it optional. What is wrong is in `body`.
[[nodiscard]] FleetPauseChange read_fleet_pause(const FleetName& fleet, BodyReader& body);

/// {"reason": "..."}
[[nodiscard]] std::string read_reason(BodyReader& body);

}  // namespace muster::orchestrator
