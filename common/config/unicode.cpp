#include "common/config/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace muster::config {
namespace {

struct Character {
    std::uint32_t code = 0;
    std::size_t bytes = 0;  ///< 0 = not UTF-8
};

Character decode_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return {.code = lead, .bytes = 1};
    const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
    std::uint32_t code = lead & (0x7fU >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) return {};
        code = code << 6U | (byte(i) & 0x3fU);
    }
    const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (overlong || surrogate || code > 0x10ffff) return {};
    return {.code = code, .bytes = bytes};
}

bool is_control(std::uint32_t code) {
    if (code == '\t' || code == '\n' || code == '\r') return false;
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029;
}

}  // namespace

std::optional<BadByte> find_bad_byte(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const Character character = decode_character(text.substr(at));
        if (character.bytes == 0)
            return BadByte{
                at,
                fmt::format("is not UTF-8 (byte 0x{:02x})", static_cast<unsigned char>(text[at]))};
        if (is_control(character.code))
            return BadByte{at, fmt::format("is a control character (U+{:04X})", character.code)};
        if (character.code == 0xfeff)
            return BadByte{at, "is a byte order mark; write plain UTF-8 without one"};
        at += character.bytes;
    }
    return std::nullopt;
}

std::string as_utf8(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const std::size_t bytes = decode_character(text).bytes;
        result += bytes == 0 ? "\xEF\xBF\xBD" : text.substr(0, bytes);
        text.remove_prefix(std::max(bytes, 1UZ));
    }
    return result;
}

std::string as_plain_text(std::string_view text, std::size_t most) {
    std::string result;
    while (!text.empty()) {
        const Character character = decode_character(text);
        std::string_view shown = text.substr(0, character.bytes);
        if (character.bytes == 0) {
            shown = "\xEF\xBF\xBD";
        } else if (character.code < 0x20 || character.code == 0x7f) {
            shown = " ";
        }
        if (result.size() + shown.size() > most) break;
        result += shown;
        text.remove_prefix(std::max(character.bytes, 1UZ));
    }
    return result;
}

}  // namespace muster::config
