#pragma once

#include <tl/expected.hpp>

#include <compare>
#include <cstdint>
#include <string_view>

// Exact numbers. Nothing of the scaler computes in floating point: no size depends on its rounding,
// and NaN and infinities have no representation.
namespace muster::scaler {

/// Products and sums of Micros.
__extension__ using Wide = __int128;

/// A decimal number in millionths: 2.5 is {2'500'000}. Range: +-9.2 * 10^12.
struct Micros {
    std::int64_t count = 0;
    auto operator<=>(const Micros&) const = default;
};

[[nodiscard]] constexpr Micros whole(std::int64_t units) {
    return {.count = units * 1'000'000};
}

/// Of positive divisors.
[[nodiscard]] constexpr Wide ceil_div(Wide dividend, Wide divisor) {
    const Wide quotient = dividend / divisor;
    return quotient + (dividend % divisor > 0 ? 1 : 0);
}

/// Sizes are ints; what is larger than any fleet stays larger than any maximum.
inline constexpr int largest_size = 10'000;
[[nodiscard]] constexpr int to_size(Wide size) {
    if (size < 0) return 0;
    return size > largest_size ? largest_size : static_cast<int>(size);
}

enum class Unreadable : std::uint8_t { not_a_number, infinite, malformed, out_of_range };

/// A number as Prometheus writes it ("0.25", "1e+06", "-3"), exact to a millionth; what is finer is
/// rounded up, so that no load is read as less than it is. "NaN", "+Inf" and "-Inf" are legal there
/// and refused here (reference/autoscaling.md, 1c.4).
[[nodiscard]] tl::expected<Micros, Unreadable> read_quantity(std::string_view text);

}  // namespace muster::scaler
