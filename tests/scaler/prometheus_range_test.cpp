#include "scaler/prometheus_range.hpp"

#include <gmock/gmock.h>

namespace muster::scaler::prometheus {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::SizeIs;

constexpr WallTime start{1'795'325'280s};
constexpr RangeWindow window{.start = start, .end = start + 45s, .step = 15s};

Point point(std::chrono::seconds after, std::string value) {
    return {.at = start + after, .value = std::move(value)};
}
Series series(const std::string& instance, std::vector<Point> points) {
    return {.labels = {{"instance_id", instance}}, .points = std::move(points)};
}
Read matrix(std::vector<Series> all) {
    return Answer{
        .type = ResultType::matrix, .series = std::move(all), .warnings = {}, .infos = {}};
}
MetricQuery query(Scope scope, config::Reducer reducer) {
    return {.name = "load", .query = "load", .scope = scope, .reducer = reducer};
}

TEST(PrometheusRange, ReducesByTimeAndSaysOfHowMany) {
    const Read read = matrix({series("a", {point(0s, "1"), point(15s, "2"), point(30s, "NaN")}),
                              series("b", {point(15s, "3"), point(45s, "-1")})});
    const auto found = range_of_answer(query(Scope::fleet, config::Reducer::sum), window, read);
    ASSERT_TRUE(found) << found.error().detail;
    ASSERT_THAT(found->series, SizeIs(1));
    EXPECT_THAT(found->series[0].points,
                ElementsAre(RangePoint{.at = start, .value = whole(1), .series = 1},
                            RangePoint{.at = start + 15s, .value = whole(5), .series = 2}));
    EXPECT_EQ(found->unusable, 2U);
}

TEST(PrometheusRange, KeepsInstancesApart) {
    const Read read = matrix({series("b", {point(0s, "1")}), series("a", {point(15s, "2")})});
    const auto found =
        range_of_answer(query(Scope::instances, config::Reducer::none), window, read);
    ASSERT_TRUE(found) << found.error().detail;
    ASSERT_THAT(found->series, SizeIs(2));
    EXPECT_EQ(found->series[0].instance, "a");
    EXPECT_EQ(found->series[1].points.at(0).value, whole(1));
}

TEST(PrometheusRange, RefusesWhatWasNotAskedFor) {
    const auto flaw = [](const Read& read, Scope scope = Scope::fleet) {
        const auto found = range_of_answer(query(scope, config::Reducer::sum), window, read);
        return found ? Flaw::none : found.error().flaw;
    };
    EXPECT_EQ(flaw(matrix({series("a", {point(-15s, "1")})})), Flaw::wrong_time);
    EXPECT_EQ(flaw(matrix({series("a", {point(60s, "1")})})), Flaw::wrong_time);
    EXPECT_EQ(flaw(matrix({series("a", {point(7s, "1")})})), Flaw::wrong_time);
    EXPECT_EQ(flaw(matrix({{.labels = {}, .points = {}}}), Scope::instances), Flaw::no_instance);
    EXPECT_EQ(flaw(Answer{.type = ResultType::vector, .series = {}, .warnings = {}, .infos = {}}),
              Flaw::wrong_type);
    EXPECT_EQ(flaw(tl::unexpected(defect(Flaw::late, "x"))), Flaw::late);
}

TEST(PrometheusRange, IsCutIntoSlicesThatMakeTheWhole) {
    EXPECT_EQ(steps_of(window), 4U);
    EXPECT_EQ(steps_of({.start = start, .end = start, .step = 15s}), 1U);
    EXPECT_EQ(steps_of({.start = start, .end = start - 1s, .step = 15s}), 0U);
    EXPECT_EQ(steps_of({.start = start, .end = start + 15s, .step = 0s}), 0U);
    EXPECT_THAT(sliced(window, 3),
                ElementsAre(RangeWindow{.start = start, .end = start + 30s, .step = 15s},
                            RangeWindow{.start = start + 45s, .end = start + 45s, .step = 15s}));
    EXPECT_THAT(sliced(window, 4), ElementsAre(window));
    const RangeWindow week{.start = start, .end = start + std::chrono::days(7), .step = 15s};
    std::size_t steps = 0;
    for (const RangeWindow& slice : sliced(week)) steps += steps_of(slice);
    EXPECT_EQ(steps, 40'321U);
}

TEST(PrometheusRange, AppendsSlicesByInstance) {
    const RangePoint first{.at = start, .value = whole(1)};
    const RangePoint second{.at = start + 15s, .value = whole(2)};
    RangeAnswer whole_one{.series = {{.instance = "b", .points = {first}}}, .unusable = 1};
    append(
        whole_one,
        {.series = {{.instance = "a", .points = {second}}, {.instance = "b", .points = {second}}},
         .unusable = 2});
    EXPECT_THAT(whole_one.series,
                ElementsAre(RangeSeries{.instance = "a", .points = {second}},
                            RangeSeries{.instance = "b", .points = {first, second}}));
    EXPECT_EQ(whole_one.unusable, 3U);
}

}  // namespace
}  // namespace muster::scaler::prometheus
