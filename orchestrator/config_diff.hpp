#pragma once

#include "common/config/fleet_model.hpp"
#include "common/config/model.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace muster::orchestrator {

inline constexpr std::size_t max_told_changes = 50;

/// What applying `after` over `before` changes, as sentences for people: "spec.check.rise: 2 -> 3",
/// "backend web-7 added". At most max_told_changes, the last of which then counts the rest. Pure.
[[nodiscard]] std::vector<std::string> describe_changes(const config::GroupSpec& before,
                                                        const config::GroupSpec& after);
/// "listener web: limits.connections: 0 -> 100", "listener web: route www.example.org/ to api
/// added".
[[nodiscard]] std::vector<std::string> describe_changes(const config::FleetSpec& before,
                                                        const config::FleetSpec& after);

}  // namespace muster::orchestrator
