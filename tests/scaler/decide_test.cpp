#include "scaler/decide.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace muster::scaler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr WallTime now{std::chrono::hours{500'000}};

std::vector<Instance> serving(int count) {
    std::vector<Instance> all;
    for (int i = 0; i < count; ++i)
        all.push_back({.id = "lb-" + std::to_string(i), .since = now - 24h});
    return all;
}

/// A fleet with one policy: 100 requests a second for each instance.
struct Fleet {
    Policy policy{.min = 2,
                  .max = 20,
                  .metrics = {{.name = "rps",
                               .rule = TargetPolicy{.measure = Measure::average_of_total,
                                                    .target = whole(100)}}},
                  .out = {},
                  .in = {}};
    History history{.last = now - 15s};
    Observations observed;
    Membership membership;

    Fleet(int size, int load) : membership{.size = size, .instances = serving(size)} {
        observed.samples["rps"] = sample_of(whole(load));
    }
    [[nodiscard]] Decision decided() const {
        return decide(policy, history, observed, membership, now);
    }
    [[nodiscard]] int size() const { return decided().size; }
    [[nodiscard]] int size_at(WallTime when) const {
        return decide(policy, history, observed, membership, when).size;
    }
};

std::vector<Cause> causes(const Decision& decision) {
    std::vector<Cause> all;
    for (const Clamp& clamp : decision.clamps) all.push_back(clamp.cause);
    return all;
}

TEST(Decide, GrowsAndShrinksToWhatTheLoadNeeds) {
    EXPECT_EQ(Fleet(4, 520).size(), 6);
    EXPECT_EQ(Fleet(4, 440).size(), 4);
    EXPECT_EQ(Fleet(4, 250).size(), 3);
}

TEST(Decide, SaysWhatEachMetricAskedForAndWhatHeldItBack) {
    Fleet fleet(4, 520);
    fleet.policy.out.budgets = {{.count = 1, .window = 60s}};
    const Decision decision = fleet.decided();
    EXPECT_EQ(decision.was, 4);
    EXPECT_EQ(decision.wanted, 6);
    EXPECT_EQ(decision.size, 5);
    EXPECT_THAT(decision.proposals,
                ElementsAre(Proposal{.metric = "rps", .size = 6, .why = "load of 5.20 instances"}));
    EXPECT_THAT(
        decision.clamps,
        ElementsAre(
            Clamp{.cause = Cause::budget, .before = 6, .after = 5, .why = "1 more may be added"}));
    EXPECT_THAT(decision.next.events, ElementsAre(ScaleEvent{.at = now, .added = 1}));
    EXPECT_EQ(decision.next.last, now);
}

TEST(Decide, TakesTheLargestProposal) {
    Fleet fleet(4, 520);
    fleet.policy.metrics.push_back({.name = "floor", .rule = FixedPolicy{.size = 9}});
    EXPECT_EQ(fleet.size(), 9);
    EXPECT_EQ(fleet.decided().proposals.size(), 2u);
}

TEST(Decide, RaisesOnPartOfTheDataAndNeverLowers) {
    Fleet fleet(4, 100);
    fleet.policy.metrics.push_back(
        {.name = "gone", .rule = TargetPolicy{.measure = Measure::value}});
    EXPECT_EQ(fleet.size(), 4);
    EXPECT_THAT(causes(fleet.decided()), ElementsAre(Cause::partial_data));
    fleet.observed.samples["rps"] = sample_of(whole(900));
    EXPECT_EQ(fleet.size(), 9);
}

TEST(Decide, HoldsWithoutAnyData) {
    Fleet fleet(4, 100);
    fleet.observed.samples.clear();
    EXPECT_EQ(fleet.size(), 4);
    EXPECT_THAT(causes(fleet.decided()), ElementsAre(Cause::no_data));
    fleet.policy.min = 6;
    EXPECT_EQ(fleet.size(), 6);
}

TEST(Decide, DoesNotTakeAStaleSampleForIdleness) {
    Fleet fleet(4, 100);
    fleet.policy.metrics[0].max_age = 60s;
    fleet.observed.samples["rps"].age = 60s;
    EXPECT_EQ(fleet.size(), 2);
    fleet.observed.samples["rps"].age = 61s;
    EXPECT_EQ(fleet.size(), 4);
    EXPECT_EQ(fleet.decided().proposals[0].why, "no sample: stale");
}

TEST(Decide, TakesACrashedInstanceForMissingNotForLessLoad) {
    Fleet fleet(4, 390);
    fleet.observed.samples["rps"] = sample_of(whole(290));
    fleet.observed.samples["rps"].coverage = Coverage{.seen = 3, .expected = 4};
    EXPECT_EQ(fleet.size(), 4);
    fleet.observed.samples["rps"] = sample_of(whole(450));
    fleet.observed.samples["rps"].coverage = Coverage{.seen = 3, .expected = 4};
    EXPECT_EQ(fleet.size(), 6) << "of 150 each";
}

TEST(Decide, CountsReadingsOfOurInstancesAlone) {
    Fleet fleet(3, 0);
    fleet.policy.metrics[0].rule =
        TargetPolicy{.measure = Measure::utilization, .target = whole(50)};
    std::vector<Reading> readings{{.instance = "lb-0", .value = whole(6), .capacity = whole(10)},
                                  {.instance = "lb-1", .value = whole(6), .capacity = whole(10)},
                                  {.instance = "lb-2", .value = whole(6), .capacity = whole(10)}};
    fleet.observed.samples["rps"] = sample_of(readings);
    EXPECT_EQ(fleet.size(), 4) << "60 / 50 * 3 = 3.6";
    readings.push_back({.instance = "stranger", .value = whole(10), .capacity = whole(10)});
    fleet.observed.samples["rps"] = sample_of(readings);
    EXPECT_EQ(fleet.size(), 4);
}

TEST(Decide, CountsInBytesOfLargeMachinesAndNeverOverflows) {
    constexpr std::int64_t terabyte = 1'000'000'000'000;
    Fleet fleet(10, 0);
    fleet.policy.metrics[0].rule =
        TargetPolicy{.measure = Measure::utilization, .target = whole(50)};
    const auto all_use = [&](Micros used, Micros capacity) {
        std::vector<Reading> readings;
        for (const Instance& instance : fleet.membership.instances)
            readings.push_back({.instance = instance.id, .value = used, .capacity = capacity});
        fleet.observed.samples["rps"] = sample_of(readings);
        return fleet.size();
    };
    EXPECT_EQ(all_use(whole(terabyte * 6 / 10), whole(terabyte)), 12);
    EXPECT_EQ(all_use(whole(terabyte * 3 / 10), whole(terabyte)), 6);
    constexpr Micros most{.count = std::numeric_limits<std::int64_t>::max()};
    EXPECT_EQ(all_use(most, {.count = 1}), 20);
    EXPECT_EQ(all_use(most, most), 20);
    EXPECT_EQ(all_use({.count = 1}, most), 2);
    // 10'000 instances of numbers without a common divisor: too large, which is never idleness.
    fleet.membership = {.size = 10'000, .instances = serving(10'000)};
    fleet.policy.max = 10'000;
    EXPECT_EQ(all_use({.count = most.count / 3}, most), 10'000);
    EXPECT_EQ(all_use({.count = 7}, {.count = most.count - 1}), 10'000);
}

TEST(Decide, DoesNotMultiplyInstancesThatWarmUp) {
    Fleet fleet(6, 0);
    fleet.policy.metrics[0].rule = TargetPolicy{.measure = Measure::value, .target = whole(100)};
    fleet.observed.samples["rps"] = sample_of(whole(200));
    for (int i = 4; i < 6; ++i) fleet.membership.instances[i].phase = Phase::warming;
    EXPECT_EQ(fleet.size(), 8) << "2 * 4 that serve";
    fleet.observed.samples["rps"] = sample_of(whole(120));
    EXPECT_EQ(fleet.size(), 6) << "1.2 * 4 is 5: a metric above its target never lowers";
}

TEST(Decide, ActsInsideTheRelativeToleranceByInstances) {
    Fleet fleet(100, 10'500);
    fleet.policy.max = 200;
    EXPECT_EQ(fleet.size(), 100);
    fleet.policy.out.tolerance_instances = 5;
    EXPECT_EQ(fleet.size(), 100);
    fleet.policy.out.tolerance_instances = 4;
    EXPECT_EQ(fleet.size(), 105);
}

TEST(Decide, ChangesByTheStepThatTheValueIsIn) {
    Fleet fleet(10, 0);
    fleet.policy.metrics[0].rule =
        StepPolicy{.steps = {{.from = whole(0), .change = Change::percent, .amount = -5},
                             {.from = whole(10), .change = Change::instances, .amount = 0},
                             {.from = whole(50), .change = Change::percent, .amount = 25},
                             {.from = whole(90), .change = Change::exact, .amount = 18}}};
    const std::pair<int, int> rows[] = {{-1, 10}, {0, 9}, {9, 9}, {10, 10}, {50, 12}, {90, 18}};
    for (const auto& [value, size] : rows) {
        fleet.observed.samples["rps"] = sample_of(whole(value));
        EXPECT_EQ(fleet.size(), size) << value;
    }
}

TEST(Decide, IsPinnedByTheLargestRecommendationOfTheWindow) {
    Fleet fleet(8, 250);
    fleet.policy.in.window = 300s;
    fleet.policy.longest_gap = 1h;
    fleet.history.peaks = {{.at = now - 100s, .size = 6}};
    const Decision decision = fleet.decided();
    EXPECT_EQ(decision.size, 6);
    EXPECT_EQ(decision.pin,
              (Pin{.recommendation = {.at = now - 100s, .size = 6}, .until = now + 200s}));
    EXPECT_THAT(decision.clamps,
                ElementsAre(Clamp{.cause = Cause::stabilization,
                                  .before = 3,
                                  .after = 6,
                                  .why = "6 was recommended in the window",
                                  .until = now + 200s}));
    EXPECT_EQ(fleet.size_at(now + 199s), 6);
    EXPECT_EQ(fleet.size_at(now + 200s), 3);
}

struct TimeRow {
    const char* name;
    std::optional<WallTime> last;
    int size;
};

TEST(Decide, WaitsAWholeWindowWhereThePastIsUnknown) {
    const TimeRow rows[] = {{"an ordinary tick", now - 15s, 3},
                            {"the longest gap", now - 120s, 3},
                            {"a longer gap", now - 121s, 8},
                            {"time went backwards", now + 1s, 8},
                            {"first sight", std::nullopt, 8}};
    for (const TimeRow& row : rows) {
        Fleet fleet(8, 250);
        fleet.policy.in.window = 300s;
        fleet.history.last = row.last;
        const Decision decision = fleet.decided();
        EXPECT_EQ(decision.size, row.size) << row.name;
        if (row.size == 8) {
            ASSERT_TRUE(decision.pin.has_value()) << row.name;
            EXPECT_EQ(decision.pin->until, now + 300s) << row.name;
        }
    }
}

TEST(Decide, DoesNotWaitForATimeThatWasTakenBack) {
    Fleet fleet(8, 250);
    fleet.history = {.events = {{.at = now + 24h, .removed = 2}}, .last = now + 24h};
    fleet.policy.in.budgets = {{.count = 2, .window = 60s}};
    const Decision decision = fleet.decided();
    EXPECT_EQ(decision.size, 8);
    EXPECT_EQ(decision.clamps.back().until, now + 60s);
    EXPECT_THAT(decision.next.events, ElementsAre(ScaleEvent{.at = now, .removed = 2}));
}

TEST(Decide, GrowsAtOnceWhereThePastIsUnknown) {
    Fleet fleet(4, 900);
    fleet.policy.out.window = 60s;
    fleet.history.last.reset();
    EXPECT_EQ(fleet.size(), 9);
}

TEST(Decide, NeverLowersWhileErrorsOrLatencyOrTheUnhealthyShareRise) {
    for (const Trend trend : {Trend::rising, Trend::unknown}) {
        for (Trend Trends::* which : {&Trends::errors, &Trends::latency, &Trends::unhealthy}) {
            Fleet fleet(8, 250);
            fleet.observed.trends.*which = trend;
            EXPECT_EQ(fleet.size(), 8);
            EXPECT_EQ(fleet.decided().vetoes.size(), 1u);
            fleet.observed.samples["rps"] = sample_of(whole(1200));
            EXPECT_EQ(fleet.size(), 12);
            fleet.observed.trends.*which = Trend::steady;
            EXPECT_THAT(fleet.decided().vetoes, IsEmpty());
        }
    }
}

TEST(Decide, LetsNobodyGoWhileOneWarmsUpButNotForEver) {
    Fleet fleet(8, 250);
    fleet.policy.in.warm_up = 120s;
    fleet.membership.instances[7] = {
        .id = "lb-7", .phase = Phase::warming, .since = now - 119s, .warmed = false};
    EXPECT_EQ(fleet.size(), 8);
    EXPECT_EQ(fleet.decided().clamps[0].until, now + 1s);
    fleet.membership.instances[7].since = now - 120s;
    EXPECT_EQ(fleet.size(), 3);
}

TEST(Decide, CoolsDownAfterAChange) {
    Fleet fleet(8, 250);
    fleet.policy.in.cooldown = 600s;
    fleet.history.events = {{.at = now - 599s, .added = 2}};
    EXPECT_EQ(fleet.size(), 8);
    EXPECT_THAT(causes(fleet.decided()), ElementsAre(Cause::cooldown));
    fleet.history.events = {{.at = now - 600s, .added = 2}};
    EXPECT_EQ(fleet.size(), 3);

    Fleet growing(4, 900);
    growing.policy.out.cooldown = 60s;
    growing.history.events = {{.at = now - 30s, .removed = 2}};
    EXPECT_EQ(growing.size(), 9) << "a removal doesn't slow growth down";
    growing.history.events = {{.at = now - 59s, .added = 2}};
    EXPECT_EQ(growing.size(), 4);
}

TEST(Decide, CountsRemovalsGross) {
    Fleet fleet(12, 250);
    fleet.policy.in.budgets = {{.count = 2, .window = 60s}};
    EXPECT_EQ(fleet.size(), 10);
    fleet.history.events = {{.at = now - 40s, .removed = 1}, {.at = now - 20s, .added = 10}};
    EXPECT_EQ(fleet.size(), 11) << "what was added doesn't pay for what was removed";
    EXPECT_EQ(fleet.decided().clamps.back().until, now + 20s);
    fleet.history.events[0].removed = 2;
    EXPECT_EQ(fleet.size(), 12);
}

TEST(Decide, LetsAPercentBudgetMoveASmallFleet) {
    Fleet fleet(6, 200);
    fleet.policy.in.budgets = {{.percent = 10, .window = 60s}};
    EXPECT_EQ(fleet.size(), 5);
    fleet.policy.in.budgets = {{.percent = 0, .window = 60s}};
    EXPECT_EQ(fleet.size(), 6);
    fleet.policy.in.budgets = {{.percent = 50, .window = 60s}, {.count = 2, .window = 600s}};
    EXPECT_EQ(fleet.size(), 4) << "all budgets hold";
}

TEST(Decide, LeavesEnoughInService) {
    Fleet fleet(10, 250);
    fleet.policy.in.max_unavailable = 30;
    EXPECT_EQ(fleet.size(), 7);
    fleet.membership.instances[0].healthy = false;
    fleet.membership.instances.push_back({.id = "lb-10", .phase = Phase::draining});
    EXPECT_EQ(fleet.size(), 9);

    Fleet growing(10, 2000);
    growing.policy.out.max_unavailable = 30;
    growing.membership.instances[0].healthy = false;
    growing.membership.instances[9].phase = Phase::booting;
    EXPECT_EQ(growing.size(), 12) << "the unhealthy one doesn't stand against growth";
}

TEST(Decide, ChangesNothingWhenTooManyLookDead) {
    Fleet fleet(8, 1600);
    for (int i = 0; i < 3; ++i) fleet.membership.instances[i].healthy = false;
    EXPECT_EQ(fleet.size(), 16) << "3 of 8";
    fleet.membership.instances[3].phase = Phase::failed;
    EXPECT_EQ(fleet.size(), 8) << "4 of 8";
    EXPECT_THAT(causes(fleet.decided()), ElementsAre(Cause::breaker));

    Fleet small(6, 1200);
    for (int i = 0; i < 3; ++i) small.membership.instances[i].healthy = false;
    EXPECT_EQ(small.size(), 12) << "3 of 6 are 50 %, but not more than 3";

    Fleet large(9, 1600);
    for (int i = 0; i < 4; ++i) large.membership.instances[i].healthy = false;
    EXPECT_EQ(large.size(), 16) << "4 of 9 are 44 %";
}

TEST(Decide, KeepsMinAndMaxWhateverTheMetricsSay) {
    EXPECT_EQ(Fleet(4, 100'000).size(), 20);
    EXPECT_EQ(Fleet(4, 0).size(), 2);
    Fleet below(1, 100);
    below.policy.out.budgets = {{.count = 0, .window = 60s}};
    EXPECT_EQ(below.size(), 2);
}

TEST(Decide, ComesDownToALoweredMaxByTheRemovalBudget) {
    Fleet fleet(20, 2000);
    fleet.policy.max = 5;
    fleet.policy.in.budgets = {{.count = 3, .window = 60s}};
    EXPECT_EQ(fleet.size(), 17);
    EXPECT_THAT(causes(fleet.decided()), ElementsAre(Cause::above_max, Cause::budget));
}

TEST(Decide, StaysAsItIsWhilePaused) {
    struct Row {
        Pause pause;
        int load;
        int size;
    };
    const Row rows[] = {{Pause::none, 100, 2},
                        {Pause::in, 100, 4},
                        {Pause::in, 900, 9},
                        {Pause::out, 100, 2},
                        {Pause::out, 900, 4},
                        {Pause::all, 100, 4},
                        {Pause::all, 900, 4}};
    for (const Mode mode : {Mode::muster, Mode::hpa}) {
        for (const Row& row : rows) {
            Fleet fleet(4, row.load);
            fleet.policy.mode = mode;
            fleet.policy.out.budgets = {{.count = 100, .window = 15s}};
            fleet.observed.pause = row.pause;
            EXPECT_EQ(fleet.size(), row.size) << row.load;
        }
    }
}

TEST(Decide, IsTheSameForTheSame) {
    Fleet fleet(8, 250);
    fleet.policy.in.window = 300s;
    fleet.history.peaks = {{.at = now - 100s, .size = 6}};
    EXPECT_EQ(fleet.decided(), fleet.decided());
}

}  // namespace
}  // namespace muster::scaler
