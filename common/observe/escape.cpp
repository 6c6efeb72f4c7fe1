#include "common/observe/escape.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace muster::log {

namespace {

struct CodePoint {
    std::uint32_t value = 0;
    std::size_t length = 0;  ///< in bytes; 0 = not UTF-8
};

/// Shortest form only, no surrogates, at most U+10FFFF.
CodePoint decode(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t first = byte(0);
    if (first < 0x80) return {.value = first, .length = 1};
    std::size_t length = 0;
    std::uint32_t value = 0;
    std::uint32_t smallest = 0;
    if ((first & 0xe0U) == 0xc0U) {
        length = 2, value = first & 0x1fU, smallest = 0x80;
    } else if ((first & 0xf0U) == 0xe0U) {
        length = 3, value = first & 0x0fU, smallest = 0x800;
    } else if ((first & 0xf8U) == 0xf0U) {
        length = 4, value = first & 0x07U, smallest = 0x10000;
    }
    if (length == 0 || length > text.size()) return {};
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80U) return {};
        value = (value << 6U) | (byte(i) & 0x3fU);
    }
    const bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < smallest || value > 0x10ffff || surrogate) return {};
    return {.value = value, .length = length};
}

bool must_escape(std::uint32_t c) {
    const bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
    const bool line_end = c == 0x2028 || c == 0x2029;
    const bool direction = (c >= 0x200e && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
                           (c >= 0x2066 && c <= 0x2069);
    return control || line_end || direction;
}

}  // namespace

void append_escaped(std::string& out, std::string_view text, std::size_t max) {
    std::size_t at = 0;
    while (at < text.size() && at < max) {
        const CodePoint c = decode(text.substr(at));
        if (c.length == 0) {
            out += "\\ufffd";
            ++at;
            continue;
        }
        if (c.value == '"' || c.value == '\\') {
            out += '\\';
            out += static_cast<char>(c.value);
        } else if (c.value == '\n') {
            out += "\\n";
        } else if (must_escape(c.value)) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", c.value);
        } else {
            out.append(text.substr(at, c.length));
        }
        at += c.length;
    }
    if (at < text.size()) {
        fmt::format_to(std::back_inserter(out), "... ({} bytes cut)", text.size() - at);
    }
}

}  // namespace muster::log
