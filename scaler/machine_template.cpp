#include "scaler/machine_template.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster::scaler {

namespace {

bool is_made_of(std::string_view text, std::string_view others) {
    return std::ranges::all_of(text, [others](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               others.find(c) != std::string_view::npos;
    });
}

}  // namespace

tl::expected<std::string, std::string> fill_template(std::string_view text,
                                                     const PlaceholderValue& value) {
    std::string filled;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t open = text.find("${", at);
        if (open == std::string_view::npos) {
            filled += text.substr(at);
            break;
        }
        filled += text.substr(at, open - at);
        if (open > at && text[open - 1] == '$') {
            filled += "{";
            at = open + 2;
            continue;
        }
        const auto line = std::ranges::count(text.substr(0, open), '\n') + 1;
        const std::size_t close = text.find_first_of("}\n", open);
        if (close == std::string_view::npos || text[close] != '}')
            return tl::unexpected(fmt::format("line {}: a ${{ without its }}", line));
        const std::string_view name = text.substr(open + 2, close - open - 2);
        const auto known = value(name);
        if (!known) {
            return tl::unexpected(
                fmt::format("line {}: ${{{}}} is nothing that is known here", line, name));
        }
        filled += *known;
        at = close + 1;
    }
    return filled;
}

bool is_parameter_value(std::string_view text) {
    return text.size() <= 255 && is_made_of(text, "._:/@,+=%-");
}

bool is_machine_token(std::string_view text) {
    return !text.empty() && text.size() <= 128 && is_made_of(text, "._:-");
}

}  // namespace muster::scaler
