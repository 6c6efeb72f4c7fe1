#include "checker/reply_matches.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <compare>
#include <string>

namespace muster::checker {

namespace {

namespace json = boost::json;
using Compare = config::JsonMatch::Compare;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

/// The value of the next field of that name, which is taken off `header` with all before it.
std::optional<std::string_view> next_value(std::string_view& header, std::string_view name) {
    while (!header.empty()) {
        const std::size_t end = std::min(header.find("\r\n"), header.size());
        const std::string_view line = header.substr(0, end);
        header.remove_prefix(std::min(end + 2, header.size()));
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos && same_name(line.substr(0, colon), name))
            return trimmed(line.substr(colon + 1));
    }
    return std::nullopt;
}

bool field_holds(const config::HeaderMatch& match,
                 std::string_view header,
                 PatternCache& patterns) {
    bool present = false;
    bool found = false;
    while (const auto value = next_value(header, match.name)) {
        present = true;
        if (!match.value) continue;
        config::TextMatch positive = *match.value;
        positive.negate = false;
        found = found || holds(positive, *value, patterns);
    }
    if (match.absent) return !present;
    if (!match.value) return present;
    return found != match.value->negate;
}

/// Integers exactly, and as doubles where one of them is a fraction. None: not both numbers.
std::optional<std::partial_ordering> order(const json::value& a, const json::value& b) {
    if (!a.is_number() || !b.is_number()) return std::nullopt;
    if (a.is_double() || b.is_double()) return a.to_number<double>() <=> b.to_number<double>();
    if (a.is_int64() && b.is_int64()) return a.get_int64() <=> b.get_int64();
    if (a.is_uint64() && b.is_uint64()) return a.get_uint64() <=> b.get_uint64();
    // An unsigned one that is none of the signed ones is above them all.
    return a.is_uint64() ? std::partial_ordering::greater : std::partial_ordering::less;
}

bool equal(const json::value& a, const json::value& b) {
    if (const auto ordered = order(a, b)) return *ordered == std::partial_ordering::equivalent;
    return a == b;
}

bool value_holds(const config::JsonMatch& match, const json::value& document) {
    boost::system::error_code missing;
    const json::value* found = document.find_pointer(match.pointer, missing);
    if (missing || found == nullptr) return match.compare == Compare::absent;
    if (match.compare == Compare::exists) return true;
    if (match.compare == Compare::absent) return false;
    const json::value wanted = json::parse(match.value, missing);
    if (missing) return false;
    if (match.compare == Compare::equals) return equal(*found, wanted);
    if (match.compare == Compare::differs) return !equal(*found, wanted);
    const auto ordered = order(*found, wanted);
    if (!ordered) return false;
    switch (match.compare) {
        case Compare::less:
            return *ordered < 0;
        case Compare::at_most:
            return *ordered <= 0;
        case Compare::more:
            return *ordered > 0;
        case Compare::at_least:
            return *ordered >= 0;
        case Compare::exists:
        case Compare::absent:
        case Compare::equals:
        case Compare::differs:
            break;
    }
    return false;
}

}  // namespace

bool holds(const config::TextMatch& match, std::string_view text, PatternCache& patterns) {
    const bool found = match.regex ? patterns.matches(match.text, text)
                                   : text.find(match.text) != std::string_view::npos;
    return found != match.negate;
}

bool hold(const std::vector<config::HeaderMatch>& matches,
          std::string_view header,
          PatternCache& patterns) {
    return std::ranges::all_of(
        matches, [&](const auto& match) { return field_holds(match, header, patterns); });
}

std::optional<std::string_view> field_value(std::string_view header, std::string_view name) {
    return next_value(header, name);
}

bool hold(const std::vector<config::JsonMatch>& matches, std::string_view body) {
    if (matches.empty()) return true;
    // Most bodies need nothing from the heap.
    std::array<unsigned char, 16U * 1024U> buffer;
    json::monotonic_resource memory(buffer.data(), buffer.size());
    boost::system::error_code error;
    const json::value document =
        json::parse(json::string_view(body.data(), body.size()), error, &memory);
    if (error) return false;
    return std::ranges::all_of(matches,
                               [&](const auto& match) { return value_holds(match, document); });
}

}  // namespace muster::checker
