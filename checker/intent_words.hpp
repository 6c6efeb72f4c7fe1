#pragma once

#include "common/znodes/intent.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

// What backends say of themselves: the words of HAProxy's agent-check protocol (its configuration
// manual, `agent-check`), wherever they come from. Pure; input is hostile.
namespace muster::checker {

struct IntentWords {
    znodes::Intent intent;
    std::optional<std::chrono::milliseconds> ttl;
    bool operator==(const IntentWords&) const = default;
};

/// Of one line, separated by blanks and commas: "75%", "maxconn:30", "up", "down", "failed", "fail"
/// or "stopped", "ready", "drain", "maint", "degraded", "ttl:30s" or "ttl:500ms", and a reason
/// after
/// #. What is not known is passed over. Nothing when nothing is known.
[[nodiscard]] std::optional<IntentWords> parse_intent(std::string_view line);

/// The value at an RFC 6901 pointer of a JSON body: such a line as a string, or a map of state
/// (those words), weight (percent), maxconn, reason, ttl (seconds).
[[nodiscard]] std::optional<IntentWords> parse_intent_json(std::string_view body,
                                                           std::string_view pointer);

/// Agents say what changes: what they have not said this time stays as it was ("75%" after "drain"
/// still drains).
[[nodiscard]] znodes::Intent merged(const znodes::Intent& before, const znodes::Intent& said);

}  // namespace muster::checker
