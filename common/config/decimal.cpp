#include "common/config/decimal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace muster::config {
namespace {

constexpr std::size_t fraction_digits = 6;

bool are_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<std::int64_t> parse_decimal(std::string_view text) {
    const bool is_negative = text.starts_with('-');
    if (is_negative) text.remove_prefix(1);
    const std::size_t point = std::min(text.find('.'), text.size());
    const std::string_view whole = text.substr(0, point);
    std::string digits(whole);
    if (point < text.size()) {
        const std::string_view fraction = text.substr(point + 1);
        if (!are_digits(fraction) || fraction.size() > fraction_digits) return std::nullopt;
        digits += fraction;
        digits.append(fraction_digits - fraction.size(), '0');
    } else {
        digits.append(fraction_digits, '0');
    }
    constexpr std::size_t longest = 13;  // of the whole part: 10^12 has 13
    if (!are_digits(whole) || whole.size() > longest) return std::nullopt;
    if (whole.size() > 1 && whole.starts_with('0')) return std::nullopt;
    std::int64_t number = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (read.ec != std::errc{} || number > largest_decimal) return std::nullopt;
    return is_negative ? -number : number;
}

std::string to_decimal(std::int64_t millionths) {
    const std::int64_t positive = std::abs(millionths);
    std::string text = fmt::format(
        "{}{}.{:06}", millionths < 0 ? "-" : "", positive / one_million, positive % one_million);
    text.resize(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text;
}

std::optional<std::string> read_decimal(const Value& value, DecimalRange range) {
    const Node& node = value.node();
    const auto number = node.is_scalar() ? parse_decimal(node.text) : std::nullopt;
    if (number && *number >= range.least && *number <= range.most) return to_decimal(*number);
    value.refuse_type(
        fmt::format("a number from {} to {}, such as 100 or 0.25, with at most {} "
                    "digits behind the point",
                    to_decimal(range.least),
                    to_decimal(range.most),
                    fraction_digits));
    return std::nullopt;
}

void read_decimal(const Fields& fields,
                  std::string_view name,
                  std::string& into,
                  DecimalRange range) {
    if (const auto value = fields.find(name)) {
        if (auto number = read_decimal(*value, range)) into = std::move(*number);
    }
}

void read_seconds(const Fields& fields,
                  std::string_view name,
                  Duration& into,
                  DurationRange range) {
    const auto value = fields.find(name);
    if (!value) return;
    const auto duration = read_duration(*value, range);
    if (!duration) return;
    if (*duration % 1s != Duration::zero()) {
        value->refuse(fmt::format("is {}; must be whole seconds", to_string(*duration)));
        return;
    }
    into = *duration;
}

}  // namespace muster::config
