#include "scaler/trends.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace muster::scaler {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start{std::chrono::hours{500'000}};

/// Watches a value every 15 seconds.
struct Watched {
    TrendPolicy policy{.floor = whole(1), .window = 600s};
    TrendHistory history;
    WallTime now = start;

    Trend see(Sample sample) {
        TrendStep step = watch(policy, history, sample, now);
        history = std::move(step.next);
        now += 15s;
        return step.trend;
    }
    Trend see(int value) { return see(sample_of(whole(value))); }
    /// The last trend of `time` at one value.
    Trend see_for(seconds time, int value) {
        Trend last = Trend::unknown;
        for (const WallTime end = now + time; now < end;) last = see(value);
        return last;
    }
};

TEST(Trends, RiseAboveTheMeanOfTheWindow) {
    Watched watched;
    EXPECT_EQ(watched.see_for(600s, 10), Trend::steady);
    EXPECT_EQ(watched.see(15), Trend::steady) << "half more is not above it";
    EXPECT_EQ(watched.see(16), Trend::rising);
    EXPECT_EQ(watched.see(10), Trend::steady);
}

TEST(Trends, DoNotRiseUpToTheFloor) {
    Watched watched{.policy = {.floor = whole(5), .window = 600s}};
    EXPECT_EQ(watched.see_for(600s, 0), Trend::steady);
    EXPECT_EQ(watched.see(5), Trend::steady);
    EXPECT_EQ(watched.see(6), Trend::rising) << "of a mean of nearly nothing";
}

TEST(Trends, StayUpForAsLongAsTheValueDoes) {
    // F3: an outage of 75 minutes is a rise from its begin to its end.
    Watched watched;
    watched.see_for(600s, 2);
    for (const WallTime end = watched.now + 75min; watched.now < end;)
        ASSERT_EQ(watched.see(40), Trend::rising);
    EXPECT_EQ(watched.see(2), Trend::steady);
}

TEST(Trends, TakeForNormalWhatStaysLongEnough) {
    Watched watched;
    watched.see_for(600s, 2);
    const WallTime began = watched.now;
    while (watched.see(40) == Trend::rising) ASSERT_LT(watched.now, began + 3h);
    EXPECT_EQ(watched.now, began + 2h + 15s);
    EXPECT_EQ(watched.see(40), Trend::steady);
    EXPECT_EQ(watched.see(70), Trend::rising);
}

TEST(Trends, AreUnknownWithoutAUsableSample) {
    Watched watched;
    watched.see_for(600s, 10);
    EXPECT_EQ(watched.see(Sample{}), Trend::unknown);
    EXPECT_EQ(watched.see(Sample{.quality = Quality::bad, .flaw = Flaw::not_a_number}),
              Trend::unknown);
    EXPECT_EQ(watched.see(-1), Trend::unknown);
    EXPECT_EQ(watched.see(sample_of(std::vector<Reading>{{.instance = "lb-1", .value = whole(1)}})),
              Trend::unknown);
    EXPECT_EQ(watched.see(10), Trend::steady) << "the past is kept";
}

TEST(Trends, AreUnknownAtFirstSightOfMoreThanTheFloor) {
    EXPECT_EQ(Watched{}.see(1), Trend::steady);
    Watched watched;
    EXPECT_EQ(watched.see(20), Trend::unknown);
    EXPECT_EQ(watched.see(20), Trend::steady);
    watched.now += 1h;
    EXPECT_EQ(watched.see(20), Trend::unknown) << "what is older than the window says nothing";
}

TEST(Trends, KeepABoundedPast) {
    for (const seconds window : {seconds{0}, seconds{1}, seconds{600}, seconds{86'400 * 30}}) {
        Watched watched{.policy = {.floor = whole(1), .window = window}};
        watched.see_for(4h, 10);
        EXPECT_LE(watched.history.points.size(), std::size_t{trend_points}) << window.count();
    }
}

TEST(Trends, BearAClockThatGoesBackAndTheLargestNumbers) {
    Watched watched;
    watched.see_for(600s, 10);
    watched.see(90);
    watched.now -= 24h;
    EXPECT_EQ(watched.see(90), Trend::rising);
    EXPECT_LE(watched.history.rising_since, watched.now);
    const Sample most = sample_of(Micros{.count = std::numeric_limits<std::int64_t>::max()});
    Watched large;
    for (int i = 0; i < 100; ++i) large.see(most);
    EXPECT_EQ(large.see(most), Trend::steady);
}

TEST(Trends, CountTheUnhealthyOfThoseThatShallServe) {
    Membership membership{.size = 5};
    EXPECT_EQ(unhealthy_share(membership).quality, Quality::absent);
    for (const Phase phase :
         {Phase::serving, Phase::serving, Phase::serving, Phase::warming, Phase::draining})
        membership.instances.push_back({.id = "lb", .phase = phase, .healthy = false});
    EXPECT_EQ(unhealthy_share(membership).value, whole(100));
    membership.instances[0].healthy = membership.instances[1].healthy = true;
    EXPECT_EQ(unhealthy_share(membership).value.count, 33'333'334);
    membership.instances.push_back({.id = "lb", .phase = Phase::failed});
    EXPECT_EQ(unhealthy_share(membership).value, whole(50));
}

TEST(Trends, OfWhatIsNotWatchedAreThoseThatWereGiven) {
    TrendHistories history;
    history.errors.points = {{.at = start, .value = whole(1)}};
    Observations observed{.trends = {.errors = Trend::rising, .latency = Trend::unknown}};
    observed.latency = sample_of(whole(1));
    const WatchPolicy policy{.latency = TrendPolicy{.floor = whole(5)}};
    EXPECT_EQ(watch_all(policy, observed, {}, history, start),
              (Trends{.errors = Trend::rising, .latency = Trend::steady}));
    EXPECT_EQ(history.errors, TrendHistory{});
    EXPECT_EQ(history.latency.points.size(), 1u);
}

}  // namespace
}  // namespace muster::scaler
