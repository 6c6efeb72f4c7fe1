#include "orchestrator/api_text.hpp"

#include <boost/json/serialize.hpp>

#include <cstddef>
#include <cstdint>

namespace muster::orchestrator {
namespace {

/// Length of the well-formed sequence at the start of `text` (Unicode, table 3-7); 0 = none.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t first = byte(0);
    if (first < 0x80) return 1;
    std::size_t length = 0;
    std::uint8_t lowest = 0x80;   // of the second byte: no overlong forms, no surrogates,
    std::uint8_t highest = 0xBF;  // nothing above U+10FFFF
    if (first >= 0xC2 && first <= 0xDF) length = 2;
    if (first >= 0xE0 && first <= 0xEF) length = 3;
    if (first >= 0xF0 && first <= 0xF4) length = 4;
    if (first == 0xE0) lowest = 0xA0;
    if (first == 0xED) highest = 0x9F;
    if (first == 0xF0) lowest = 0x90;
    if (first == 0xF4) highest = 0x8F;
    if (length == 0 || text.size() < length) return 0;
    if (byte(1) < lowest || byte(1) > highest) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return 0;
    }
    return length;
}

}  // namespace

std::string as_utf8(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        if (length == 0) {
            result += "\xEF\xBF\xBD";
            text.remove_prefix(1);
            continue;
        }
        result += text.substr(0, length);
        text.remove_prefix(length);
    }
    return result;
}

std::string serialized(const boost::json::value& value) {
    const std::string text = as_utf8(boost::json::serialize(value));
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        // "/" may be written "\/" in a string, and "<" occurs nowhere else.
        if (c == '/' && result.ends_with('<')) result += '\\';
        result += c;
    }
    return result;
}

std::string escape_html(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&':
                result += "&amp;";
                break;
            case '<':
                result += "&lt;";
                break;
            case '>':
                result += "&gt;";
                break;
            case '"':
                result += "&quot;";
                break;
            case '\'':
                result += "&#39;";
                break;
            default:
                result += c;
        }
    }
    return result;
}

}  // namespace muster::orchestrator
