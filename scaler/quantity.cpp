#include "scaler/quantity.hpp"

#include <algorithm>
#include <limits>

namespace muster::scaler {
namespace {

constexpr std::size_t longest_text = 400;  // strconv writes the largest double in 309 digits
constexpr int kept_digits = 30;

bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

/// digits * 10^exponent, and something more after it if `more`.
struct Decimal {
    Wide digits = 0;
    int kept = 0;
    int exponent = 0;
    bool more = false;

    void add(char letter, bool fraction) {
        if (kept >= kept_digits) {
            more = more || letter != '0';
            if (!fraction) ++exponent;
            return;
        }
        digits = digits * 10 + (letter - '0');
        if (digits != 0) ++kept;
        if (fraction) --exponent;
    }
};

tl::expected<Micros, Unreadable> rounded_up(Decimal number, bool negative) {
    constexpr auto largest = std::numeric_limits<std::int64_t>::max();
    Wide value = number.digits;
    int shift = number.exponent + 6;
    for (; shift > 0 && value != 0; --shift) {
        value *= 10;
        if (value > largest) return tl::unexpected(Unreadable::out_of_range);
    }
    bool more = number.more;
    for (; shift < 0 && value != 0; ++shift) {
        more = more || value % 10 != 0;
        value /= 10;
    }
    if (more && !negative) ++value;
    if (value > largest) return tl::unexpected(Unreadable::out_of_range);
    const auto count = static_cast<std::int64_t>(value);
    return Micros{.count = negative ? -count : count};
}

}  // namespace

tl::expected<Micros, Unreadable> read_quantity(std::string_view text) {
    if (text.size() > longest_text) return tl::unexpected(Unreadable::malformed);
    if (text == "NaN") return tl::unexpected(Unreadable::not_a_number);
    if (text == "+Inf" || text == "-Inf" || text == "Inf")
        return tl::unexpected(Unreadable::infinite);
    bool negative = false;
    const auto sign = [&text](bool& minus) {
        if (text.empty() || (text.front() != '-' && text.front() != '+')) return;
        minus = text.front() == '-';
        text.remove_prefix(1);
    };
    sign(negative);
    Decimal number;
    bool any = false;
    const auto digits = [&](bool fraction) {
        for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), any = true)
            number.add(text.front(), fraction);
    };
    digits(false);
    if (!text.empty() && text.front() == '.') {
        text.remove_prefix(1);
        digits(true);
    }
    if (!any) return tl::unexpected(Unreadable::malformed);
    if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
        text.remove_prefix(1);
        bool small = false;
        sign(small);
        if (text.empty()) return tl::unexpected(Unreadable::malformed);
        int exponent = 0;
        for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1))
            exponent = std::min(exponent * 10 + (text.front() - '0'), 100'000);
        number.exponent += small ? -exponent : exponent;
    }
    if (!text.empty()) return tl::unexpected(Unreadable::malformed);
    return rounded_up(number, negative);
}

}  // namespace muster::scaler
