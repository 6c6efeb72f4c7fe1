#include "common/znodes/ejection.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace muster::znodes {

namespace {

using Milliseconds = std::chrono::milliseconds;

/// By how much the clocks of nodes and LBs may differ before an ejection looks senseless.
constexpr std::chrono::seconds skew{5};
/// More would count nothing: no base is so short that the longest ejection is not reached.
constexpr int most_times = 100'000;

constexpr std::array<std::pair<OutlierSign, std::string_view>, 4> words{{
    {OutlierSign::consecutive_5xx, "consecutive_5xx"},
    {OutlierSign::consecutive_gateway_failure, "consecutive_gateway_failure"},
    {OutlierSign::success_rate, "success_rate"},
    {OutlierSign::failure_percentage, "failure_percentage"},
}};

}  // namespace

std::string_view to_string(OutlierSign sign) {
    for (const auto& [known, word] : words) {
        if (known == sign) return word;
    }
    return "unknown";
}

std::optional<OutlierSign> outlier_sign(std::string_view word) {
    for (const auto& [sign, known] : words) {
        if (known == word) return sign;
    }
    return std::nullopt;
}

bool holds(const SharedValue<Ejection>& ejection, config::Duration longest, WallTime now) {
    if (!ejection || now >= ejection->until) return false;
    // In milliseconds: the end of time, which a payload may name, has too many nanoseconds.
    return ejection->until - now <= std::chrono::ceil<Milliseconds>(longest) + skew;
}

int times_left(const Ejection& ejection, config::Duration interval, WallTime now) {
    if (now <= ejection.until) return ejection.times;
    const auto step = std::max(Milliseconds(1), std::chrono::ceil<Milliseconds>(interval));
    const std::int64_t faded = (now - ejection.until) / step;
    return static_cast<int>(std::max<std::int64_t>(0, ejection.times - faded));
}

Ejection next_ejection(const SharedValue<Ejection>& before,
                       const config::OutlierSpec& outlier,
                       WallTime now) {
    const int times =
        std::min(most_times, 1 + (before ? times_left(*before, outlier.interval, now) : 0));
    const auto base = std::chrono::ceil<Milliseconds>(outlier.base_ejection_time);
    const auto most = std::chrono::ceil<Milliseconds>(outlier.max_ejection_time);
    return {.since = now, .until = now + std::min(base * times, most), .times = times};
}

}  // namespace muster::znodes
