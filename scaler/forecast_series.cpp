#include "scaler/forecast_series.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace muster::scaler {
namespace {

using std::chrono::milliseconds;

/// 70 days of minutes; a forecast takes no longer series than twice that.
constexpr std::int64_t longest = 100'000;
constexpr std::int64_t room = std::numeric_limits<std::int64_t>::max();

void trim(Series& series, const SeriesShape& shape) {
    if (series.values.size() <= shape.most) return;
    const auto over = static_cast<std::ptrdiff_t>(series.values.size() - shape.most);
    series.values.erase(series.values.begin(), series.values.begin() + over);
}

}  // namespace

SeriesShape shape_of(const ForecastPolicy& policy, seconds period) {
    SeriesShape shape{.step = std::max(seconds{60}, period)};
    const std::int64_t seasons = std::max(policy.seasons, 1) + 1;
    const auto count = [&] { return seasons * (policy.season / shape.step); };
    while (count() > longest) shape.step *= 2;
    shape.most = static_cast<std::size_t>(std::max<std::int64_t>(count(), 1));
    return shape;
}

WallTime on_grid(WallTime now, seconds step) {
    return WallTime{now.time_since_epoch() - now.time_since_epoch() % milliseconds(step)};
}

std::optional<prometheus::RangeWindow> next_window(const Series& series,
                                                   const SeriesShape& shape,
                                                   WallTime now,
                                                   std::size_t most) {
    const WallTime end = on_grid(now, shape.step);
    const WallTime oldest = end - static_cast<std::int64_t>(shape.most - 1) * shape.step;
    const bool goes_on = !series.values.empty() && series.step == shape.step &&
                         series.last == on_grid(series.last, shape.step) && series.last <= end;
    const WallTime begin = goes_on ? std::max(oldest, series.last + shape.step) : oldest;
    if (begin > end) return std::nullopt;
    const WallTime furthest = begin + static_cast<std::int64_t>(most - 1) * shape.step;
    return prometheus::RangeWindow{
        .start = begin, .end = std::min(end, furthest), .step = shape.step};
}

void take(Series& series,
          const SeriesShape& shape,
          const prometheus::RangeWindow& window,
          const prometheus::RangeAnswer& answer) {
    if (series.values.empty() || series.step != shape.step ||
        series.last + shape.step != window.start)
        series = {.step = shape.step};
    const std::size_t before = series.values.size();
    const std::size_t count = prometheus::steps_of(window);
    series.values.resize(before + count);
    for (const prometheus::RangeSeries& one : answer.series) {
        for (const prometheus::RangePoint& point : one.points) {
            if (point.at < window.start || point.at > window.end) continue;
            const auto at = static_cast<std::size_t>((point.at - window.start) / shape.step);
            std::optional<Micros>& value = series.values[before + at];
            if (!value) value.emplace();
            value->count += std::min(point.value.count, room - value->count);
        }
    }
    series.last = window.start + static_cast<std::int64_t>(count - 1) * shape.step;
    trim(series, shape);
}

}  // namespace muster::scaler
