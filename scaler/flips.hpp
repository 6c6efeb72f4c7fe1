#pragma once

#include "scaler/decide.hpp"

#include <optional>
#include <string>
#include <vector>

// What would have decided otherwise (reference/autoscaling.md, 6.2).
namespace muster::scaler {

/// Of one metric, all else as it was. Of a metric of instances the values are of each that reports,
/// all alike.
struct Flip {
    std::string metric;
    std::optional<Micros> raises_from{};  ///< the smallest value with which the size is larger
    std::optional<Micros> lowers_to{};    ///< the largest value with which it is smaller
    bool operator==(const Flip&) const = default;
};

/// Exact to a millionth: by bisection of decide(), which must be monotone in the metric. So mode
/// muster, targets, and steps whose sizes rise; none for other rules or where the sample is
/// unusable. Values up to 10^10 (of instances) or 9 * 10^12. Costs some 130 decisions for each
/// metric: for people who ask, not for each tick.
///
/// Example: 4 instances of 100 each, tolerance 0.1, total 400: raises_from 440.000001, lowers_to
/// 300; between 300 and 360 ceil() still makes 4.
[[nodiscard]] std::vector<Flip> flips(const Policy& policy,
                                      const History& history,
                                      const Observations& observed,
                                      const Membership& membership,
                                      WallTime now);

}  // namespace muster::scaler
