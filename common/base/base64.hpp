#pragma once

#include <optional>
#include <string>
#include <string_view>

// RFC 4648, section 4: with padding.
namespace muster {

[[nodiscard]] std::string to_base64(std::string_view bytes);

/// Nothing: it isn't that.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace muster
