#pragma once

#include "orchestrator/snapshot.hpp"

#include <chrono>
#include <string>
#include <string_view>

// Sentences about a backend: what it is, why, and what would change it. Pure.
namespace muster::orchestrator {

/// What a reason code means ("L4CON": "connection refused, or host or network unreachable").
/// Unknown codes explain themselves as "".
[[nodiscard]] std::string_view reason_text(std::string_view code);

/// "http GET /health, every 2s, timeout 1s, rise 2, fall 3".
[[nodiscard]] std::string check_summary(const config::CheckSpec& check);

/// "DOWN for 14 s: connection refused ... (L4CON)".
[[nodiscard]] std::string summary_of(const BackendRow& backend, WallTime now);

/// What changes the verdict next: "2 successes in a row make it UP; 1 so far".
[[nodiscard]] std::string next_step(const BackendRow& backend, const GroupRow& group, WallTime now);

/// How this backend is checked: as its group, or by fields of its own.
[[nodiscard]] const config::CheckSpec& check_for(const BackendRow& backend, const GroupRow& group);

/// "out of rotation: it is DOWN".
[[nodiscard]] std::string rotation_text(const BackendRow& backend, WallTime now);

/// "14 s", "3 min", "2 h 5 min", "9 d".
[[nodiscard]] std::string spoken(std::chrono::milliseconds span);

}  // namespace muster::orchestrator
