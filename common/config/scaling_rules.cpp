#include "common/config/scaling_rules.hpp"

#include "common/config/scaling_limits.hpp"

#include <algorithm>

namespace muster::config::rules {
namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Parts of letters, digits, _ + -, with / between them.
bool is_zone_path(std::string_view text) {
    bool at_start = true;
    for (const char c : text) {
        if (c == '/') {
            if (at_start) return false;
            at_start = true;
            continue;
        }
        const bool follows = is_digit(c) || std::string_view("_+-").contains(c);
        if (!is_letter(c) && (at_start || !follows)) return false;
        at_start = false;
    }
    return !at_start;
}

}  // namespace

std::string_view query(std::string_view text) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
        return "must be a PromQL query, such as sum(haproxy_frontend_current_sessions)";
    static_assert(bounds::query_bytes == 4096);
    if (text.size() > bounds::query_bytes) return "must be at most 4096 bytes long";
    return "";
}

std::string_view series_label(std::string_view text) {
    constexpr std::size_t longest = 128;
    const bool good =
        text.size() <= longest && (text.empty() || !is_digit(text[0])) &&
        std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
    if (good) return "";
    return "must be the name of a label: up to 128 of A-Z a-z 0-9 _, no digit first; or empty";
}

std::string_view time_zone(std::string_view text) {
    constexpr std::size_t longest = 64;
    if (text.size() <= longest && is_zone_path(text)) return "";
    return "must be the name of a time zone, such as UTC or Europe/Berlin";
}

std::string_view parameter_name(std::string_view text) {
    constexpr std::size_t longest = 63;
    const bool good = !text.empty() && text.size() <= longest && text[0] >= 'a' && text[0] <= 'z' &&
                      std::ranges::all_of(text, [](char c) {
                          return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_';
                      });
    if (good) return "";
    return "must be 1 to 63 of a-z 0-9 _ and begin with a letter";
}

std::string_view parameter_value(std::string_view text) {
    constexpr std::size_t longest = 1024;
    if (text.size() <= longest && text.find_first_of("\t\r\n") == std::string_view::npos) return "";
    return "must be one line of at most 1024 bytes, without tabs";
}

}  // namespace muster::config::rules
