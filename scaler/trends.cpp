#include "scaler/trends.hpp"

#include <algorithm>

namespace muster::scaler {
namespace {

constexpr std::int64_t million = 1'000'000;

bool usable(const Sample& sample) {
    return sample.quality == Quality::value && sample.readings.empty() && sample.value.count >= 0;
}

/// What lies in the future, because the clock went backwards, happened now.
void bring_back(TrendHistory& history, WallTime now) {
    for (TrendPoint& point : history.points) point.at = std::min(point.at, now);
    if (history.rising_since) history.rising_since = std::min(*history.rising_since, now);
}

bool rises(const TrendPolicy& policy, const std::vector<TrendPoint>& points, Micros value) {
    if (value <= policy.floor || points.empty()) return false;
    Wide sum = 0;
    for (const TrendPoint& point : points) sum += point.value.count;
    const auto count = static_cast<Wide>(points.size());
    return Wide{value.count} * million * count > (Wide{million} + policy.rise_ppm) * sum;
}

void remember(const TrendPolicy& policy, TrendHistory& history, Micros value, WallTime now) {
    const auto apart = std::max<std::chrono::milliseconds>(
        std::chrono::milliseconds{policy.window} / trend_points, std::chrono::milliseconds{1});
    std::vector<TrendPoint>& points = history.points;
    if (!points.empty() && now - points.back().at < apart) return;
    points.push_back({.at = now, .value = value});
    if (points.size() > std::size_t{trend_points}) points.erase(points.begin());
}

Trend watched(const std::optional<TrendPolicy>& policy,
              const Sample& sample,
              Trend given,
              TrendHistory& history,
              WallTime now) {
    if (!policy) {
        history = {};
        return given;
    }
    TrendStep step = watch(*policy, history, sample, now);
    history = std::move(step.next);
    return step.trend;
}

}  // namespace

TrendStep watch(const TrendPolicy& policy,
                const TrendHistory& history,
                const Sample& sample,
                WallTime now) {
    TrendStep step{.next = history};
    TrendHistory& next = step.next;
    bring_back(next, now);
    const bool normal_now = next.rising_since && now - *next.rising_since >= policy.longest;
    if (normal_now) next = {};
    if (!next.rising_since)
        std::erase_if(next.points,
                      [&](const TrendPoint& point) { return now - point.at >= policy.window; });
    if (!usable(sample)) return step;
    if (rises(policy, next.points, sample.value)) {
        step.trend = Trend::rising;
        if (!next.rising_since) next.rising_since = now;
        return step;
    }
    next.rising_since.reset();
    const bool comparable = !next.points.empty() || normal_now;
    step.trend = comparable || sample.value <= policy.floor ? Trend::steady : Trend::unknown;
    remember(policy, next, sample.value, now);
    return step;
}

Sample unhealthy_share(const Membership& membership) {
    int serving = 0;
    int unhealthy = 0;
    for (const Instance& instance : membership.instances) {
        const bool failed = instance.phase == Phase::failed;
        if (!failed && instance.phase != Phase::serving) continue;
        ++serving;
        if (failed || !instance.healthy) ++unhealthy;
    }
    if (serving == 0) return {};
    return sample_of(Micros{
        .count = static_cast<std::int64_t>(ceil_div(Wide{whole(100).count} * unhealthy, serving))});
}

Trends watch_all(const WatchPolicy& policy,
                 const Observations& observed,
                 const Membership& membership,
                 TrendHistories& history,
                 WallTime now) {
    const Trends& given = observed.trends;
    return {
        .errors = watched(policy.errors, observed.errors, given.errors, history.errors, now),
        .latency = watched(policy.latency, observed.latency, given.latency, history.latency, now),
        .unhealthy = watched(policy.unhealthy,
                             unhealthy_share(membership),
                             given.unhealthy,
                             history.unhealthy,
                             now)};
}

}  // namespace muster::scaler
