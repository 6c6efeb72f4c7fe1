#include "scaler/forecast.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace muster::scaler {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t million = 1'000'000;
constexpr std::int64_t least_trend = 750'000;
constexpr std::int64_t most_trend = 1'500'000;
constexpr int recent_points = 5;
constexpr int long_points = 48;  // of half a season, evenly spread
constexpr int most_ahead = 200;  // steps
constexpr std::size_t largest_series = 200'000;
constexpr std::int64_t counted_error_ppm = 500'000;

bool usable(const ForecastPolicy& policy, const Series& series) {
    const auto last = series.last.time_since_epoch();
    return last >= seconds{0} && last < std::chrono::days{365 * 8000} && series.step > seconds{0} &&
           !series.values.empty() && series.values.size() <= largest_series &&
           policy.season >= 2 * series.step && policy.season <= std::chrono::days{366} &&
           policy.seasons >= 1 && policy.seasons <= most_seasons && policy.ahead >= seconds{0} &&
           policy.ahead < policy.season;
}

/// The newest value that is not after `time` and at most a step older.
std::optional<Micros> value_at(const Series& series, WallTime time) {
    const milliseconds step = series.step;
    if (time >= series.last + step) return std::nullopt;
    const std::int64_t back =
        time >= series.last ? 0 : (series.last - time + step - milliseconds{1}) / step;
    const auto count = static_cast<std::int64_t>(series.values.size());
    if (back >= count) return std::nullopt;
    const auto& value = series.values[static_cast<std::size_t>(count - 1 - back)];
    return value && value->count >= 0 ? value : std::nullopt;
}

/// Nearest rank. `values` isn't empty.
std::int64_t percentile(std::vector<std::int64_t>& values, int percent) {
    std::ranges::sort(values);
    const auto count = static_cast<Wide>(values.size());
    const Wide rank = ceil_div(count * std::clamp(percent, 1, 100), 100);
    return values[static_cast<std::size_t>(rank - 1)];
}

std::int64_t median(std::vector<std::int64_t>& values) {
    return percentile(values, 50);
}

std::optional<Micros> of_seasons(const ForecastPolicy& policy,
                                 const Series& series,
                                 WallTime time) {
    std::vector<std::int64_t> values;
    for (int i = 1; i <= policy.seasons; ++i)
        if (const auto value = value_at(series, time - i * policy.season))
            values.push_back(value->count);
    if (values.size() < static_cast<std::size_t>(std::min(2, policy.seasons))) return std::nullopt;
    return Micros{.count = percentile(values, policy.percentile)};
}

/// How `points` values, each `apart`, stand to what the seasons before say of them.
std::optional<std::int64_t> ratio(
    const ForecastPolicy& policy, const Series& series, WallTime now, seconds apart, int points) {
    std::vector<std::int64_t> ratios;
    for (int i = 0; i < points; ++i) {
        const WallTime time = std::min(now, series.last) - i * apart;
        const auto value = value_at(series, time);
        const auto expected = of_seasons(policy, series, time);
        if (!value || !expected || expected->count == 0) continue;
        const Wide one = Wide{value->count} * million / expected->count;
        ratios.push_back(static_cast<std::int64_t>(std::min<Wide>(one, 10 * million)));
    }
    if (ratios.empty()) return std::nullopt;
    return median(ratios);
}

std::optional<std::int64_t> trend(const ForecastPolicy& policy,
                                  const Series& series,
                                  WallTime now) {
    // Values that end long before now say nothing of now.
    if (now - series.last >= policy.season / 4) return std::nullopt;
    const std::int64_t steps = std::max<std::int64_t>(1, policy.season / 2 / series.step);
    const int points = static_cast<int>(std::min<std::int64_t>(long_points, steps));
    const auto slow = ratio(policy, series, now, series.step * (steps / points), points);
    const auto fast = ratio(policy, series, now, series.step, recent_points);
    if (!slow) return std::nullopt;
    return std::clamp(std::max(*slow, fast.value_or(*slow)), least_trend, most_trend);
}

std::optional<Micros> expected(const ForecastPolicy& policy,
                               const Series& series,
                               std::int64_t trend_ppm,
                               WallTime time) {
    const auto base = of_seasons(policy, series, time);
    if (!base) return std::nullopt;
    const Wide scaled = ceil_div(Wide{base->count} * trend_ppm, million);
    constexpr Wide most = std::numeric_limits<std::int64_t>::max();
    return Micros{.count = static_cast<std::int64_t>(std::min(scaled, most))};
}

std::int64_t error_of(Micros predicted, Micros came) {
    const std::int64_t larger = std::max(predicted.count, came.count);
    if (larger <= 0) return 0;
    const Wide off =
        predicted < came ? Wide{came.count} - predicted.count : Wide{predicted.count} - came.count;
    return std::min(static_cast<std::int64_t>(off * million / larger), counted_error_ppm);
}

/// In steps.
std::int64_t steps_ahead(const ForecastPolicy& policy, seconds step) {
    return std::min<std::int64_t>(most_ahead, (policy.ahead + step - seconds{1}) / step);
}

/// One prediction in so many steps is kept, where more would wait than can be.
std::int64_t kept_every(const ForecastPolicy& policy, seconds step) {
    return (steps_ahead(policy, step) + 2) / static_cast<std::int64_t>(most_predictions) + 1;
}

void measure(const ForecastPolicy& policy, const Series& series, ForecastState& next) {
    const std::int64_t steps = policy.season / series.step / kept_every(policy, series.step);
    const std::int64_t slowness = std::max<std::int64_t>(8, steps / 4);
    const auto first_open = std::ranges::find_if(
        next.pending, [&](const Prediction& one) { return one.due > series.last; });
    for (auto one = next.pending.begin(); one != first_open; ++one) {
        const auto came = value_at(series, one->due);
        if (!came) continue;
        next.measured = std::min(next.measured + 1, 1'000'000);
        const std::int64_t error = error_of(one->value, *came);
        next.error_ppm +=
            (error - next.error_ppm) / std::min<std::int64_t>(next.measured, slowness);
    }
    next.pending.erase(next.pending.begin(), first_open);
    if (next.active && next.measured >= 8 && next.error_ppm > demoted_ppm) {
        next.active = false;
        next.measured = 0;
        next.error_ppm = 0;
    } else if (!next.active && next.error_ppm <= promoted_ppm && next.measured >= steps) {
        next.active = true;
    } else if (!next.active && next.error_ppm > demoted_ppm && next.measured >= slowness) {
        next.measured = 0;  // a season that counts begins when the error is out of it
        next.error_ppm = 0;
    }
}

/// The highest that is expected from `grid` to a step beyond the time ahead. Keeps what is expected
/// at its end, to be measured by. Absent: nothing is known.
std::optional<Micros> predict(const ForecastPolicy& policy,
                              const Series& series,
                              ForecastState& next,
                              WallTime grid,
                              WallTime now) {
    const auto trend_ppm = trend(policy, series, now);
    if (!trend_ppm) return std::nullopt;
    const std::int64_t steps = steps_ahead(policy, series.step);
    std::optional<Micros> peak;
    for (std::int64_t i = 0; i <= steps + 1; ++i) {
        const WallTime time = grid + i * series.step;
        const auto value = expected(policy, series, *trend_ppm, time);
        if (!value) continue;
        peak = std::max(peak.value_or(*value), *value);
        const bool kept =
            time.time_since_epoch() / series.step % kept_every(policy, series.step) == 0;
        if (i == steps && kept) next.pending.push_back({.due = time, .value = *value});
    }
    if (next.pending.size() > most_predictions) next.pending.erase(next.pending.begin());
    return peak;
}

}  // namespace

std::optional<Micros> forecast(const ForecastPolicy& policy,
                               const Series& series,
                               WallTime now,
                               WallTime time) {
    if (!usable(policy, series)) return std::nullopt;
    const auto trend_ppm = trend(policy, series, now);
    if (!trend_ppm) return std::nullopt;
    return expected(policy, series, *trend_ppm, time);
}

ForecastStep observe_forecast(const ForecastPolicy& policy,
                              const ForecastState& was,
                              const Series* series,
                              WallTime now) {
    ForecastStep step{.next = was};
    ForecastState& next = step.next;
    if (next.made && *next.made > now) {  // the clock went backwards
        next.made.reset();
        next.pending.clear();
    }
    if (series != nullptr && usable(policy, *series)) {
        const auto since = now.time_since_epoch();
        const WallTime grid{since - since % milliseconds{series->step}};
        if (next.made == grid) {
            step.peak = next.peak;
            return step;
        }
        measure(policy, *series, next);
        step.peak = predict(policy, *series, next, grid, now);
        if (step.peak) {
            next.made = grid;
            next.peak = *step.peak;
            return step;
        }
    }
    if (!next.active || !next.made) return step;
    step.blind = now - *next.made < longest_blindness;
    if (!step.blind) next = {};
    return step;
}

}  // namespace muster::scaler
