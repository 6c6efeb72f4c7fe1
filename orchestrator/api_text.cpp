#include "orchestrator/api_text.hpp"

#include "common/config/unicode.hpp"

#include <boost/json/serialize.hpp>

#include <cstddef>

namespace muster::orchestrator {
std::string serialized(const boost::json::value& value) {
    const std::string text = config::as_utf8(boost::json::serialize(value));
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
