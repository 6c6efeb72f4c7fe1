#pragma once

#include "common/base/clock.hpp"
#include "scaler/decision.hpp"
#include "scaler/observations.hpp"

#include <optional>
#include <string>
#include <string_view>

// How the scaler's values are written where people and recordings read them. Pure.
namespace muster::scaler {

/// Exact: "520", "0.25", "-3.000001". read_quantity() gives the same value back.
[[nodiscard]] std::string decimal(Micros value);

/// RFC 3339 in UTC, "2026-03-01T12:00:00Z"; with ".250" where there are milliseconds.
[[nodiscard]] std::string time_text(WallTime time);
/// The same back; years 1970 to 9999. Nothing: it isn't one.
[[nodiscard]] std::optional<WallTime> read_time(std::string_view text);

/// "15 s", "5 min", "2 h", "7 d": the largest unit that is exact.
[[nodiscard]] std::string span_text(std::chrono::seconds span);

/// The first 16 hexadecimal digits of SHA-256.
[[nodiscard]] std::string short_hash(std::string_view text);

[[nodiscard]] std::string_view word_of(Cause cause);
[[nodiscard]] std::string_view word_of(Phase phase);
[[nodiscard]] std::string_view word_of(Quality quality);
[[nodiscard]] std::string_view word_of(Flaw flaw);
[[nodiscard]] std::string_view word_of(Trend trend);
[[nodiscard]] std::string_view word_of(Pause pause);

/// What word_of() answers for a value that is none.
inline constexpr std::string_view no_word = "unknown value";

/// The value that has this word; nothing: none has.
template <class Enumeration>
[[nodiscard]] std::optional<Enumeration> from_word(std::string_view word) {
    for (int number = 0;; ++number) {
        const auto value = static_cast<Enumeration>(number);
        if (word_of(value) == no_word) return std::nullopt;
        if (word_of(value) == word) return value;
    }
}

}  // namespace muster::scaler
