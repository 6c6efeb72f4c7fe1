#pragma once

#include "common/config/fleet_model.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// What is wrong with how a fleet is to be scaled, though each field by itself is right: told when
// it is applied. What no Prometheus is needed for; pure.
namespace muster::scaler {

enum class Severity : std::uint8_t {
    refused,  ///< it can't work, or would hurt
    warning,  ///< it may be meant
};

struct Finding {
    Severity severity = Severity::warning;
    std::string path;  ///< "spec.scaling.metrics[0].query"
    std::string what;  ///< what is wrong, and what would be right
    bool operator==(const Finding&) const = default;
};

/// What is known of the cluster. Absent: unknown, and nothing is held against it.
struct LintFacts {
    /// Each provider with the nodes that offer it.
    std::optional<std::map<std::string, std::set<std::string>>> providers{};
    /// What is wrong with the name of a time zone. Empty: unknown.
    std::function<std::optional<std::string>(std::string_view)> time_zone_problem{};
    /// For how long Prometheus keeps samples.
    std::chrono::seconds retention = std::chrono::hours{24 * 15};
};

/// Of a fleet that was decoded: its provider's, then its scaling's. Stored fleets are not held to
/// this, only what is applied: facts change.
///
/// Example: `rate(x[5m])` with a warm_up of 2m and scrapes every 15s: an LB's rate is whole after
/// 5 s of discovery + 2 scrapes + 5m = 5m35s, so till then its load is underrated: a warning.
[[nodiscard]] std::vector<Finding> lint(const config::FleetSpec& fleet, const LintFacts& facts);

/// Of one query, without a Prometheus; `path` is its place.
[[nodiscard]] std::vector<Finding> lint_query(const std::string& query, const std::string& path);

}  // namespace muster::scaler
