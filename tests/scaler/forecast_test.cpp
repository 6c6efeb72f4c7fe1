#include "scaler/forecast.hpp"

#include "scaler/decide.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

namespace muster::scaler {
namespace {

using namespace std::chrono_literals;
using Demand = std::function<int(WallTime)>;

constexpr WallTime day0{std::chrono::days{20'000}};
constexpr seconds step{300};

/// Requests a second over a day: 200 at night, up from 8:15 to 900 at 9:00, down from 18:00 to
/// 21:00. In seconds since midnight.
int daily(std::int64_t second) {
    const std::array<std::pair<std::int64_t, int>, 6> corners{{{0, 200},
                                                               {8 * 3600 + 900, 200},
                                                               {9 * 3600, 900},
                                                               {18 * 3600, 900},
                                                               {21 * 3600, 200},
                                                               {24 * 3600, 200}}};
    for (std::size_t i = 1; i < corners.size(); ++i) {
        const auto& [from, low] = corners[i - 1];
        const auto& [to, high] = corners[i];
        if (second < to)
            return low + static_cast<int>((high - low) * (second - from) / (to - from));
    }
    return 200;
}

std::int64_t second_of_day(WallTime time) {
    return std::chrono::floor<seconds>(time - std::chrono::floor<std::chrono::days>(time)).count();
}

/// From 0 to below `end`, the same within each `apart`; the mixing of SplitMix64.
int drawn(WallTime time, seconds apart, std::uint64_t end) {
    auto mixed = static_cast<std::uint64_t>(time.time_since_epoch() / apart) * 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 30U) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27U) * 0x94d049bb133111eb;
    return static_cast<int>((mixed ^ mixed >> 31U) % end);
}

/// Up to 3 % more or less, always the same at the same time.
Demand noisy(const Demand& plain) {
    return [plain](WallTime time) {
        return plain(time) * (970 + drawn(time, seconds{15}, 61)) / 1000;
    };
}

const Demand plain_day = [](WallTime time) { return daily(second_of_day(time)); };
const Demand every_day = noisy(plain_day);

/// What Prometheus would answer at `now` for the past `days`.
Series series_at(const Demand& demand, WallTime now, std::chrono::days days) {
    const WallTime last{now.time_since_epoch() - now.time_since_epoch() % step};
    Series series{.last = last, .step = step};
    for (WallTime time = last - days; time <= last; time += step)
        series.values.emplace_back(whole(demand(time)));
    return series;
}

/// What it would answer later.
void go_on(Series& series, const Demand& demand, WallTime now) {
    while (now - series.last >= step) {
        series.last += step;
        series.values.erase(series.values.begin());
        series.values.emplace_back(whole(demand(series.last)));
    }
}

constexpr ForecastPolicy policy{.target = whole(100), .ahead = 600s};

TEST(Forecast, SaysWhatTheTimeOfDaySaidBefore) {
    const Series series = series_at(plain_day, day0 + 8h, std::chrono::days{8});
    EXPECT_EQ(forecast(policy, series, day0 + 8h, day0 + 9h), whole(900));
    EXPECT_EQ(forecast(policy, series, day0 + 8h, day0 + 8h + 30min),
              whole(daily(8 * 3600 + 1800)));
    EXPECT_EQ(forecast(policy, series, day0 + 8h, day0 + 23h), whole(200));
}

TEST(Forecast, TakesAPercentileOfTheSeasons) {
    // At noon 100, 200, ... 700 on the past seven days, the youngest 700.
    Series series{.last = day0 + 6h, .step = 6h};
    for (int quarter = 0; quarter < 32; ++quarter)
        series.values.emplace_back(whole(quarter % 4 == 0 ? 25 * quarter : 100));
    const ForecastPolicy coarse{.target = whole(100), .ahead = 0s};
    EXPECT_EQ(forecast(coarse, series, day0 + 6h, day0 + 12h), whole(600)) << "the 6th of 7";
    ForecastPolicy median = coarse;
    median.percentile = 50;
    EXPECT_EQ(forecast(median, series, day0 + 6h, day0 + 12h), whole(400));
    ForecastPolicy short_past = coarse;
    short_past.seasons = 3;
    EXPECT_EQ(forecast(short_past, series, day0 + 6h, day0 + 12h), whole(700));
}

TEST(Forecast, FollowsTheTrendWithinItsBounds) {
    const WallTime now = day0 + 12h;
    const auto busier = [&](int percent) {
        return series_at(
            [=](WallTime t) { return t >= day0 ? 9 * percent : 900; }, now, std::chrono::days{8});
    };
    EXPECT_EQ(forecast(policy, busier(100), now, now + 1h), whole(900));
    EXPECT_EQ(forecast(policy, busier(120), now, now + 1h), whole(1080));
    EXPECT_EQ(forecast(policy, busier(300), now, now + 1h), whole(1350));
    EXPECT_EQ(forecast(policy, busier(90), now, now + 1h), whole(810));
    EXPECT_EQ(forecast(policy, busier(10), now, now + 1h), whole(675));
}

TEST(Forecast, BearsGapsAndSaysNothingOfWhatItHasNotSeen) {
    Series series = series_at([](WallTime) { return 500; }, day0, std::chrono::days{8});
    for (std::size_t i = 0; i < series.values.size(); ++i)
        if (i % 3 != 0) series.values[i].reset();
    EXPECT_EQ(forecast(policy, series, day0, day0), whole(500));
    EXPECT_EQ(forecast(policy, series, day0, day0 + step), std::nullopt);
    for (auto& value : series.values) value.reset();
    EXPECT_EQ(forecast(policy, series, day0, day0), std::nullopt);
    const Series one_day = series_at([](WallTime) { return 500; }, day0, std::chrono::days{1});
    EXPECT_EQ(forecast(policy, one_day, day0, day0 + 1h), std::nullopt);
    const Series old = series_at([](WallTime) { return 500; }, day0, std::chrono::days{8});
    EXPECT_EQ(forecast(policy, old, day0 + 6h, day0 + 7h), std::nullopt) << "ended 6 h ago";
}

TEST(Forecast, BearsHostileSeriesAndPolicies) {
    constexpr Micros most{.count = std::numeric_limits<std::int64_t>::max()};
    Series series{.last = day0, .step = step};
    series.values.assign(10'000, most);
    EXPECT_EQ(forecast(policy, series, day0, day0 + 1h), most);
    series.values.assign(10'000, Micros{.count = -5});
    EXPECT_EQ(forecast(policy, series, day0, day0 + 1h), std::nullopt);
    series.values.assign(10'000, whole(0));
    EXPECT_EQ(forecast(policy, series, day0, day0 + 1h), std::nullopt) << "no trend of nothing";
    series.values.assign(10'000, whole(5));
    for (const seconds bad : {seconds{0}, seconds{-5}, seconds{86'400 * 5000}}) {
        Series other = series;
        other.step = bad;
        EXPECT_EQ(forecast(policy, other, day0, day0 + 1h), std::nullopt);
        ForecastPolicy wrong = policy;
        wrong.season = bad;
        EXPECT_EQ(forecast(wrong, series, day0, day0 + 1h), std::nullopt);
    }
    Series timeless = series;
    for (const WallTime last : {WallTime::max(), WallTime::min()}) {
        timeless.last = last;
        EXPECT_EQ(forecast(policy, timeless, day0, day0 + 1h), std::nullopt);
        EXPECT_EQ(observe_forecast(policy, {}, &timeless, day0).peak, std::nullopt);
    }
    series.values.assign(300'000, whole(5));
    EXPECT_EQ(forecast(policy, series, day0, day0 + 1h), std::nullopt);
}

/// Observes once a step over a time; the past is complete at each.
ForecastState observed(const ForecastPolicy& with,
                       ForecastState state,
                       const Demand& demand,
                       WallTime from,
                       WallTime to,
                       const std::function<void(WallTime, const ForecastState&)>& see = {}) {
    Series series = series_at(demand, from, std::chrono::days{8});
    for (WallTime now = from; now < to; now += step) {
        go_on(series, demand, now);
        state = observe_forecast(with, state, &series, now).next;
        if (see) see(now, state);
    }
    return state;
}

TEST(Forecast, ProvesItselfOverASeasonBeforeItActs) {
    WallTime promoted{};
    const ForecastState state =
        observed(policy, {}, every_day, day0, day0 + 48h, [&](WallTime now, const auto& seen) {
            if (seen.active && promoted == WallTime{}) promoted = now;
            EXPECT_LE(seen.pending.size(), most_predictions);
        });
    EXPECT_TRUE(state.active);
    EXPECT_GE(promoted, day0 + 24h);
    EXPECT_LE(promoted, day0 + 25h);
    EXPECT_LT(state.error_ppm, 40'000) << "noise of 3 %";
}

TEST(Forecast, DemotesItselfWhenTheDayShifts) {
    const Demand shifted = [](WallTime time) {
        return every_day(time >= day0 + 24h ? time + 8h : time);
    };
    std::optional<WallTime> demoted;
    observed(
        policy, {.active = true}, shifted, day0, day0 + 72h, [&](WallTime now, const auto& seen) {
            if (!seen.active && !demoted) demoted = now;
        });
    ASSERT_TRUE(demoted.has_value());
    EXPECT_GT(*demoted, day0 + 24h);
    EXPECT_LT(*demoted, day0 + 48h);
}

TEST(Forecast, NeverTrustsARandomSeries) {
    const Demand random = [](WallTime time) { return drawn(time, step, 1001); };
    observed(policy, {}, random, day0, day0 + 96h, [&](WallTime, const auto& seen) {
        EXPECT_FALSE(seen.active);
    });
    EXPECT_FALSE(observed(policy, {.active = true}, random, day0, day0 + 24h).active);
}

TEST(Forecast, KeepsItsTrustThroughAnHourWithoutTraffic) {
    const Demand outage = [](WallTime time) {
        return time >= day0 + 12h && time < day0 + 13h ? 20 : every_day(time);
    };
    const ForecastState before = observed(policy, {.active = true}, outage, day0, day0 + 12h);
    observed(policy, before, outage, day0 + 12h, day0 + 16h, [&](WallTime, const auto& seen) {
        EXPECT_TRUE(seen.active);
        EXPECT_GE(seen.peak, whole(800));
    });
}

TEST(Forecast, KeepsFewPredictionsHoweverFarItLooksAhead) {
    ForecastPolicy far = policy;
    far.ahead = 23h;
    const ForecastState state =
        observed(far, {}, every_day, day0, day0 + 72h, [](WallTime, const auto& seen) {
            EXPECT_LE(seen.pending.size(), most_predictions);
        });
    EXPECT_TRUE(state.active);
}

TEST(Forecast, IsBlindWithoutItsPastAndGivesUpActingAfterAnHour) {
    const Series series = series_at(every_day, day0, std::chrono::days{8});
    const ForecastStep seen = observe_forecast(policy, {.active = true}, &series, day0);
    ASSERT_TRUE(seen.peak.has_value());
    const auto without = [&](WallTime now) {
        return observe_forecast(policy, seen.next, nullptr, now);
    };
    EXPECT_TRUE(without(day0 + 15s).blind);
    EXPECT_TRUE(without(day0 + 1h - 1ms).blind);
    EXPECT_FALSE(without(day0 + 1h).blind);
    EXPECT_FALSE(without(day0 + 1h).next.active);
    ForecastState observing = seen.next;
    observing.active = false;
    EXPECT_FALSE(observe_forecast(policy, observing, nullptr, day0 + 15s).blind);
    EXPECT_FALSE(observe_forecast(policy, {.active = true}, nullptr, day0).blind)
        << "it never had one";
}

TEST(Forecast, GoesOnWhenTheClockWentBack) {
    const Series series = series_at(every_day, day0, std::chrono::days{8});
    const ForecastState state = observed(policy, {.active = true}, every_day, day0, day0 + 2h);
    const ForecastStep back = observe_forecast(policy, state, &series, day0);
    EXPECT_TRUE(back.peak.has_value());
    EXPECT_EQ(back.next.made, day0);
}

/// Plays a day through decide() with ticks of 15 s. An instance serves 120 s after it was decided.
struct Played {
    std::int64_t under_capacity_s = 0;
    std::int64_t instance_s = 0;
    std::vector<int> sizes{};
};

Played play(const Policy& scaling, const Demand& demand, WallTime from, WallTime to) {
    Played played;
    History history;
    Membership membership{.size = 3};
    for (int i = 0; i < 3; ++i)
        membership.instances.push_back({.id = "lb-" + std::to_string(i), .since = from - 1h});
    int next_id = 3;
    Series series = series_at(demand, from, std::chrono::days{8});
    for (WallTime now = from; now < to; now += 15s) {
        int serving = 0;
        for (Instance& instance : membership.instances) {
            const bool warm = now - instance.since >= 120s;
            instance.phase = warm ? Phase::serving : Phase::booting;
            instance.warmed = warm;
            serving += warm;
        }
        go_on(series, demand, now);
        Observations seen;
        seen.samples["rps"] = sample_of(whole(demand(now)));
        seen.series["forecast"] = series;
        const Decision decision = decide(scaling, history, seen, membership, now);
        history = decision.next;
        membership.size = decision.size;
        while (static_cast<int>(membership.instances.size()) < decision.size)
            membership.instances.push_back({.id = "lb-" + std::to_string(next_id++), .since = now});
        membership.instances.resize(static_cast<std::size_t>(decision.size));
        played.sizes.push_back(decision.size);
        played.instance_s += 15 * decision.size;
        if (demand(now) > serving * 110) played.under_capacity_s += 15;
    }
    return played;
}

/// 100 requests a second for each instance, which can do 110.
Policy reactive() {
    return {.min = 2,
            .max = 30,
            .metrics = {{.name = "rps", .rule = TargetPolicy{.target = whole(100)}}},
            .in = {.window = 300s, .budgets = {{.count = 1, .percent = 10, .window = 60s}}}};
}

Policy with_forecast(bool observe_only) {
    Policy scaling = reactive();
    ForecastPolicy rule = policy;
    rule.observe_only = observe_only;
    scaling.metrics.push_back({.name = "forecast", .rule = rule});
    return scaling;
}

TEST(Forecast, SparesFourFifthsOfTheTimeUnderCapacity) {
    const Played without = play(reactive(), every_day, day0, day0 + 24h);
    const Played with = play(with_forecast(false), every_day, day0, day0 + 24h);
    EXPECT_GE(without.under_capacity_s, 500);
    EXPECT_LE(with.under_capacity_s * 5, without.under_capacity_s)
        << with.under_capacity_s << " of " << without.under_capacity_s;
    EXPECT_LT(with.instance_s, without.instance_s * 115 / 100) << "and costs little";
    RecordProperty("under_capacity_s_reactive", std::to_string(without.under_capacity_s));
    RecordProperty("under_capacity_s_forecast", std::to_string(with.under_capacity_s));
}

TEST(Forecast, OnlyObservesAtFirst) {
    const Played without = play(reactive(), every_day, day0, day0 + 12h);
    const Played observing = play(with_forecast(true), every_day, day0, day0 + 12h);
    EXPECT_EQ(observing.sizes, without.sizes);
}

TEST(Forecast, KeepsTheFleetThroughAnOutagesDip) {
    // Scryer's case: no traffic for 40 minutes at noon, then all of it at once.
    const Demand outage = [](WallTime time) {
        return time >= day0 + 12h && time < day0 + 12h + 40min ? 20 : every_day(time);
    };
    const auto smallest = [&](const Policy& scaling) {
        const Played played = play(scaling, outage, day0, day0 + 14h);
        return *std::min_element(played.sizes.begin() + 11 * 240, played.sizes.end());
    };
    EXPECT_LE(smallest(reactive()), 4);
    EXPECT_GE(smallest(with_forecast(false)), 9);
}

}  // namespace
}  // namespace muster::scaler
