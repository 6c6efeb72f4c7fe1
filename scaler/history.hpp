#pragma once

#include "common/base/clock.hpp"
#include "scaler/quantity.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// What the next decision must know of the past. Values only; all of it is bounded.
namespace muster::scaler {

struct Recommendation {
    WallTime at{};
    int size = 0;
    bool operator==(const Recommendation&) const = default;
};

struct ScaleEvent {
    WallTime at{};
    int added = 0;
    int removed = 0;
    bool operator==(const ScaleEvent&) const = default;
};

struct TrendPoint {
    WallTime at{};
    Micros value{};
    bool operator==(const TrendPoint&) const = default;
};

/// Of one watched value (trends.hpp): at most trend_points.
struct TrendHistory {
    std::vector<TrendPoint> points{};        ///< oldest first; none of a rise
    std::optional<WallTime> rising_since{};  ///< without a break
    bool operator==(const TrendHistory&) const = default;
};

struct TrendHistories {
    TrendHistory errors{};
    TrendHistory latency{};
    TrendHistory unhealthy{};
    bool operator==(const TrendHistories&) const = default;
};

inline constexpr int trend_points = 30;

/// Growth whose effect isn't known yet (effectiveness.hpp).
struct GrowthTrial {
    std::string metric;  ///< that asked for it
    WallTime at{};
    int before = 0;
    int after = 0;
    Micros level{};  ///< of the metric, the last without the new instances
    bool operator==(const GrowthTrial&) const = default;
};

struct Effectiveness {
    std::optional<GrowthTrial> trial{};
    int fruitless = 0;  ///< trials in a row that didn't help
    std::optional<WallTime> held_until{};
    bool operator==(const Effectiveness&) const = default;
};

struct Prediction {
    WallTime due{};
    Micros value{};
    bool operator==(const Prediction&) const = default;
};

/// Of one forecast policy (forecast.hpp): at most most_predictions.
struct ForecastState {
    bool active = false;                ///< false: it observes only
    std::optional<WallTime> made{};     ///< the step of time that `peak` was made for
    Micros peak{};                      ///< the highest value expected in the time ahead
    std::vector<Prediction> pending{};  ///< oldest first
    int measured = 0;                   ///< predictions behind `error_ppm`, since the last verdict
    std::int64_t error_ppm = 0;         ///< running mean
    bool operator==(const ForecastState&) const = default;
};

inline constexpr std::size_t most_predictions = 64;

/// What windows are made of. Kept in ZooKeeper, so that a new master goes on as the old one would
/// have (reference/autoscaling.md, 3.5). Oldest first; at most `ring_limit` of each.
struct History {
    /// Recommendations that no younger one is as large as: all that a largest of any window can be.
    std::vector<Recommendation> peaks{};
    /// The same of the smallest.
    std::vector<Recommendation> troughs{};
    std::vector<ScaleEvent> events{};
    std::optional<WallTime> last{};  ///< evaluation
    TrendHistories trends{};
    Effectiveness growth{};
    std::map<std::string, ForecastState> forecasts{};  ///< by the metric's name
    bool operator==(const History&) const = default;
};

inline constexpr std::size_t ring_limit = 240;

}  // namespace muster::scaler
