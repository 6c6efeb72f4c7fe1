#include "scaler/windows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::scaler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr WallTime now{std::chrono::hours{500'000}};

TEST(Windows, KeepOnlyWhatALargestOrSmallestCanBe) {
    History history;
    int age = 60;
    for (const int size : {5, 9, 7, 8, 3}) {
        remember_peak(history, {.at = now - seconds{age}, .size = size});
        remember_trough(history, {.at = now - seconds{age}, .size = size});
        age -= 10;
    }
    EXPECT_THAT(history.peaks,
                ElementsAre(Recommendation{.at = now - 50s, .size = 9},
                            Recommendation{.at = now - 30s, .size = 8},
                            Recommendation{.at = now - 20s, .size = 3}));
    EXPECT_THAT(history.troughs, ElementsAre(Recommendation{.at = now - 20s, .size = 3}));
    EXPECT_EQ(peak(history, 51s, now)->size, 9);
    EXPECT_EQ(peak(history, 50s, now)->size, 8);
    EXPECT_EQ(peak(history, 20s, now), std::nullopt);
}

TEST(Windows, SayFromWhenTheFirstChangeIs) {
    const History history{.events = {{.at = now - 60s, .removed = 9},
                                     {.at = now - 50s, .removed = 1},
                                     {.at = now - 40s, .added = 2},
                                     {.at = now - 30s, .removed = 3},
                                     {.at = now - 20s, .added = 4}}};
    const Changes found = changes(history, 60s, now);
    EXPECT_EQ(found.removed, 4);
    EXPECT_EQ(found.added, 6);
    EXPECT_EQ(found.first_removed, now - 50s);
    EXPECT_EQ(found.first_added, now - 40s);
}

TEST(Windows, HoldBackNoShorterWhereTheRingIsFull) {
    constexpr int more = static_cast<int>(ring_limit) + 5;
    const Policy policy{.out = {.window = 1h},
                        .in = {.window = 1h, .budgets = {{.count = 1, .window = 1h}}}};
    History history;
    for (int i = 0; i < more; ++i) {
        const WallTime at = now - 1h + seconds{i + 1};
        history.peaks.push_back({.at = at, .size = 1000 - i});
        history.troughs.push_back({.at = at, .size = i});
        history.events.push_back({.at = at, .added = 2, .removed = 1});
    }
    forget(history, policy, now);
    EXPECT_EQ(history.peaks.size(), ring_limit);
    EXPECT_EQ(history.troughs.size(), ring_limit);
    EXPECT_EQ(history.events.size(), ring_limit);
    EXPECT_EQ(peak(history, 1h, now)->size, 1000);
    EXPECT_EQ(history.peaks[0].at, now - 1h + 6s);
    EXPECT_EQ(changes(history, 1h, now).removed, more);
    EXPECT_EQ(changes(history, 1h, now).added, 2 * more);
}

TEST(Windows, ForgetWhatNoneReaches) {
    const Policy policy{
        .out = {.window = 10s},
        .in = {.window = 20s, .budgets = {{.count = 1, .window = 30s}}, .cooldown = 40s}};
    History history{.peaks = {{.at = now - 20s, .size = 9}, {.at = now - 19s, .size = 8}},
                    .troughs = {{.at = now - 10s, .size = 1}, {.at = now - 9s, .size = 2}},
                    .events = {{.at = now - 40s, .added = 1}, {.at = now - 39s, .added = 2}}};
    forget(history, policy, now);
    EXPECT_EQ(history,
              (History{.peaks = {{.at = now - 19s, .size = 8}},
                       .troughs = {{.at = now - 9s, .size = 2}},
                       .events = {{.at = now - 39s, .added = 2}}}));
}

TEST(Windows, TakeTheFutureForNow) {
    History history{.peaks = {{.at = now - 1s, .size = 9}, {.at = now + 1h, .size = 8}},
                    .troughs = {{.at = now + 1h, .size = 1}},
                    .events = {{.at = now + 1h, .removed = 1}}};
    bring_back(history, now);
    EXPECT_EQ(history,
              (History{.peaks = {{.at = now - 1s, .size = 9}, {.at = now, .size = 8}},
                       .troughs = {{.at = now, .size = 1}},
                       .events = {{.at = now, .removed = 1}}}));
}

}  // namespace
}  // namespace muster::scaler
