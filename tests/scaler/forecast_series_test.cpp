#include "scaler/forecast_series.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace muster::scaler {
namespace {

using namespace std::chrono_literals;
using prometheus::RangeAnswer;
using prometheus::RangePoint;
using prometheus::RangeSeries;
using prometheus::RangeWindow;

constexpr WallTime noon{12h};
constexpr SeriesShape five{.step = 60s, .most = 5};

RangeAnswer of(const RangeWindow& window, std::int64_t value) {
    RangeSeries series;
    for (WallTime at = window.start; at <= window.end; at += window.step)
        series.points.push_back({.at = at, .value = whole(value)});
    return {.series = {series}};
}

TEST(ForecastSeries, AreAsLongAsAllSeasonsAndTheOneThatGoesOn) {
    const ForecastPolicy week{.season = 24h * 7, .seasons = 4};
    EXPECT_EQ(shape_of(week, 15s), (SeriesShape{.step = 60s, .most = 5 * 7 * 24 * 60}));
    EXPECT_EQ(shape_of({.season = 24h, .seasons = 2}, 120s),
              (SeriesShape{.step = 120s, .most = 3 * 24 * 30}));
    const SeriesShape year = shape_of({.season = 24h * 366, .seasons = 60}, 15s);
    EXPECT_LE(year.most, 100'000U);
    EXPECT_GT(year.most, 50'000U);
}

TEST(ForecastSeries, ComeInPiecesAndGoOn) {
    Series series;
    auto window = next_window(series, five, noon + 7s, 3);
    EXPECT_EQ(window, (RangeWindow{.start = noon - 4min, .end = noon - 2min, .step = 60s}));
    take(series, five, *window, of(*window, 1));
    window = next_window(series, five, noon + 8s, 3);
    EXPECT_EQ(window, (RangeWindow{.start = noon - 1min, .end = noon, .step = 60s}));
    take(series, five, *window, of(*window, 2));
    EXPECT_EQ(next_window(series, five, noon + 59s, 3), std::nullopt);
    EXPECT_EQ(series.last, noon);
    EXPECT_EQ(series.values.size(), 5U);
    window = next_window(series, five, noon + 1min, 3);
    EXPECT_EQ(window, (RangeWindow{.start = noon + 1min, .end = noon + 1min, .step = 60s}));
    take(series, five, *window, of(*window, 3));
    ASSERT_EQ(series.values.size(), 5U);
    EXPECT_EQ(series.values.front(), whole(1));
    EXPECT_EQ(series.values.back(), whole(3));
}

TEST(ForecastSeries, HaveGapsWhereThereWasNothing) {
    Series series;
    const RangeWindow window{.start = noon - 2min, .end = noon, .step = 60s};
    take(series, five, window, {.series = {{.points = {{.at = noon - 1min, .value = whole(4)}}}}});
    ASSERT_EQ(series.values.size(), 3U);
    EXPECT_EQ(series.values[0], std::nullopt);
    EXPECT_EQ(series.values[1], whole(4));
    EXPECT_EQ(series.values[2], std::nullopt);
}

TEST(ForecastSeries, OfInstancesAreSummedUp) {
    Series series;
    const RangeWindow window{.start = noon, .end = noon, .step = 60s};
    RangeAnswer answer = of(window, 4);
    answer.series.push_back({.instance = "b", .points = {{.at = noon, .value = whole(3)}}});
    take(series, five, window, answer);
    EXPECT_EQ(series.values.back(), whole(7));
    answer.series.front().points.front().value.count = std::numeric_limits<std::int64_t>::max();
    Series largest;
    take(largest, five, window, answer);
    EXPECT_EQ(largest.values.back()->count, std::numeric_limits<std::int64_t>::max());
}

TEST(ForecastSeries, BeginAnewWithAnotherStepAfterALongPauseOrWithAClockThatWasSetBack) {
    Series series;
    const RangeWindow window{.start = noon - 4min, .end = noon, .step = 60s};
    take(series, five, window, of(window, 1));
    EXPECT_EQ(next_window(series, {.step = 120s, .most = 3}, noon)->start, noon - 4min);
    EXPECT_EQ(next_window(series, five, noon + 1h)->start, noon + 56min);
    EXPECT_EQ(next_window(series, five, noon - 1h)->start, noon - 64min);
    const auto later = *next_window(series, five, noon + 1h);
    take(series, five, later, of(later, 2));
    EXPECT_EQ(series.values, std::vector<std::optional<Micros>>(5, whole(2)));
    EXPECT_EQ(series.last, noon + 1h);
}

}  // namespace
}  // namespace muster::scaler
