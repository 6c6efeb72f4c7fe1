#include "scaler/decide.hpp"
#include "tests/scaler/hpa_limit_rows.hpp"
#include "tests/scaler/hpa_metric_rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster::scaler::hpa {
namespace {

History history_of(const Past& past) {
    History history;
    if (past.first_sight) return history;
    history.last = now - 15s;
    for (const auto& [age, size] : past.recommended) {
        history.peaks.push_back({.at = now - age, .size = size});
        history.troughs.push_back({.at = now - age, .size = size});
    }
    for (const auto& [age, change] : past.changed)
        history.events.push_back(
            {.at = now - age, .added = std::max(0, change), .removed = std::max(0, -change)});
    return history;
}

Decision decided(const Row& row) {
    Policy policy{.mode = Mode::hpa, .min = row.min, .max = row.max, .out = row.out, .in = row.in};
    Observations observed;
    for (const auto& [metric, sample] : row.metrics) {
        policy.metrics.push_back(metric);
        observed.samples.emplace(metric.name, sample);
    }
    return decide(
        policy, history_of(row.past), observed, {.size = row.n, .instances = row.pods}, now);
}

class HpaTable : public testing::TestWithParam<Row> {};

TEST_P(HpaTable, DecidesAsKubernetesDoes) {
    const Row& row = GetParam();
    const Decision decision = decided(row);
    EXPECT_EQ(decision.size, row.expected) << row.name << " (" << row.cites << ")";
    EXPECT_EQ(decision.was, row.n);
}

std::vector<Row> all_rows() {
    std::vector<Row> all;
    for (auto* rows :
         {utilization_rows, instance_rows, total_rows, combination_rows, window_rows, rate_rows})
        for (Row& row : rows()) all.push_back(std::move(row));
    return all;
}

INSTANTIATE_TEST_SUITE_P(Rules, HpaTable, testing::ValuesIn(all_rows()));

TEST(HpaRows, AreAtLeastSixtyAndCiteARule) {
    const std::vector<Row> all = all_rows();
    EXPECT_GE(all.size(), 60u);
    for (const Row& row : all) EXPECT_NE(std::string(row.cites), "") << row.name;
}

/// The row's metric, of `seen` of its pods.
Decision covered(Row row, int seen) {
    row.metrics.front().second.coverage = Coverage{.seen = seen, .expected = row.n};
    return decided(row);
}

struct Shrinking {
    const char* name;
    Metric metric;
    int expected;  ///< of the five pods, while one doesn't report
    int wanted = expected;
};

TEST(HpaGuard, MissingInstancesLowerNothingButWhereKubernetesCountsThemAgainstIt) {
    const std::vector<Shrinking> rows = {
        {"a total", total(100, 320), 5, 4},
        {"a value", ratio(100, 40), 5, 2},
        {"pods at exactly the target, where the missing one counts as 0: 8/10 * 5",
         each(10'000, {10'000, 10'000, 10'000, 10'000, -1}),
         5,
         4},
        {"pods below the target, the missing one at it: 6/10 * 5",
         each(10'000, {5'000, 5'000, 5'000, 5'000, -1}),
         3},
        {"utilization, the missing one at 100 %: 180/500 = 36 %, 36/60 * 5",
         cpu(60, {200, 200, 200, 200, -1}),
         3},
    };
    for (const Shrinking& row : rows) {
        const Decision decision = covered({row.name, "", 5, 0, pods(5), {row.metric}}, 4);
        EXPECT_EQ(decision.proposals.front().size, row.wanted) << row.name;
        EXPECT_EQ(decision.size, row.expected) << row.name;
        EXPECT_EQ(decision.proposals.front().complete, row.expected == row.wanted) << row.name;
    }
}

TEST(HpaGuard, SaysWhatHeldTheSizeAndWhy) {
    const Decision decision = covered({"", "", 4, 0, pods(4), {total(100, 200)}}, 2);
    EXPECT_EQ(decision.size, 4) << "two exporters of four are gone, and half of the load with them";
    EXPECT_EQ(decision.proposals.front().why, "total by the target of each; 2 of 4 report");
    EXPECT_EQ(decision.clamps,
              (std::vector<Clamp>{{.cause = Cause::partial_data,
                                   .before = 2,
                                   .after = 4,
                                   .why = "data of total is missing: may raise, not lower"}}));
}

TEST(HpaGuard, WhatIsThereOfATotalMayRaise) {
    EXPECT_EQ(covered({"", "", 4, 0, pods(4), {total(100, 520)}}, 2).size, 6);
    EXPECT_EQ(covered({"", "", 4, 0, pods(4), {total(100, 200)}}, 4).size, 2);
}

}  // namespace
}  // namespace muster::scaler::hpa
