// What a fleet's scaling is told when it is applied: each with its place and the reason.
#include "scaler/lint.hpp"

#include "common/config/decode.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace muster::scaler {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

config::FleetSpec fleet_of(const std::string& spec) {
    const config::Decoded decoded = config::decode(
        "kind: Fleet\nname: edge\nspec:\n  listeners: [{name: a, bind: \":80\", group: web}]\n" +
        spec);
    for (const config::Problem& problem : decoded.problems)
        ADD_FAILURE() << to_string(problem) << "\n" << spec;
    return decoded.fleets.empty() ? config::FleetSpec{} : decoded.fleets[0];
}

/// As a cluster of 2 nodes knows it.
LintFacts two_nodes() {
    LintFacts facts;
    facts.providers.emplace();
    (*facts.providers)["local"] = {"n1", "n2"};
    (*facts.providers)["cloud"] = {"n1"};
    (*facts.providers)["gone"] = {};
    facts.time_zone_problem = [](std::string_view zone) -> std::optional<std::string> {
        if (zone == "UTC" || zone == "Europe/Berlin") return std::nullopt;
        return fmt::format("is {}, which is no time zone here", zone);
    };
    return facts;
}

std::vector<std::string> said(const std::string& spec, const LintFacts& facts = two_nodes()) {
    std::vector<std::string> texts;
    for (const Finding& finding : lint(fleet_of(spec), facts))
        texts.push_back(fmt::format("{} {}: {}",
                                    finding.severity == Severity::refused ? "refused" : "warning",
                                    finding.path,
                                    finding.what));
    return texts;
}

/// Fields of `scaling` around what a row is about.
std::string scaling(const std::string& fields) {
    return "  scaling: {shadow: true, " + fields + "}\n";
}
std::string metric(const std::string& fields, const std::string& more = "") {
    return scaling("min: 2, max: 8, metrics: [{name: a, " + fields + "}]" + more);
}
std::string query(const std::string& text) {
    return metric("query: '" + text + "', target: {total_average: 100}");
}
std::string per_instance(const std::string& text) {
    return metric("query: '" + text + "', target: {average: 100}");
}
std::string behaviour(const std::string& fields) {
    return metric("query: q, target: {total_average: 1}", ", " + fields);
}
std::string provider(const std::string& fields, const std::string& more = "") {
    return "  provider: {" + fields + "}\n  scaling: {min: 2, max: 2}\n" + more;
}

struct Row {
    std::string name;
    std::string spec;
    std::vector<std::string> findings;  ///< parts of the texts, in their order
};

std::vector<Row> query_rows() {
    const std::string refused = "refused spec.scaling.metrics[0].query: ";
    const std::string warned = "warning spec.scaling.metrics[0].query: ";
    return {
        {"AnOpenBracket", query("sum(a"), {refused + "has a ( at byte 4 that is never closed"}},
        {"AnOpenSelector", query("a{b=\"c\""), {refused + "has a { at byte 2 that is never"}},
        {"AnOpenRange",
         query("rate(a[1m)"),
         {refused + "has a ) at byte 10, where the [ of byte 7"}},
        {"ABracketTooMany", query("sum(a))"), {refused + "has a ) at byte 7 that nothing opens"}},
        {"TheWrongBracket",
         query("sum(a]"),
         {refused + "has a ] at byte 6, where the ( of byte 4"}},
        {"AnOpenText", query("a{b=\"c}"), {refused + "has a \" at byte 5 that is never closed"}},
        {"AnOpenRawText", query("a{b=`c}"), {refused + "has a ` at byte 5 that is never closed"}},
        {"ATextOverTwoLines",
         metric("query: \"a{b=\\\"c\\n\\\"}\", target: {total_average: 1}"),
         {refused + "has a \" at byte 5 that is never closed"}},
        {"AVariableOfGrafana",
         query("rate(a[$__rate_interval])"),
         {refused + "has a $ at byte 8; variables are Grafana's"}},
        {"ASemicolon", query("a; b"), {refused + "has a ; at byte 2, which PromQL doesn't have"}},
        {"ALetterThatIsNone", query("größe"), {refused + "has a character at byte 3"}},
        {"OnlyAComment", query("# a"), {refused + "has nothing but comments"}},
        {"AFunctionThatIsNearlyOne",
         query("summ(a)"),
         {refused + "calls summ at byte 1, which is no function of PromQL; did you mean sum?"}},
        {"AFunctionInCapitals",
         query("sum(RATE(a[1m]))"),
         {refused + "calls RATE at byte 5, which is no function of PromQL"}},
        {"AFunctionOfAnother",
         query("sum(per_second_of(a))"),
         {refused + "calls per_second_of at byte 5, which is no function of PromQL"}},
        {"TwoUnknownFunctions",
         query("foo_bar(a) + bar_foo(b)"),
         {refused + "calls foo_bar at byte 1", refused + "calls bar_foo at byte 14"}},
        {"ANewerFunction",
         query("max(mad_over_time(a[1m]))"),
         {warned + "calls mad_over_time at byte 5, which Prometheus 2.42 doesn't have"}},
        {"ADefaultOfNothing",
         query("sum(a) or vector(0)"),
         {warned + "ends in `or vector(...)`, which makes a broken exporter look idle"}},
        {"ADefaultThatMatchesNoLabel", query("sum(a) or on() vector(0)"), {warned + "ends in `or"}},
        {"ACounterAsItIs",
         query("sum(requests_total{a=\"b_total\"})"),
         {warned + "reads requests_total as it is, and a counter only rises; write "
                   "rate(requests_total[1m])"}},
        {"ACounterOverTime",
         query("avg_over_time(x_total[1m])"),
         {warned + "reads x_total as it is"}},
        {"ManySeries",
         query("sum by (instance_id) (a)"),
         {warned + "gives a series for each value of instance_id, where one value is needed; write "
                   "sum without `by`, or a reducer"}},
        {"ManySeriesOfWhatIsLeft",
         query("sum(a) without (job)"),
         {warned + "gives a series for each value of the labels that `without` leaves"}},
        {"ALabelThatIsDropped",
         per_instance("sum(a)"),
         {refused + "drops the label instance_id, by which the values of the instances are told "
                    "apart; write sum by (instance_id) (...)"}},
        {"NoLabelAtAll",
         metric("query: a, instance_label: '', target: {average: 7}"),
         {refused + "is of each instance, and instance_label is empty"}},
        {"NoLabelWhereNoneIsNeeded",
         metric("query: sum(a), instance_label: '', target: {total_average: 7}"),
         {}},
        {"AnotherLabelThatIsKept",
         per_instance("avg by (job) (a)"),
         {refused + "drops the label instance_id"}},
        {"ALabelThatIsLeftOut",
         per_instance("max(a) without (instance_id)"),
         {refused + "drops the label instance_id"}},
        {"ACapacityOfAll",
         metric("query: a, capacity_query: sum(b), target: {utilization: 70}"),
         {"refused spec.scaling.metrics[0].capacity_query: drops the label instance_id"}},
        {"ASumThatIsKeptAtAValue",
         metric("query: 'sum(rate(a_total[1m]))', target: {value: 100}"),
         {warned + "is a sum over the fleet, which doesn't fall when the fleet grows"}},
        {"ARangeThatIsTooShort",
         query("sum(rate(a_total[20s]))"),
         {warned + "has a range of 20s, in which there may be fewer than 2 scrapes of every 15s, "
                   "so no value; must be at least 30s, better 1m"}},
        {"AWarmUpShorterThanARange",
         query("sum(rate(a_total[5m]))"),
         {"warning spec.scaling.warm_up: is 2m, and spec.scaling.metrics[0].query knows all of a "
          "new LB's load only after 5m35s (5s until it is scraped, 2 scrapes of every 15s, and a "
          "range of 5m)"}},
        {"AWarmUpShorterThanTwoScrapes",
         metric("query: a, target: {total_average: 1}", ", warm_up: 30s"),
         {"warning spec.scaling.warm_up: is 30s, and spec.scaling.metrics[0].query knows all of a "
          "new LB's load only after 35s (5s until it is scraped, 2 scrapes of every 15s)"}},
        {"AWarmUpOfAnHpa",
         scaling("mode: hpa, max: 8, metrics: [{name: a, query: 'rate(b[10m])', target: "
                 "{utilization: 50}}]"),
         {"warning spec.scaling.warm_up: is 2m"}},
        {"AGuardThatCantBeRead",
         behaviour("errors: {query: 'sum(a'}"),
         {"refused spec.scaling.errors.query: has a ( at byte 4"}},
        {"AGuardOfEachInstance",
         behaviour("latency: {query: max by (x) (a)}"),
         {"warning spec.scaling.latency.query: gives a series for each value of x"}},
        {"AGuardOfACounter",
         behaviour("errors: {query: sum(errors_total)}"),
         {"warning spec.scaling.errors.query: reads errors_total as it is"}},
        {"AGuardThatSeesOneDecision",
         behaviour("period: 1m, errors: {query: a, window: 1m}"),
         {"refused spec.scaling.errors.window: is 1m, and there are decisions every 1m"}},
    };
}

std::vector<Row> size_rows() {
    return {
        {"AFloorAtMin",
         metric("fixed: 2"),
         {"warning spec.scaling.metrics[0].fixed: is 2, and min is 2 at any time, so it changes "
          "nothing"}},
        {"AScheduleBelowMin",
         metric("schedule: {entries: [{start: \"0 8 * * *\", length: 1h, size: 4}, {start: \"0 9 * "
                "* *\", length: 1h, size: 1}]}"),
         {"warning spec.scaling.metrics[0].schedule.entries[1].size: is 1, and min is 2"}},
        {"AnUnknownTimeZone",
         metric("schedule: {time_zone: Europe/Berlim, entries: [{start: \"0 8 * * *\", length: 1h, "
                "size: 4}]}"),
         {"refused spec.scaling.metrics[0].schedule.time_zone: is Europe/Berlim"}},
        {"AStepBelowMin",
         metric("query: q, steps: [{from: 0, size: 1}]"),
         {"warning spec.scaling.metrics[0].steps[0].size: is 1, and min is 2"}},
        {"StepsThatFall",
         metric("query: q, steps: [{from: 0, add: -1}, {from: 5, add: -2}]"),
         {"warning spec.scaling.metrics[0].steps[1]: asks for less than the step before it"}},
        {"StepsThatAddAgainAndAgain",
         metric("query: q, steps: [{from: 0, add: -1}, {from: 5, add: 2}]"),
         {"warning spec.scaling.out.cooldown: is 0s, and spec.scaling.metrics[0].steps adds LBs "
          "again every 15s until those that it added take load; must be at least warm_up, 2m"}},
        {"StepsThatOnlyAdd",
         metric("query: q, steps: [{from: 5, add: 2}]", ", out: {cooldown: 2m}"),
         {"warning spec.scaling.metrics[0].steps: never ask for fewer LBs, so the fleet only "
          "grows"}},
        {"AUtilizationOfMoreThanAll",
         metric("query: q, target: {utilization: 120}"),
         {"warning spec.scaling.metrics[0].target.utilization: is 120 percent"}},
        {"AForecastThatComesTooLate",
         metric("query: q, forecast: {total_average: 1, ahead: 1m}"),
         {"warning spec.scaling.metrics[0].forecast.ahead: is 1m, and an LB warms up for 2m"}},
        {"AForecastOfMoreThanIsKept",
         metric("query: q, forecast: {total_average: 1, season: 168h, seasons: 4}"),
         {"warning spec.scaling.metrics[0].forecast.seasons: look back 672h, and Prometheus keeps "
          "360h"}},
        {"AForecastOfOneDecision",
         metric("query: q, forecast: {total_average: 1, season: 1h, ahead: 2m}",
                ", period: 1h, in: {window: 2h}"),
         {"refused spec.scaling.metrics[0].forecast.season: is 1h, and there are decisions every "
          "1h"}},
        {"SamplesThatAreTooOldAtOnce",
         metric("query: q, max_age: 20s, target: {total_average: 1}"),
         {"warning spec.scaling.metrics[0].max_age: is 20s, and scrapes come every 15s"}},
        {"AMissingPercentOfNoLb",
         metric("query: q, missing_percent: 1, target: {total_average: 1}"),
         {"warning spec.scaling.metrics[0].missing_percent: is 1 percent, which is no LB at any "
          "size up to max"}},
        {"DecisionsBetweenScrapes",
         behaviour("period: 5s"),
         {"warning spec.scaling.period: is 5s, and scrapes come every 15s"}},
        {"NothingToChoose",
         scaling("min: 3, max: 3, metrics: [{name: a, query: q, target: {total_average: 1}}]"),
         {"warning spec.scaling.metrics: change nothing, for min and max are both 3"}},
        {"AWindowOfOneDecision",
         behaviour("in: {window: 15s}"),
         {"warning spec.scaling.in.window: is 15s, and there are decisions every 15s, so one low "
          "sample removes LBs"}},
        {"ABudgetOfLongerThanIsKept",
         behaviour("out: {budgets: [{count: 2, window: 1m}, {count: 4, window: 2h}]}"),
         {"warning spec.scaling.out.budgets[1].window: is 2h, and of decisions every 15s the "
          "changes of 1h are kept one by one"}},
        {"ABudgetOfLessThanADecision",
         behaviour("in: {budgets: [{count: 1, window: 5s}]}"),
         {"warning spec.scaling.in.budgets[0].window: is 5s, and there are decisions every 15s"}},
        {"APercentThatIsAlwaysOne",
         behaviour("in: {budgets: [{percent: 10}]}"),
         {"warning spec.scaling.in.budgets[0].percent: is 10, which is 1 LB at any size up to max, "
          "8; write count: 1"}},
        {"AnUnavailablePercentThatIsAlwaysOne",
         behaviour("out: {max_unavailable: 20}"),
         {"warning spec.scaling.out.max_unavailable: is 20 percent, which is 1 LB"}},
        {"AToleranceThatHoldsSmallFleets",
         behaviour("out: {tolerance: 0.5}"),
         {"warning spec.scaling.out.tolerance: is 0.5: 2 LBs, the smallest fleet, don't become "
          "more while up to 3 are needed; write tolerance_instances: 0"}},
        {"AToleranceThatRemovesNothing",
         behaviour("in: {tolerance: 1}"),
         {"warning spec.scaling.in.tolerance: is 1, so no LB is ever removed"}},
        {"AToleranceThatRemovesLate",
         behaviour("in: {tolerance: 0.75}"),
         {"warning spec.scaling.in.tolerance: is 0.75: nothing is removed until only 0.25"}},
    };
}

std::vector<Row> provider_rows() {
    return {
        {"AProviderThatIsNearlyOne",
         provider("name: locall"),
         {"refused spec.provider.name: is locall, which no node offers; did you mean local?"}},
        {"AProviderThatNobodyKnows",
         provider("name: kubernetes"),
         {"refused spec.provider.name: is kubernetes, which no node offers; there are cloud, "
          "local"}},
        {"AProviderThatNobodyOffersNow",
         provider("name: gone"),
         {"refused spec.provider.name: is gone, which no node offers"}},
        {"AHostThatDoesntOfferIt",
         provider("name: local, hosts: [n1, n9]"),
         {"warning spec.provider.hosts[1]: is n9, a node that doesn't offer local now"}},
        {"NoHostThatOffersIt",
         provider("name: cloud, hosts: [n2]"),
         {"warning spec.provider.hosts[0]: is n2",
          "refused spec.provider.hosts: has no node that offers cloud; there is n1"}},
        {"ADrainShorterThanTheTtl",
         provider("name: local, drain_timeout: 1m",
                  "  dns: [{name: a.test, ttl: 10s}, {name: b.test, ttl: 40s}]\n"),
         {"refused spec.provider.drain_timeout: is 1m, so an LB is stopped while clients that have "
          "its address in a cache still come; must be at least 1m10s, the largest TTL of dns (40s) "
          "and grace (30s)"}},
        {"ADrainShorterThanTheGrace",
         provider("name: local, drain_timeout: 20s"),
         {"refused spec.provider.drain_timeout: is 20s"}},
        {"ACreationThatNoProbeCanEnd",
         provider("name: local, create_timeout: 10s", "  health: {interval: 8s, rise: 2}\n"),
         {"refused spec.provider.create_timeout: is 10s, and an LB is healthy after 2 probes, one "
          "every 8s; must be more than 16s"}},
    };
}

std::vector<Row> all_rows() {
    std::vector<Row> rows = query_rows();
    for (const auto& more : {size_rows(), provider_rows()})
        rows.insert(rows.end(), more.begin(), more.end());
    return rows;
}

class Lint : public testing::TestWithParam<Row> {};

TEST_P(Lint, SaysWhatIsWrongAndWhere) {
    const std::vector<std::string> texts = said(GetParam().spec);
    ASSERT_EQ(texts.size(), GetParam().findings.size()) << testing::PrintToString(texts);
    for (std::size_t i = 0; i < texts.size(); ++i)
        EXPECT_THAT(texts[i], HasSubstr(GetParam().findings[i]));
}

INSTANTIATE_TEST_SUITE_P(Rows, Lint, testing::ValuesIn(all_rows()), [](const auto& row) {
    return row.param.name;
});

TEST(LintRows, AreAtLeast60OfWhichNoTwoAreEqual) {
    std::set<std::string> specs;
    for (const Row& row : all_rows()) EXPECT_TRUE(specs.insert(row.spec).second) << row.name;
    EXPECT_GE(specs.size(), 60U);
}

TEST(LintOfAGoodFleet, SaysNothing) {
    for (const std::string& spec : {
             std::string(),
             provider("name: local, hosts: [n1, n2]", "  dns: [{name: a.test}]\n"),
             provider("name: cloud"),
             per_instance("sum by (instance_id) (haproxy_frontend_current_sessions{fleet=\"e\"})"),
             per_instance("avg without (cpu) (rate(cpu_seconds_total[1m]))"),
             per_instance("topk(9, a)"),
             per_instance("sum by (\"instance_id\") (a)"),
             per_instance("a / on(instance_id) b"),
             query("sum(rate(haproxy_frontend_http_requests_total[1m])) # all"),
             query("SUM(irate(a_total[1h])) or vector(0) and on() (up{job=\"lb\"} == 1)"),
             query("histogram_quantile(0.99, sum by (le) (rate(a_bucket[1m])))"),
             query("max_over_time(sum(rate(a_total[1m]))[1h:30s] @ end() offset -5m)"),
             query("count by () (requests_total)"),
             query("sum(a{b=~\"x{2}[)]\", c!=`\\`}) * 1.5e-3 + 0x1f - .5 > bool -Inf"),
             metric("query: 'sum(rate(a_sum[1m])) / sum(rate(a_count[1m]))', target: {value: 1}"),
             metric("query: sum by (a) (b), reducer: max, target: {total_average: 1}"),
             metric("query: q, steps: [{from: 0, add: -1}, {from: 5, add: 2}, {from: 9, size: 8}]",
                    ", out: {cooldown: 2m}"),
             metric("schedule: {time_zone: Europe/Berlin, entries: [{start: \"0 8 * * 1-5\", "
                    "length: 10h, size: 4}]}"),
             metric("query: q, forecast: {total_average: 1}"),
             scaling("mode: hpa, max: 100, metrics: [{name: a, query: 'rate(b[30m])', target: "
                     "{average: 50}}]"),
             behaviour("in: {budgets: [{percent: 25}]}, out: {budgets: [], tolerance: 0.5, "
                       "tolerance_instances: 0}"),
         })
        EXPECT_THAT(said(spec), IsEmpty()) << spec;
}

TEST(LintOfAClusterThatIsNotKnown, HoldsNothingAgainstIt) {
    EXPECT_THAT(said(provider("name: locall, hosts: [n9]"), {}), IsEmpty());
    EXPECT_THAT(said(metric("schedule: {time_zone: Nowhere, entries: [{start: \"0 8 * * *\", "
                            "length: 1h, size: 4}]}"),
                     {}),
                IsEmpty());
    LintFacts none;
    none.providers.emplace();
    EXPECT_EQ(said(provider("name: local"), none),
              std::vector<std::string>{
                  "refused spec.provider.name: is local, which no node offers; none has "
                  "`providers` in its settings"});
}

TEST(LintQuery, IsForOneByItself) {
    EXPECT_THAT(lint_query("sum(rate(a[1m]))", "query"), IsEmpty());
    const Finding misspelt{
        .severity = Severity::refused,
        .path = "query",
        .what = "calls summ at byte 1, which is no function of PromQL; did you mean sum?"};
    EXPECT_EQ(lint_query("summ(a)", "query"), std::vector{misspelt});
}

/// Words, brackets and bytes in any order.
std::string any_query(std::mt19937_64& random) {
    constexpr auto parts = std::to_array<std::string_view>(
        {"sum",   "by",   "without", "(",  ")",    "[",    "]",       "{",     "}",    "or",
         "on",    "rate", "vector",  "0",  "5m",   ":",    "@",       "start", "a",    "x_total",
         "\"b\"", "`c`",  "'",       "\\", "#",    "\n",   "1e-",     "0x",    "$",    "foo_bar",
         ",",     "/",    "and",     " ",  "\xff", "topk", "offset ", "9999y", "1.2e", "="});
    std::string query;
    for (auto left = random() % 40; left > 0; --left) query += parts[random() % parts.size()];
    return query;
}

TEST(LintQuery, TakesAnyText) {
    std::mt19937_64 random(20260302);
    int clean = 0;
    for (int i = 0; i < 50'000; ++i) {
        const std::string text = any_query(random);
        config::FleetSpec fleet;
        fleet.scaling.emplace();
        fleet.scaling->metrics = {
            {.name = "a", .query = text, .rule = config::TargetRule{}},
            {.name = "b",
             .query = text,
             .capacity_query = text,
             .rule = config::TargetRule{.measure = config::ScalingMeasure::utilization}}};
        const std::vector<Finding> findings = lint(fleet, {});
        for (const Finding& finding : findings)
            ASSERT_TRUE(finding.path.starts_with("spec.scaling.")) << text;
        EXPECT_LE(findings.size(), 40U) << text;
        if (lint_query(text, "query").empty()) ++clean;
    }
    EXPECT_GT(clean, 500) << "otherwise hardly any came further than the scanner";
}

}  // namespace
}  // namespace muster::scaler
