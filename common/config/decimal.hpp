#pragma once

#include "common/config/value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Exact decimal numbers of documents, in millionths. Floating point has no part in them.
namespace muster::config {

/// Both ends inclusive.
struct DecimalRange {
    std::int64_t least;
    std::int64_t most;
};

inline constexpr std::int64_t one_million = 1'000'000;
/// Of anything that is measured: +-10^12.
inline constexpr std::int64_t largest_decimal = one_million * one_million * one_million;

/// "0.25", "-3": digits, and up to 6 more behind a point. No exponent, nothing finer.
[[nodiscard]] std::optional<std::int64_t> parse_decimal(std::string_view text);

/// The shortest form; parse_decimal() gives the same number back.
[[nodiscard]] std::string to_decimal(std::int64_t millionths);

/// A number, with or without quotes, in the shortest form.
[[nodiscard]] std::optional<std::string> read_decimal(const Value& value, DecimalRange range);
void read_decimal(const Fields& fields,
                  std::string_view name,
                  std::string& into,
                  DecimalRange range);

/// As read_duration(), of whole seconds.
void read_seconds(const Fields& fields, std::string_view name, Duration& into, DurationRange range);

}  // namespace muster::config
