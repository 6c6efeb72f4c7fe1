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

}  // namespace
}  // namespace muster::scaler::hpa
