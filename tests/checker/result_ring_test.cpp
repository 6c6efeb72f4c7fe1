#include "checker/result_ring.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;

constexpr WallTime noon{1'767'225'600s};

ProbeOutcome outcome(std::uint16_t code) {
    return {.result = Result::failure,
            .reason = Reason::l7_status,
            .code = code,
            .connect = 120us,
            .sent = 128us,
            .first_byte = 896us,
            .total = 900us};
}

const HealthState after{.verdict = Verdict::up, .failures = 2};

PastResult past(WallTime time, ProbeOutcome outcome) {
    return {.time = time, .outcome = std::move(outcome), .verdict = Verdict::up, .pending = 2};
}

TEST(ResultRing, ReadsBackWhatItWasGivenOldestFirst) {
    ResultRing ring(4);
    ring.add(SteadyTime(100s), outcome(500), after);
    ring.add(SteadyTime(102s), outcome(503), after);
    const std::vector<PastResult> expected = {
        past(noon - 10s, outcome(500)),
        past(noon - 8s, outcome(503)),
    };
    EXPECT_EQ(ring.read(SteadyTime(110s), noon), expected);
}

TEST(ResultRing, KeepsTheLastOnesWhenFull) {
    ResultRing ring(3);
    for (std::uint16_t i = 0; i < 10; ++i) ring.add(SteadyTime(i * 1s), outcome(i), after);
    const auto results = ring.read(SteadyTime(10s), noon);
    ASSERT_EQ(results.size(), 3U);
    EXPECT_EQ(results[0], past(noon - 3s, outcome(7)));
    EXPECT_EQ(results[2], past(noon - 1s, outcome(9)));
}

TEST(ResultRing, CapsWhatDoesNotFit) {
    ResultRing ring(1);
    ProbeOutcome slow = outcome(200);
    slow.total = 2h;
    slow.first_byte = 2h;
    ring.add(SteadyTime(0s), slow, after);
    const ProbeOutcome kept = ring.read(SteadyTime(0s), noon).front().outcome;
    EXPECT_EQ(kept.total, 4'294'967'296us);
    EXPECT_GT(kept.first_byte, 1h);
}

TEST(ResultRing, KeepsPhasesToSixPercent) {
    EXPECT_EQ(from_byte(to_byte(0us)), 0us);
    EXPECT_EQ(from_byte(to_byte(-1us)), 0us);
    for (std::int64_t time = 1; time < 4'000'000'000; time += 1 + time / 97) {
        const std::chrono::microseconds kept = from_byte(to_byte(std::chrono::microseconds(time)));
        const double error = static_cast<double>(kept.count() - time) / static_cast<double>(time);
        ASSERT_LE(std::abs(error), 1.0 / 16) << time << " was kept as " << kept.count();
    }
    // 239 is the last that 32 bits reach.
    for (std::uint8_t byte = 1; byte < 240; ++byte) {
        ASSERT_LT(from_byte(byte - 1), from_byte(byte));
        ASSERT_EQ(to_byte(from_byte(byte)), byte);
    }
}

TEST(ResultRing, KeepsTheTotalToAMillionth) {
    ResultRing ring(1);
    for (std::int64_t time = 1; time < 4'000'000'000; time += 1 + time / 9'973) {
        ProbeOutcome one = outcome(200);
        one.total = std::chrono::microseconds(time);
        ring.add(SteadyTime(0s), one, after);
        const auto kept = ring.read(SteadyTime(0s), noon).front().outcome.total.count();
        ASSERT_LE(std::abs(kept - time), time / 1'000'000) << time << " was kept as " << kept;
        if (time < 2'000'000) ASSERT_EQ(kept, time);
    }
}

TEST(ResultRing, LivesLongerThanItsMillisecondCounter) {
    ResultRing ring(3);
    for (int week = 0; week < 60; ++week) ring.add(SteadyTime(week * 168h), outcome(200), after);
    const auto results = ring.read(SteadyTime(59 * 168h), noon);
    ASSERT_EQ(results.size(), 3U);
    EXPECT_EQ(results[0].time, noon - 336h);
    EXPECT_EQ(results[1].time, noon - 168h);
    EXPECT_EQ(results[2].time, noon);
}

TEST(ResultRing, OfNoSizeKeepsNothing) {
    ResultRing ring(0);
    ring.add(SteadyTime(1s), outcome(200), after);
    EXPECT_TRUE(ring.read(SteadyTime(2s), noon).empty());
}

}  // namespace
}  // namespace muster::checker
