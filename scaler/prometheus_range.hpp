#pragma once

#include "scaler/prometheus_reply.hpp"

#include <cstddef>
#include <string>
#include <vector>

// What a metric was over a time: the answers to /api/v1/query_range. Pure.
namespace muster::scaler::prometheus {

/// start, start + step, ... up to end; whole seconds.
struct RangeWindow {
    WallTime start{};
    WallTime end{};
    seconds step{15};
    bool operator==(const RangeWindow&) const = default;
};

/// Prometheus refuses more than 11,000 steps in one query.
inline constexpr std::size_t most_steps_at_once = 10'000;
/// Of a whole history: 12 weeks of 15 s.
inline constexpr std::size_t most_steps = 500'000;

/// 0: the window is empty or its step isn't above 0.
[[nodiscard]] std::size_t steps_of(const RangeWindow& window);
/// Windows of at most `most` steps that make the whole, in order.
[[nodiscard]] std::vector<RangeWindow> sliced(const RangeWindow& window,
                                              std::size_t most = most_steps_at_once);

struct RangePoint {
    WallTime at{};
    Micros value;
    int series = 1;  ///< of how many it was reduced: fewer than before may be less than it was
    bool operator==(const RangePoint&) const = default;
};

struct RangeSeries {
    std::string instance;            ///< empty: of the fleet
    std::vector<RangePoint> points;  ///< rising in time; where there was none, there is none
    bool operator==(const RangeSeries&) const = default;
};

struct RangeAnswer {
    std::vector<RangeSeries> series;  ///< by instance
    std::size_t unusable = 0;         ///< points that are NaN, negative, ...: left out
    std::vector<std::string> warnings{};
    bool operator==(const RangeAnswer&) const = default;
};

/// By scope and reducer of `query`; instances that are gone by now are part of history, so no
/// series is a stranger's. Of times that weren't asked for: Flaw::wrong_time.
[[nodiscard]] tl::expected<RangeAnswer, Defect> range_of_answer(const MetricQuery& query,
                                                                const RangeWindow& window,
                                                                const Read& answer);

/// Puts the answer of the next slice behind those of the ones before.
void append(RangeAnswer& whole, RangeAnswer next);

}  // namespace muster::scaler::prometheus
