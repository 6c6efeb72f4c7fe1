#include "common/config/decode.hpp"
#include "common/config/scalar_shape.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>

namespace muster::config {
namespace {

struct Unit {
    std::string_view name;
    Duration length;
};

/// Largest first: the only order in which they may follow one another.
constexpr std::array<Unit, 6> units = {{
    {"h", 1h},
    {"m", 1min},
    {"s", 1s},
    {"ms", 1ms},
    {"us", 1us},
    {"ns", 1ns},
}};

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
    if (text.empty()) return std::nullopt;
    Duration total{};
    auto unit = units.begin();
    while (!text.empty()) {
        std::int64_t number = 0;
        const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || text[0] == '-') return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
        const std::string_view name =
            text.substr(0, std::min(text.find_first_of("0123456789"), text.size()));
        while (unit != units.end() && unit->name != name) ++unit;
        if (unit == units.end()) return std::nullopt;
        text.remove_prefix(name.size());
        if (number > (Duration::max() - total) / unit->length) return std::nullopt;
        total += number * unit->length;
        ++unit;
    }
    return total;
}

std::string to_string(Duration duration) {
    if (duration == Duration::zero()) return "0s";
    // Never negated: the lowest duration has no positive counterpart.
    std::string text = duration < Duration::zero() ? "-" : "";
    for (const Unit& unit : units) {
        if (const auto number = duration / unit.length; number != 0) {
            fmt::format_to(std::back_inserter(text), "{}{}", std::abs(number), unit.name);
            duration -= number * unit.length;
        }
    }
    return text;
}

}  // namespace muster::config
