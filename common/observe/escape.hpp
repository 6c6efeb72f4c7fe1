#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace muster::log {

/// Appends `text` so that it can stand between double quotes in JSON, and on a terminal: quotes,
/// backslashes and everything that could end the line, move the cursor or turn the reading
/// direction become escapes, bytes that are not UTF-8 become U+FFFD. After `max` bytes of the
/// input it says how many were cut.
void append_escaped(std::string& out, std::string_view text, std::size_t max);

}  // namespace muster::log
