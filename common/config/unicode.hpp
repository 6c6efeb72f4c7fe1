#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace muster::config {

struct BadByte {
    std::size_t offset = 0;
    std::string what;  ///< "is not UTF-8 (byte 0xff)"
};

/// The first byte that has no place in a text of ours: not UTF-8 (overlong forms and surrogates
/// included), a control character other than tab and line ends, or a byte order mark.
[[nodiscard]] std::optional<BadByte> find_bad_byte(std::string_view text);

/// Valid UTF-8: each byte that has no place becomes U+FFFD.
[[nodiscard]] std::string as_utf8(std::string_view text);

/// For a payload, a log or a page, of a text from anywhere: valid UTF-8 without control characters,
/// of at most `most` bytes (at least 16).
[[nodiscard]] std::string as_plain_text(std::string_view text, std::size_t most);

}  // namespace muster::config
