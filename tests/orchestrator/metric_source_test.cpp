#include "orchestrator/metric_source.hpp"

#include "common/config/decode.hpp"
#include "scaler/spec_policy.hpp"
#include "tests/scaler/prometheus_world.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

namespace prometheus = scaler::prometheus;
namespace world = scaler::prometheus::test;

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

constexpr int lbs = 20;

struct Broken {
    const char* name;
    const char* value = "20";               ///< of the LBs that are broken
    const char* scraped = "1795325280.25";  ///< 5 s ago
    int many = 1;
    bool silent = false;  ///< no series at all
    const char* warnings = "";
};

/// Of 20 LBs that report 20 each, but for the first, and a target of 100. `spec`: of the metric.
int size_of_20(const std::string& spec, const Broken& broken) {
    const config::Decoded decoded = config::decode(
        "kind: Fleet\nname: edge\nspec:\n  listeners: [{name: a, bind: \":80\", group: web}]\n"
        "  scaling: {shadow: true, max: 20, in: {window: 0s, budgets: []},\n"
        "    metrics: [{name: load, " +
        spec + "}]}\n");
    for (const config::Problem& problem : decoded.problems) ADD_FAILURE() << to_string(problem);
    const config::ScalingSpec scaling = decoded.fleets.at(0).scaling.value();
    const scaler::Membership fleet = world::fleet_of(lbs);

    std::vector<std::pair<std::string, std::string>> values;
    std::vector<std::pair<std::string, std::string>> ages;
    for (int i = 1; i <= lbs; ++i) {
        const bool is_broken = i <= broken.many;
        if (is_broken && broken.silent) continue;
        values.emplace_back(world::named(i), is_broken ? broken.value : "20");
        ages.emplace_back(world::named(i) + R"(,"muster_selector":"0")",
                          is_broken ? broken.scraped : "1795325280.25");
    }
    world::Replies replies;
    replies.age.body = world::vector_of(ages);
    // Where the query has added up, Prometheus leaves out who has no series.
    if (scaling.metrics[0].query.starts_with("sum"))
        values = {{"", std::to_string(20 * values.size())}};
    replies.value.body = world::vector_of(values);
    replies.value.body.insert(1, broken.warnings);

    scaler::Observations observed;
    for (const prometheus::MetricQuery& query : queries_of(scaling))
        observed.samples[query.name] = sample_of_answers(query,
                                                         prometheus::roster_of(fleet),
                                                         world::asked,
                                                         {.value = read_answer(replies.value),
                                                          .age = read_answer(replies.age)})
                                           .sample;
    return decide(scaler::policy_of(scaling),
                  {.last = world::asked - std::chrono::seconds(15)},
                  observed,
                  fleet,
                  world::asked)
        .size;
}

const char* const kinds[] = {
    "query: load, target: {average: 100}",
    "query: load, target: {utilization: 100}",
    "query: load, reducer: sum, target: {total_average: 100}",
};
const std::string aggregated = "query: sum(load), target: {total_average: 100}";

TEST(MissingPercent, LetsAFleetShrinkAlthoughAnLbReportsNothingThatCanBeUsed) {
    const std::vector<Broken> all = {{.name = "NaN", .value = "NaN"},
                                     {.name = "infinite", .value = "+Inf"},
                                     {.name = "negative", .value = "-1"},
                                     {.name = "stale", .scraped = "1795325100"},
                                     {.name = "of tomorrow", .scraped = "1795411680"},
                                     {.name = "silent", .silent = true}};
    for (const std::string kind : kinds) {
        EXPECT_EQ(size_of_20(kind, {.name = "", .many = 0}), 4) << kind;
        for (const Broken& broken : all) {
            EXPECT_EQ(size_of_20(kind, broken), lbs) << kind << ": " << broken.name;
            EXPECT_EQ(size_of_20(kind + ", missing_percent: 5", broken), 5)
                << kind << ": 19 * 20, and the target for " << broken.name;
        }
    }
    EXPECT_EQ(size_of_20(aggregated, {.name = "stale", .scraped = "1795325100"}), lbs);
    EXPECT_EQ(
        size_of_20(aggregated + ", missing_percent: 5", {.name = "stale", .scraped = "1795325100"}),
        5);
    EXPECT_EQ(size_of_20(aggregated + ", missing_percent: 5", {.name = "", .silent = true}), 5);
}

TEST(MissingPercent, HoldsWhereMoreIsMissingOrNobodyKnowsHowMuch) {
    const char* const warning = R"("warnings":["store s3 is gone"],)";
    for (const std::string kind : kinds) {
        const std::string allowed = kind + ", missing_percent: 10";
        EXPECT_EQ(size_of_20(allowed, {.name = "", .value = "NaN", .many = 2}), 6)
            << "18 * 20, and the target for each of two";
        EXPECT_EQ(size_of_20(allowed, {.name = "", .value = "NaN", .many = 3}), lbs);
        EXPECT_EQ(size_of_20(allowed, {.name = "", .many = 3, .silent = true}), lbs);
        EXPECT_EQ(size_of_20(allowed, {.name = "", .many = 0, .warnings = warning}), lbs);
        EXPECT_EQ(size_of_20(allowed, {.name = "", .value = "NaN", .warnings = warning}), lbs);
        EXPECT_EQ(size_of_20(allowed, {.name = "", .value = "NaN", .many = lbs}), lbs);
    }
}

TEST(MissingPercent, CountsWhoIsMissingTwiceTheMeanOfTheOthers) {
    EXPECT_EQ(size_of_20("query: load, missing_percent: 5, target: {average: 25}",
                         {.name = "", .value = "NaN"}),
              17)
        << "19 * 20 + 2 * 20 = 420";
}

}  // namespace
}  // namespace muster::orchestrator
