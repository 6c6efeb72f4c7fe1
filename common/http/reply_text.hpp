#pragma once

#include "common/base/clock.hpp"
#include "common/http/message.hpp"

#include <cstdint>
#include <string>

namespace muster::http {

enum class After : std::uint8_t { keep, close };

/// Status line and fields of a reply, with date, content-length and connection set by us; a field
/// that could break the framing (bad name, control characters in the value) is left out.
[[nodiscard]] std::string reply_head(const Response& response, WallTime now, After after);

/// The same for a reply without a known end.
[[nodiscard]] std::string stream_head(WallTime now);

}  // namespace muster::http
