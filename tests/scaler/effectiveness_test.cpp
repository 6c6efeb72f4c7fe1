#include "scaler/effectiveness.hpp"

#include "scaler/decide.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace muster::scaler {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;

constexpr WallTime start{std::chrono::hours{500'000}};

/// A fleet whose instances serve 60 s after they were decided and are warmed 60 s later; each
/// decision is carried out. A tick is 15 s.
struct FleetRun {
    Policy policy{
        .min = 1,
        .max = 200,
        .metrics = {{.name = "latency",
                     .rule = TargetPolicy{.measure = Measure::value, .target = whole(100)}}},
        .out = {.budgets = {{.percent = 50, .window = 60s}}},
        .in = {.window = 60s},
        .effectiveness = EffectivenessPolicy{}};
    History history;
    Membership membership;
    WallTime now = start;
    Decision last;
    int next_id = 0;

    explicit FleetRun(int size) {
        membership.size = size;
        for (int i = 0; i < size; ++i) add(now - 1h);
    }
    void add(WallTime at) {
        membership.instances.push_back({.id = "lb-" + std::to_string(next_id++), .since = at});
    }
    [[nodiscard]] int serving() const {
        return static_cast<int>(
            std::ranges::count(membership.instances, Phase::serving, &Instance::phase));
    }
    void tick(Observations observed) {
        for (Instance& instance : membership.instances) {
            instance.phase = now - instance.since < 60s ? Phase::booting : Phase::serving;
            instance.warmed = now - instance.since >= 120s;
        }
        last = decide(policy, history, observed, membership, now);
        history = last.next;
        membership.size = last.size;
        while (static_cast<int>(membership.instances.size()) < last.size) add(now);
        membership.instances.resize(static_cast<std::size_t>(last.size));
        now += 15s;
    }
    /// The metric as a function of those that serve.
    void go(seconds time, const std::function<int(int serving)>& value) {
        for (const WallTime end = now + time; now < end;) {
            Observations observed;
            observed.samples[policy.metrics[0].name] = sample_of(whole(value(serving())));
            tick(std::move(observed));
        }
    }
    [[nodiscard]] bool held() const {
        return std::ranges::any_of(last.brakes,
                                   [](const Veto& one) { return one.cause == Cause::ineffective; });
    }
    void go_until_held() {
        while (!held() && now < start + 2h) go(15s, [](int) { return 200; });
        ASSERT_TRUE(held());
    }
};

TEST(Effectiveness, StopsGrowthThatDoesNotHelp) {
    // F8: the database is slow, and no web host makes it faster.
    FleetRun run(4);
    std::vector<int> sizes;  // each other than the one before
    std::vector<seconds> at;
    while (run.now < start + 30min) {
        run.go(15s, [](int) { return 200; });
        if (!sizes.empty() && sizes.back() == run.last.size) continue;
        sizes.push_back(run.last.size);
        at.push_back(std::chrono::floor<seconds>(run.now - 15s - start));
    }
    // Of no use were 4 to 6 (known at 120 s), 9 to 13 (at 240 s) and 19 to 28 (at 360 s).
    EXPECT_THAT(sizes, testing::ElementsAre(6, 9, 13, 19, 28));
    EXPECT_THAT(at, testing::ElementsAre(0s, 60s, 120s, 180s, 240s));
    EXPECT_TRUE(run.held());
    EXPECT_EQ(run.last.clamps.back().cause, Cause::ineffective);
    EXPECT_EQ(run.last.clamps.back().until, run.history.growth.held_until);

    FleetRun free(4);
    free.policy.effectiveness.reset();
    free.go(30min, [](int) { return 200; });
    EXPECT_EQ(free.last.size, 200);
}

TEST(Effectiveness, TriesAgainOnceAfterTheHoldAndThenHoldsTwiceAsLong) {
    FleetRun run(4);
    run.go_until_held();
    const int size = run.last.size;
    const WallTime until = *run.history.growth.held_until;
    EXPECT_EQ(until, run.now - 30s + 30min) << "what was found in one tick holds from the next on";
    run.go(std::chrono::floor<seconds>(until - run.now), [](int) { return 200; });
    EXPECT_EQ(run.last.size, size);
    run.go(30s, [](int) { return 200; });
    EXPECT_GT(run.last.size, size);
    const int tried = run.last.size;
    run.go(10min, [](int) { return 200; });
    EXPECT_EQ(run.last.size, tried) << "one trial at a time";
    EXPECT_TRUE(run.held());
    EXPECT_GT(*run.history.growth.held_until, run.now + 45min);
    EXPECT_EQ(hold_after({}, 3), 30min);
    EXPECT_EQ(hold_after({}, 4), 60min);
    EXPECT_EQ(hold_after({}, 900), 8h);
}

TEST(Effectiveness, DoesNotDisturbGrowthThatHelps) {
    FleetRun run(4);
    // 1600 ms of work to share: 16 instances make 100 ms.
    run.go(2h, [](int serving) { return 1600 / serving; });
    EXPECT_THAT(run.last.brakes, IsEmpty());
    EXPECT_GE(run.last.size, 15);
    EXPECT_EQ(run.history.growth.fruitless, 0);
}

TEST(Effectiveness, DoesNotTakeARushForGrowthThatIsOfNoUse) {
    // Requests double every 10 minutes: the mean of each is hardly better after every step.
    FleetRun run(4);
    run.policy.metrics[0] = {
        .name = "rps",
        .rule = TargetPolicy{.measure = Measure::average_of_total, .target = whole(100)}};
    int total = 400;
    bool ever_held = false;
    while (total < 15'000) {
        run.go(15s, [&](int) { return total; });
        total += total * 18 / 1000 + 1;
        ever_held = ever_held || run.held();
    }
    EXPECT_FALSE(ever_held);
    EXPECT_GT(run.last.size, 100);
}

TEST(Effectiveness, LetsMinAndSchedulesAndFixedSizesHold) {
    FleetRun run(4);
    run.go_until_held();
    const int size = run.last.size;
    run.policy.out.budgets.clear();
    run.policy.metrics.push_back({.name = "floor", .rule = FixedPolicy{.size = size + 3}});
    run.go(15s, [](int) { return 200; });
    EXPECT_EQ(run.last.size, size + 3);
    run.policy.metrics.pop_back();
    run.policy.min = size + 5;
    run.go(15s, [](int) { return 200; });
    EXPECT_EQ(run.last.size, size + 5);
    EXPECT_TRUE(run.held());
}

TEST(Effectiveness, HasNoVerdictOnWhatIsUnknown) {
    FleetRun run(4);
    for (int i = 0; i < 480; ++i) {
        // Seen before each growth, and never once the new instances serve.
        const bool all_warm = std::ranges::all_of(run.membership.instances, &Instance::warmed);
        Observations observed;
        observed.samples["latency"] = sample_of(whole(200));
        if (run.history.growth.trial && !all_warm) observed.samples.clear();
        if (run.history.growth.trial && run.serving() > run.history.growth.trial->before)
            observed.samples.clear();
        run.tick(std::move(observed));
        ASSERT_EQ(run.history.growth.fruitless, 0);
    }
    EXPECT_GT(run.last.size, 4);
}

TEST(Effectiveness, WaitsUntilGrowthIsLargeEnoughToShow) {
    FleetRun run(100);
    run.policy.out.budgets = {{.count = 1, .window = 60s}};
    run.go(10min, [](int) { return 200; });
    EXPECT_EQ(run.history.growth.fruitless, 0) << "from 100 to 110 the most is 9 % better";
    ASSERT_TRUE(run.history.growth.trial.has_value());
    EXPECT_EQ(run.history.growth.trial->before, 100);
    run.go(10min, [](int) { return 200; });
    EXPECT_EQ(run.history.growth.fruitless, 1);
}

TEST(Effectiveness, WaitsForAVerdictThatDoesNotComeForTenMinutesAtMost) {
    const EffectivenessPolicy policy;
    Effectiveness state{.trial = GrowthTrial{.metric = "m", .at = start, .before = 4, .after = 6},
                        .fruitless = 2};
    EXPECT_EQ(awaits_verdict(state, policy, start + 599s), start + 600s);
    EXPECT_EQ(awaits_verdict(state, policy, start + 600s), std::nullopt);
    state.trial->after = 4;
    EXPECT_EQ(awaits_verdict(state, policy, start), std::nullopt) << "too small to show";
    state.trial->after = 6;
    state.fruitless = 1;
    EXPECT_EQ(awaits_verdict(state, policy, start), std::nullopt) << "two more are left";
}

TEST(Effectiveness, ReadsTheLevelThatEachMeasureMeans) {
    const auto level = [](Measure measure, const Sample& sample, int serving) {
        Membership membership{.size = serving};
        for (int i = 0; i < serving; ++i)
            membership.instances.push_back({.id = "lb-" + std::to_string(i)});
        return level_of(
            {.name = "m", .rule = TargetPolicy{.measure = measure}}, sample, membership);
    };
    EXPECT_EQ(level(Measure::value, sample_of(whole(70)), 4), whole(70));
    EXPECT_EQ(level(Measure::average_of_total, sample_of(whole(70)), 4), Micros{17'500'000});
    EXPECT_EQ(level(Measure::average_of_total, sample_of(whole(70)), 0), std::nullopt);
    EXPECT_EQ(level(Measure::value, Sample{}, 4), std::nullopt);
    Sample partial = sample_of(whole(70));
    partial.coverage = Coverage{.seen = 3, .expected = 4};
    EXPECT_EQ(level(Measure::average_of_total, partial, 4), std::nullopt);
    const Sample readings = sample_of({{.instance = "lb-0", .value = whole(30)},
                                       {.instance = "lb-1", .value = whole(50)},
                                       {.instance = "stranger", .value = whole(900)}});
    EXPECT_EQ(level(Measure::average_of_instances, readings, 2), whole(40));
    EXPECT_EQ(level(Measure::average_of_instances, readings, 3), std::nullopt);
    EXPECT_EQ(level(Measure::utilization, readings, 2), whole(4000));
    constexpr Micros most{.count = std::numeric_limits<std::int64_t>::max()};
    EXPECT_EQ(level(Measure::utilization,
                    sample_of({{.instance = "lb-0", .value = most, .capacity = {.count = 1}}}),
                    1),
              most);
}

}  // namespace
}  // namespace muster::scaler
