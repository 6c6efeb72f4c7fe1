#include "scaler/prometheus_reply.hpp"

#include "tests/scaler/prometheus_world.hpp"

#include <gmock/gmock.h>

// Replies as they should be; corrupted ones are in prometheus_corruption_test.cpp.
namespace muster::scaler::prometheus::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

/// "0": the first selector of the query.
std::string age_of(int instance, const std::string& selector = "0") {
    return named(instance) + R"(,"muster_selector":")" + selector + "\"";
}

TEST(PrometheusReply, TakesTheOldestAgeOfWhatItUses) {
    Replies replies = clean_replies(Kind::reduced);
    replies.age.body = vector_of({{age_of(1), "1795325284.5"},
                                  {age_of(2), "1795325244.5"},
                                  {age_of(3), "1795325264.5"},
                                  {age_of(4), "1795325284.5"}});
    EXPECT_EQ(sample_of(Kind::reduced, replies, 20).sample.age, 40s);
    MetricQuery strict = query_of(Kind::reduced);
    strict.max_age = 30s;
    replies.value = with_load(replies.value, Kind::reduced, 20);
    const MetricSample found = sample_of(strict, replies);
    EXPECT_EQ(found.sample.age, 20s);
    EXPECT_EQ(found.sample.value, whole(60));
    EXPECT_EQ(found.sample.coverage, (Coverage{.seen = 3, .expected = 4}));
    EXPECT_THAT(found.left_out, ElementsAre(Pair("lb-2", Flaw::stale)));
}

TEST(PrometheusReply, ReducesSeriesOfTheFleet) {
    Replies replies = clean_replies(Kind::reduced);
    replies.value.body =
        vector_of({{named(1), "1"}, {named(2), "2"}, {named(3), "3"}, {named(4), "4.00001"}});
    const auto by = [&](config::Reducer reducer) {
        MetricQuery query = query_of(Kind::reduced);
        query.reducer = reducer;
        return sample_of(query, replies).sample.value;
    };
    EXPECT_EQ(by(config::Reducer::sum), (Micros{10'000'010}));
    EXPECT_EQ(by(config::Reducer::max), (Micros{4'000'010}));
    EXPECT_EQ(by(config::Reducer::min), whole(1));
    EXPECT_EQ(by(config::Reducer::avg), (Micros{2'500'003})) << "rounded up";
}

TEST(PrometheusReply, ReducesSeriesOfEachInstance) {
    Replies replies = clean_replies(Kind::instances);
    replies.value.body = vector_of({{named(1) + R"(,"core":"0")", "10"},
                                    {named(1) + R"(,"core":"1")", "20"},
                                    {named(2) + R"(,"core":"0")", "NaN"},
                                    {named(2) + R"(,"core":"1")", "20"}});
    MetricQuery query = query_of(Kind::instances);
    query.reducer = config::Reducer::sum;
    const MetricSample found = sample_of(query, replies);
    EXPECT_THAT(
        found.sample.readings,
        ElementsAre(Reading{.instance = "lb-1", .value = whole(30), .capacity = whole(100)}));
    EXPECT_THAT(found.left_out, ElementsAre(Pair("lb-2", Flaw::not_a_number)));
    EXPECT_THAT(found.missing, ElementsAre("lb-3", "lb-4"));
}

TEST(PrometheusReply, ASumTooLargeForAnyNumberIsNoNumber) {
    Replies replies = clean_replies(Kind::reduced);
    const std::string most = "9223372036854";
    replies.value.body = vector_of({{named(1), most}, {named(2), most}});
    EXPECT_EQ(sample_of(query_of(Kind::reduced), replies).sample.flaw, Flaw::out_of_range);
}

TEST(PrometheusReply, InfosAreBenignAndAStrangerIsCounted) {
    Replies replies = clean_replies(Kind::reduced);
    replies.value.body = vector_of({{named(1), "20"},
                                    {named(2), "20"},
                                    {named(3), "20"},
                                    {named(4), "20"},
                                    {named(9), "500"}});
    const std::string marker = R"("data")";
    replies.value.body.replace(replies.value.body.find(marker),
                               marker.size(),
                               R"("infos":["might be no counter"],"data")");
    const MetricSample found = sample_of(query_of(Kind::reduced), replies);
    EXPECT_EQ(found.sample.flaw, Flaw::none);
    EXPECT_EQ(found.sample.value, whole(80));
    EXPECT_EQ(found.strangers, 1);
    EXPECT_THAT(found.infos, ElementsAre("might be no counter"));
    EXPECT_THAT(found.warnings, IsEmpty());
}

/// A query of two metrics: who reports only one of them isn't seen.
TEST(PrometheusReply, AnInstanceCountsWhenAllSelectorsHaveIt) {
    MetricQuery query = query_of(Kind::aggregated);
    query.query = "sum(load) / count(up == 1)";
    Replies replies = clean_replies(Kind::aggregated);
    replies.value = with_load(replies.value, Kind::aggregated, 20);
    std::vector<std::pair<std::string, std::string>> ages;
    for (int i = 1; i <= 4; ++i) ages.emplace_back(age_of(i, "1"), "1795325280");
    for (int i = 1; i <= 3; ++i) ages.emplace_back(age_of(i, "0"), "1795325280");
    replies.age.body = vector_of(ages);
    const MetricSample found = sample_of(query, replies);
    EXPECT_EQ(found.sample.coverage, (Coverage{.seen = 3, .expected = 4}));
    EXPECT_THAT(found.left_out, ElementsAre(Pair("lb-4", Flaw::unknown_age)));
}

TEST(PrometheusReply, ALabelThatIsNoneIsNotPutIntoAQuery) {
    MetricQuery query = query_of(Kind::aggregated);
    query.instance_label = "a) or (b";
    EXPECT_FALSE(selectors_of(query));
    Replies replies = clean_replies(Kind::aggregated);
    replies.value = with_load(replies.value, Kind::aggregated, 20);
    EXPECT_EQ(sample_of(query, replies).sample.flaw, Flaw::unknown_age);
}

TEST(PrometheusReply, ARosterHasWhoHasAMachineAndExpectsWhoServes) {
    Membership fleet = fleet_of(5);
    fleet.instances[0].phase = Phase::planned;
    fleet.instances[1].phase = Phase::draining;
    fleet.instances[2].phase = Phase::warming;
    fleet.instances[3].healthy = false;
    fleet.instances[4].phase = Phase::deleting;
    const Roster roster = roster_of(fleet);
    EXPECT_THAT(roster.members, ElementsAre("lb-2", "lb-3", "lb-4"));
    EXPECT_THAT(roster.expected, ElementsAre("lb-4"));
}

/// What of a sample is missing may raise the size.
TEST(PrometheusReply, AFlawedValueRaisesAndDoesNotLower) {
    Sample sample = scaler::sample_of(whole(900));
    sample.flaw = Flaw::partial;
    EXPECT_EQ(size_by(Kind::reduced, sample), 18);
    sample.value = whole(10);
    EXPECT_EQ(size_by(Kind::reduced, sample), 4);
}

}  // namespace
}  // namespace muster::scaler::prometheus::test
