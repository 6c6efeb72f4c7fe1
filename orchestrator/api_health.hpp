#pragma once

#include "common/http/message.hpp"
#include "orchestrator/api_json.hpp"
#include "orchestrator/api_routes.hpp"

#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// The control loop publishes a snapshot at least once a second; after this silence it hangs.
inline constexpr std::chrono::seconds control_loop_limit{10};

struct HealthCheck {
    enum class Outcome { ok, degraded, failed };
    std::string name;
    Outcome outcome = Outcome::ok;
    std::string text;  ///< of what is not ok
    bool operator==(const HealthCheck&) const = default;
};

/// What the probes of a supervisor ask. `started` stands in while there is no snapshot yet. Pure.
[[nodiscard]] std::vector<HealthCheck> live_checks(const std::optional<View>& view,
                                                   SteadyTime started,
                                                   SteadyTime now);
[[nodiscard]] std::vector<HealthCheck> ready_checks(const std::optional<View>& view,
                                                    SteadyTime started,
                                                    SteadyTime now);

/// 200 or 503 as text; `?verbose` lists the checks, `?exclude=NAME` leaves one out.
[[nodiscard]] http::Response answer_health(std::vector<HealthCheck> checks,
                                           const http::Request& request);

}  // namespace muster::orchestrator
