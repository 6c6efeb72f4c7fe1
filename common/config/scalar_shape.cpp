#include "common/config/scalar_shape.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace muster::config {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool all_of(std::string_view text, std::string_view allowed) {
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

/// 0x1f, 0o17, 0b101, with underscores.
bool is_prefixed(std::string_view text) {
    if (text.size() < 3 || text[0] != '0') return false;
    const std::string_view digits = text.substr(2);
    switch (text[1]) {
        case 'x':
        case 'X':
            return all_of(digits, "0123456789abcdefABCDEF_");
        case 'o':
        case 'O':
            return all_of(digits, "01234567_");
        case 'b':
        case 'B':
            return all_of(digits, "01_");
        default:
            return false;
    }
}

/// Takes the leading digits and underscores off.
std::string_view take_digits(std::string_view& text) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789_"), text.size());
    const std::string_view digits = text.substr(0, end);
    text.remove_prefix(end);
    return digits;
}

bool has_digit(std::string_view text) {
    return std::ranges::any_of(text, is_digit);
}

/// 1.5, .5, 1., 1e3, 1_000.
bool is_float(std::string_view text) {
    bool digits = has_digit(take_digits(text));
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        digits = has_digit(take_digits(text)) || digits;
    }
    if (!digits) return false;
    if (text.empty()) return true;
    if (text[0] != 'e' && text[0] != 'E') return false;
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    return all_of(text, "0123456789");
}

/// 1:30, 1:30:15.5.
bool is_base_60(std::string_view text) {
    if (text.empty() || !is_digit(text[0])) return false;
    take_digits(text);
    bool parts = false;
    while (text.starts_with(':')) {
        text.remove_prefix(1);
        const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
        if (end == 0 || end > 2 || (end == 2 && text[0] > '5')) return false;
        text.remove_prefix(end);
        parts = true;
    }
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        take_digits(text);
    }
    return parts && text.empty();
}

/// 2026-1-31, with or without a time after it.
bool is_date(std::string_view text) {
    const auto number = [&](std::size_t least, std::size_t most) {
        const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
        text.remove_prefix(end);
        return end >= least && end <= most;
    };
    const auto dash = [&] {
        const bool found = text.starts_with('-');
        if (found) text.remove_prefix(1);
        return found;
    };
    if (!number(4, 4) || !dash() || !number(1, 2) || !dash() || !number(1, 2)) return false;
    return text.empty() || all_of(text, "Tt \t:.+-Zz0123456789");
}

}  // namespace

Shape shape_of(std::string_view text) {
    if (text.empty()) return Shape::word;
    const bool is_signed = text[0] == '+' || text[0] == '-';
    const std::string_view digits = text.substr(is_signed ? 1 : 0);
    if (all_of(digits, "0123456789")) {
        if (digits.size() > 1 && digits[0] == '0') return Shape::octal_looking;
        return text[0] == '+' ? Shape::other_number : Shape::whole;
    }
    if (is_base_60(digits)) return Shape::base_60;
    if (is_prefixed(digits) || is_float(digits)) return Shape::other_number;
    if (text == "true" || text == "false") return Shape::boolean;
    if (text.size() <= 5) {
        const std::string word = lower(text);
        constexpr std::array booleans = {"true", "false", "yes", "no", "on", "off", "y", "n"};
        if (std::ranges::find(booleans, word) != booleans.end()) return Shape::boolean_looking;
        if (word == ".nan" || lower(digits) == ".inf") return Shape::other_number;
    }
    return is_date(text) ? Shape::date : Shape::word;
}

}  // namespace muster::config
