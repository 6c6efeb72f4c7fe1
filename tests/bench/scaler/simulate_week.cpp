#include "tests/bench/scaler/simulate_week.hpp"

#include "scaler/decide.hpp"
#include "scaler/simulation.hpp"
#include "tests/bench/support/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <random>
#include <vector>

namespace muster::test {

namespace {

using namespace std::chrono_literals;
using namespace scaler;

constexpr int ticks = 7 * 24 * 240;
constexpr int reporters = 12;
constexpr WallTime start{std::chrono::hours{490'000}};

Policy week_policy() {
    return {.min = 3,
            .max = 40,
            .metrics = {
                {.name = "connections",
                 .rule = TargetPolicy{.measure = Measure::average_of_total, .target = whole(1000)}},
                {.name = "cpu",
                 .rule = TargetPolicy{.measure = Measure::utilization, .target = whole(60)}},
                {.name = "floor", .rule = FixedPolicy{.size = 3}}}};
}

/// Days with a wave, noise, and now and then a peak.
Past week_past() {
    std::mt19937_64 engine(1);
    std::normal_distribution<double> noise(1.0, 0.05);
    Past past{.series = {}, .valid_for = 15s};
    past.series.resize(1 + reporters);
    past.series[0].metric = "connections";
    for (int i = 0; i < reporters; ++i)
        past.series[static_cast<std::size_t>(i) + 1] = {
            .metric = "cpu", .instance = fmt::format("lb-{}", i), .points = {}};
    double peak = 0;
    for (int i = 0; i < ticks; ++i) {
        const double day = std::sin(i * 6.283185307 / (24 * 240));
        peak = engine() % 2000 == 0 ? 8000 : peak * 0.98;
        const double load = std::max(500.0, (11'000 + 7000 * day + peak) * noise(engine));
        const WallTime at = start + i * 15s;
        past.series[0].points.push_back(
            {.at = at, .value = whole(static_cast<std::int64_t>(load))});
        for (int one = 0; one < reporters; ++one)
            past.series[static_cast<std::size_t>(one) + 1].points.push_back(
                {.at = at,
                 .value = {.count = static_cast<std::int64_t>(load * 4000 * noise(engine))},
                 .capacity = whole(100)});
    }
    return past;
}

struct Kept {
    History history;
    Observations observed;
    Membership membership;
    WallTime at;
};

double seconds_since(std::chrono::steady_clock::time_point from) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

}  // namespace

void simulate_week() {
    const Policy policy = week_policy();
    const Past past = week_past();
    std::array<double, 5> runs{};
    Simulation result;
    for (double& run : runs) {
        const auto from = std::chrono::steady_clock::now();
        auto simulated = simulate(policy, past, {});
        run = seconds_since(from);
        require(simulated.has_value(), "the week is simulated");
        result = std::move(*simulated);
    }
    std::ranges::sort(runs);
    require(result.ticks.size() == ticks, "all ticks are there");
    require(result.figures.outs > 20 && result.figures.ins > 20, "the fleet follows its load");

    constexpr std::size_t every = 64;
    std::vector<Kept> kept;
    std::size_t seen = 0;
    static_cast<void>(simulate(policy, past, {}, [&](const TickView& tick) {
        if (seen++ % every == 0)
            kept.push_back({tick.history, tick.observed, tick.membership, tick.at});
    }));
    const auto from = std::chrono::steady_clock::now();
    std::int64_t sizes = 0;
    for (const Kept& one : kept)
        for (std::size_t i = 0; i < every; ++i)
            sizes += decide(policy, one.history, one.observed, one.membership, one.at).size;
    const double alone = seconds_since(from);
    require(sizes > 0, "sizes are decided");

    fmt::print("week: {} ticks, sizes {} to {}, {} changes; best {:.3f} s, worst {:.3f} s\n",
               ticks,
               result.figures.smallest,
               result.figures.largest,
               result.figures.outs + result.figures.ins,
               runs.front(),
               runs.back());
    metric("simulate_week_s", runs[2], "s");
    metric("decide_week_alone_s", alone, "s");
    metric("simulate_over_decide", runs[2] / alone, "times");
}

}  // namespace muster::test
