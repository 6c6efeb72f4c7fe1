#include "scaler/simulation_past.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Histories that people bring.
namespace muster::scaler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::StartsWith;

constexpr WallTime noon{std::chrono::seconds(1'772'366'400)};

TEST(SimulationCsv, ReadsValuesOfTheFleet) {
    const auto past = read_csv(
        "time,metric,value\n2026-03-01T12:00:00Z,rps,520.5\n1772366415,rps,1e3\r\n"
        "1772366430,rps,\n1772366445,rps,NaN\n",
        "h.csv");
    ASSERT_TRUE(past) << past.error();
    EXPECT_THAT(
        past->series,
        ElementsAre(PastSeries{.metric = "rps",
                               .instance = "",
                               .points = {{.at = noon, .value = {.count = 520'500'000}},
                                          {.at = noon + 15s, .value = whole(1000)},
                                          {.at = noon + 30s, .flaw = Flaw::empty},
                                          {.at = noon + 45s, .flaw = Flaw::not_a_number}}}));
    EXPECT_EQ(past->valid_for, 30s);
}

TEST(SimulationCsv, ReadsValuesOfInstancesAndTheirCapacity) {
    const auto past = read_csv(
        "\xEF\xBB\xBFtime,metric,instance,value,capacity\n1772366400,cpu,a,50,200\n"
        "1772366400,cpu,b,60,\n1772366400,rps,,7,\n",
        "h.csv");
    ASSERT_TRUE(past) << past.error();
    const PastPoint with_capacity{.at = noon, .value = whole(50), .capacity = whole(200)};
    EXPECT_THAT(
        past->series,
        ElementsAre(
            PastSeries{.metric = "cpu", .instance = "a", .points = {with_capacity}},
            PastSeries{
                .metric = "cpu", .instance = "b", .points = {{.at = noon, .value = whole(60)}}},
            PastSeries{
                .metric = "rps", .instance = "", .points = {{.at = noon, .value = whole(7)}}}));
}

TEST(SimulationCsv, RefusesWhatIsWrongWithItsPlace) {
    const std::string fleet = "time,metric,value\n";
    const std::string instances = "time,metric,instance,value\n";
    const std::string capacities = "time,metric,instance,value,capacity\n";
    const std::string good = "1772366400,rps,1\n";
    struct Case {
        std::string text;
        std::string error;
    };
    const std::vector<Case> cases = {
        {"", ":1: there are no values in it"},
        {fleet, ":1: there are no values in it"},
        {"\n", ":1: the first line must name the columns"},
        {good, ":1: the first line must name the columns"},
        {"time, metric, value\n" + good, ":1: the first line must name the columns"},
        {"metric,time,value\n" + good, ":1: the first line must name the columns"},
        {"{\"format\":\"muster scaling recording\"}\n", ":1: the first line must name the columns"},
        {fleet + "1772366400,rps\n", ":2: must have 3 values"},
        {fleet + "1772366400,rps,1,2\n", ":2: must have 3 values"},
        {fleet + "1772366400,rps,1,\n", ":2: must have 3 values"},
        {fleet + good + "\n", ":3: must have 3 values"},
        {fleet + good + "1772366415 rps 1\n", ":3: must have 3 values"},
        {instances + "1772366400,rps,1\n", ":2: must have 4 values"},
        {capacities + "1772366400,rps,a,1\n", ":2: must have 5 values"},
        {capacities + "1772366400,rps,a,1,2,3\n", ":2: must have 5 values"},
        {fleet + "noon,rps,1\n", ":2: the time must be"},
        {fleet + ",rps,1\n", ":2: the time must be"},
        {fleet + "-5,rps,1\n", ":2: the time must be"},
        {fleet + "NaN,rps,1\n", ":2: the time must be"},
        {fleet + "1e300,rps,1\n", ":2: the time must be"},
        {fleet + "300000000000,rps,1\n", ":2: the time must be"},
        {fleet + "2026-03-01T12:00:00,rps,1\n", ":2: the time must be"},
        {fleet + "2026-03-01T12:00:00+01:00,rps,1\n", ":2: the time must be"},
        {fleet + "2026-02-30T12:00:00Z,rps,1\n", ":2: the time must be"},
        {fleet + "1772366400,,1\n", ":2: metric and instance"},
        {fleet + "1772366400,\"rps\",1\n", ":2: metric and instance"},
        {fleet + "1772366400,r ps,1\n", ":2: metric and instance"},
        {fleet + "1772366400,r\x1b[31m,1\n", ":2: metric and instance"},
        {fleet + "1772366400,r\xff,1\n", ":2: metric and instance"},
        {fleet + "1772366400," + std::string(257, 'm') + ",1\n", ":2: metric and instance"},
        {instances + "1772366400,rps,a b,1\n", ":2: metric and instance"},
        {fleet + "1772366400,rps,much\n", ":2: the value isn't a decimal number"},
        {fleet + "1772366400,rps,0x10\n", ":2: the value isn't a decimal number"},
        {fleet + "1772366400,rps,1;5\n", ":2: the value isn't a decimal number"},
        {fleet + "1772366400,rps,+Inf\n", ":2: the value is infinite"},
        {fleet + "1772366400,rps,1e20\n", ":2: the value is larger than"},
        {capacities + "1772366400,cpu,a,1,0\n", ":2: the capacity must be"},
        {capacities + "1772366400,cpu,a,1,-2\n", ":2: the capacity must be"},
        {capacities + "1772366400,cpu,a,1,NaN\n", ":2: the capacity must be"},
        {fleet + good + good, ":3: the time must be later"},
        {fleet + good + "1772366399,rps,1\n", ":3: the time must be later"},
        {fleet + good + std::string(5000, '1'), ":3: the line is longer than 4096 bytes"},
        {fleet + std::string("1772366400,rps,1\0", 17) + "\n", ":2: the value isn't"},
    };
    for (const Case& one : cases) {
        const auto past = read_csv(one.text, "h.csv");
        ASSERT_FALSE(past) << one.text;
        EXPECT_THAT(past.error(), StartsWith("h.csv" + one.error)) << one.text;
    }
    std::string many = fleet;
    for (int i = 0; i <= 20'000; ++i) many += "1772366400,m" + std::to_string(i) + ",1\n";
    EXPECT_EQ(read_csv(many, "h.csv").error(), "h.csv:20002: there are more than 20000 series");
}

}  // namespace
}  // namespace muster::scaler
