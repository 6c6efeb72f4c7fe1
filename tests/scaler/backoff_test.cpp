#include "scaler/backoff.hpp"

#include <gtest/gtest.h>

namespace muster::scaler {
namespace {

using namespace std::chrono_literals;

constexpr WallTime zero{std::chrono::hours{500'000}};

TEST(BackOff, DoublesFrom5To30Minutes) {
    // As the header says: 0:00, 0:05 and 0:15 hold until 0:05, 0:15 and 0:35; then 30 min each.
    BackOff state;
    EXPECT_EQ(held_until(state, zero), std::nullopt);
    const std::pair<std::chrono::minutes, std::chrono::minutes> rows[] = {
        {0min, 5min}, {5min, 15min}, {15min, 35min}, {35min, 65min}, {65min, 95min}};
    for (const auto& [failed, until] : rows) {
        EXPECT_EQ(held_until(state, zero + failed), std::nullopt);
        state = after_failure(state, zero + failed);
        EXPECT_EQ(held_until(state, zero + failed), zero + until);
        EXPECT_EQ(held_until(state, zero + until - 1ms), zero + until);
        EXPECT_EQ(held_until(state, zero + until), std::nullopt);
    }
}

TEST(BackOff, BeginsAnewAfter3HoursWithoutAFailure) {
    BackOff state{.failures = 4, .last = zero};
    EXPECT_EQ(after_failure(state, zero + 3h - 1ms), (BackOff{5, zero + 3h - 1ms}));
    EXPECT_EQ(after_failure(state, zero + 3h), (BackOff{1, zero + 3h}));
}

TEST(BackOff, HoldsNoLongerThanAFailureOfNowWhenTheClockGoesBack) {
    EXPECT_EQ(held_until({.failures = 1, .last = zero + 24h}, zero), zero + 5min);
    EXPECT_EQ(after_failure({.failures = 1, .last = zero + 24h}, zero), (BackOff{2, zero}));
}

TEST(BackOff, BearsAnyNumberOfFailures) {
    for (const int failures : {1'000, 2'000'000'000, -5}) {
        const BackOff state{.failures = failures, .last = zero};
        EXPECT_LE(held_until(state, zero).value_or(zero), zero + 30min);
        EXPECT_LE(after_failure(state, zero).failures, 1'001);
        EXPECT_GE(after_failure(state, zero).failures, 1);
    }
}

}  // namespace
}  // namespace muster::scaler
