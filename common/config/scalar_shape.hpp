#pragma once

#include "common/config/model.hpp"

#include <optional>
#include <string_view>

namespace muster::config {

/// What an unquoted YAML scalar looks like to the readers out there (1.1 and 1.2, with their
/// habits). We only take the forms on which all agree.
enum class Shape {
    word,
    whole,            ///< 0, 17, -3
    octal_looking,    ///< 017
    base_60,          ///< 1:30
    other_number,     ///< 0x1f, 1_000, +5, 1.5, 1e3, .inf
    boolean,          ///< true, false
    boolean_looking,  ///< yes, no, on, off, y, n, True, FALSE ...
    date,             ///< 2026-01-31
};
[[nodiscard]] Shape shape_of(std::string_view text);

/// "150ms", "1m30s": whole numbers with a unit of h, m, s, ms, us, ns, the larger units first.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);

}  // namespace muster::config
