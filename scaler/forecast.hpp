#pragma once

#include "scaler/history.hpp"
#include "scaler/observations.hpp"
#include "scaler/policy.hpp"

#include <optional>

// What the past seasons say of the time ahead (reference/autoscaling.md, 6.8). Pure.
namespace muster::scaler {

/// What is expected at `time`, from values before `now` alone: the percentile of those at the same
/// time of the past seasons, times the trend. The trend is how the last values stand to what the
/// seasons before would have said of them: the larger of the median of the last few (a rush is
/// seen at once) and of half a season (an outage's dip is not), within [3/4, 3/2].
/// Absent: less than 2 past seasons (of a policy with 1: less than 1) have a value for that time,
/// or nothing is known of the last half season.
[[nodiscard]] std::optional<Micros> forecast(const ForecastPolicy& policy,
                                             const Series& series,
                                             WallTime now,
                                             WallTime time);

/// A forecast is trusted when it has been right: its error is the running mean over a quarter of a
/// season of |predicted - came| / the larger of both, counted up to a half each (an hour of outage
/// isn't worse than an hour of being half wrong). Measured for a whole season at 15 % or less: it
/// acts. Above 25 %: it observes only, and begins to measure anew.
inline constexpr std::int64_t promoted_ppm = 150'000;
inline constexpr std::int64_t demoted_ppm = 250'000;

/// Without values for so long a forecast that acts observes only.
inline constexpr seconds longest_blindness{3600};

struct ForecastStep {
    ForecastState next{};
    std::optional<Micros> peak{};  ///< the highest value expected in [now, now + ahead]
    bool blind = false;            ///< it acts, and can't say anything: nothing may be lowered
    bool operator==(const ForecastStep&) const = default;
};

/// Once a step of the series, at its UTC multiples: predicts, and measures what it predicted.
[[nodiscard]] ForecastStep observe_forecast(const ForecastPolicy& policy,
                                            const ForecastState& was,
                                            const Series* series,
                                            WallTime now);

}  // namespace muster::scaler
