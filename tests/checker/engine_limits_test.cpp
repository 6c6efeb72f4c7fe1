// What bounds an engine, and what many checks do to each other in it: nothing.
#include "tests/checker/support/engine_fixture.hpp"

#include <gtest/gtest.h>

#include <map>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;

const ProbeOutcome refused{.result = Result::failure, .reason = Reason::l4_refused};

TEST_F(EngineTest, BoundsProbesUnderWayAndStartsInOneTick) {
    restart({.max_running = 40, .max_starts_per_tick = 7});
    std::map<SteadyTime, int> per_tick;
    for (std::uint64_t i = 0; i < 100; ++i) {
        const std::string host = "b" + std::to_string(i);
        prober_.replies[host] = {.after = 600ms};
        Check heir = check(i, host, {.interval = 10s});
        heir.catch_up = true;
        engine_->put(heir);
    }
    clock_.run_for(9s);
    EXPECT_EQ(prober_.most_running, 40U);
    for (const auto& start : prober_.starts) ++per_tick[start.time];
    for (const auto& [time, count] : per_tick) EXPECT_LE(count, 7);
    for (std::uint64_t i = 0; i < 100; ++i) EXPECT_GE(engine_->results(CheckId{i}), 1U);
}

TEST_F(EngineTest, BoundsStartsAndHandshakesPerSecond) {
    restart({.max_starts_per_second = 60, .max_handshakes_per_second = 20});
    // 25 a second without TLS, and 100 with it that all fail.
    for (std::uint64_t i = 0; i < 50; ++i) engine_->put(check(i, "plain" + std::to_string(i)));
    for (std::uint64_t i = 50; i < 250; ++i) {
        const std::string host = "secure" + std::to_string(i);
        prober_.replies[host] = {.outcome = refused};
        config::ProbeSpec probe;
        probe.tls = config::TlsSettings{};
        if (i % 2 == 0) {
            config::CompositeCheck all;
            all.parts = {{.name = "part", .probe = probe}};
            probe = config::ProbeSpec(std::move(all));
        }
        config::CheckSpec spec;
        spec.probe = probe;
        engine_->put(check(i, host, spec));
    }
    constexpr int seconds = 60;
    clock_.run_for(std::chrono::seconds(seconds));
    std::map<std::chrono::seconds, int> plain;
    std::map<std::chrono::seconds, int> secure;
    for (const auto& start : prober_.starts) {
        const auto second = std::chrono::floor<std::chrono::seconds>(
            start.time - test::VirtualClock::default_start);
        ++(start.host.starts_with("plain") ? plain : secure)[second];
    }
    int handshakes = 0;
    for (const auto& [second, count] : secure) {
        EXPECT_LE(count, 23) << "with a tenth of a second's worth at once";
        handshakes += count;
    }
    EXPECT_GE(handshakes, 20 * (seconds - 1));
    // Those without TLS are on time,
    EXPECT_GE(prober_.starts.size(), static_cast<std::size_t>(handshakes + 25 * (seconds - 2)));
    for (std::uint64_t i = 0; i < 50; ++i) EXPECT_GE(engine_->results(CheckId{i}), seconds / 2 - 2);
    // and what the limit held back is late, and not held against the backend.
    EXPECT_GT(engine_->counters().late_starts, 0U);
    EXPECT_GT(engine_->counters().inconclusive, 0U);
}

TEST_F(EngineTest, BoundsStartsPerSecondOfAll) {
    restart({.max_starts_per_second = 30});
    for (std::uint64_t i = 0; i < 200; ++i) engine_->put(check(i, "b" + std::to_string(i)));
    clock_.run_for(60s);
    EXPECT_GE(prober_.starts.size(), 30U * 59U);
    EXPECT_LE(prober_.starts.size(), 30U * 61U);
}

TEST_F(EngineTest, ShiftsNothingWhenAGroupIsEditedAmongManyChecks) {
    constexpr std::uint64_t all = 100'000;
    constexpr std::uint64_t edited = 1'000;  // the last ones
    const config::CheckSpec before{.interval = 10s};
    std::vector<Check> checks;
    for (std::uint64_t i = 0; i < all; ++i)
        checks.push_back(check(i, "b" + std::to_string(i), before));
    for (const Check& one : checks) engine_->put(one);
    clock_.run_for(10s);
    std::map<std::string, SteadyTime> first;
    for (const auto& start : prober_.starts) first.emplace(start.host, start.time);
    ASSERT_EQ(first.size(), all);
    prober_.starts.clear();

    // In the middle of an interval all are put again, as the worker does, and some are others now.
    clock_.run_for(5s);
    config::CheckSpec after{.interval = 5s};
    after.fall = 7;
    for (std::uint64_t i = 0; i < all; ++i) {
        if (i < all - edited) {
            engine_->put(checks[i]);
        } else {
            engine_->put(check(i, "b" + std::to_string(i), after));
        }
    }
    clock_.run_for(5s);
    std::uint64_t on_time = 0;
    for (const auto& start : prober_.starts) {
        const SteadyTime was = first.at(start.host);
        on_time += start.time == was + 10s ? 1 : 0;
    }
    EXPECT_GE(on_time, all - edited);
    EXPECT_LE(prober_.starts.size(), all + edited);
}

}  // namespace
}  // namespace muster::checker
