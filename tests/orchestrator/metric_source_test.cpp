#include "orchestrator/metric_source.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace muster::orchestrator {
namespace {

TEST(MetricSource, AsksForWhatTheFleetSays) {
    config::ScalingSpec scaling;
    scaling.metrics = {{.name = "rps",
                        .query = "job:rps",
                        .freshness = "requests_total",
                        .rule = config::TargetRule{.target = "9"}},
                       {.name = "floor", .rule = config::FixedRule{.size = 2}}};
    scaling.errors = config::ScalingGuard{.query = "job:errors", .freshness = "uptime"};
    const auto queries = queries_of(scaling);
    ASSERT_EQ(queries.size(), 2U);
    EXPECT_EQ(queries[0].query, "job:rps");
    EXPECT_EQ(queries[0].freshness, "requests_total");
    EXPECT_EQ(queries[0].max_age, std::chrono::seconds(60));
    EXPECT_EQ(queries[1].query, "job:errors");
    EXPECT_EQ(queries[1].freshness, "uptime");
    EXPECT_EQ(queries[1].instance_label, "") << "errors may be of anything";
}

}  // namespace
}  // namespace muster::orchestrator
