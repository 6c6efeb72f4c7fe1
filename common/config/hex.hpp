#pragma once

#include <string>
#include <string_view>

// Bytes that a configuration writes as text where that is readable, else as hexadecimal digits.
namespace muster::config {

/// Of an even number of digits.
[[nodiscard]] std::string bytes_of(std::string_view hex);
[[nodiscard]] std::string hex_of(std::string_view bytes);
[[nodiscard]] bool is_readable(std::string_view bytes);

}  // namespace muster::config
