#include "common/znodes/traffic_shift.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace muster::znodes {
namespace {

using namespace std::chrono_literals;

TrafficShifts example() {
    TrafficShifts shifts{.stamp = {.cluster = "c", .token = 3, .writer = "n1", .sequence = 9}};
    shifts.names["api.muster.test"] = {.id = "1",
                                       .by = ShiftBy::zone,
                                       .from = {{"blue", 100}},
                                       .to = {{"blue", 50}, {"green", 50}},
                                       .now = {{"blue", 95}, {"green", 5}},
                                       .over = 600s,
                                       .interval = 60s,
                                       .patience = 30s,
                                       .healthy_percent = 80,
                                       .step = 1,
                                       .steps = 10,
                                       .phase = ShiftPhase::held,
                                       .cancelled = true,
                                       .why = "green is ill",
                                       .author = "alice",
                                       .asked = WallTime(1'767'225'600s),
                                       .since = WallTime(1'767'225'660s)};
    shifts.names["other.muster.test"] = {.id = "2", .to = {{"a", 100}}};
    return shifts;
}

TEST(TrafficShifts, AreWhatTheyWereAfterAReading) {
    const auto read = decode<TrafficShifts>(encode(example()), "c");
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(*read, example());
    EXPECT_EQ(encode(*read), encode(example()));
    EXPECT_FALSE(decode<TrafficShifts>(encode(example()), "another cluster"));
}

TEST(TrafficShifts, ThatSayNonsenseAreRefused) {
    const std::string good = encode(example());
    const std::vector<std::pair<std::string, std::string>> swaps = {
        {R"("blue":95)", R"("blue":94)"},
        {R"("blue":95)", R"("blue":-5)"},
        {R"("blue":95)", R"("blue":"95")"},
        {R"("blue":95)", R"("bl/ue":95)"},
        {R"("to":{"a":100})", R"("to":{})"},
        {R"("to":{"a":100})", R"("to":[])"},
        {R"("step":1,)", R"("step":11,)"},
        {R"("steps":10)", R"("steps":1000)"},
        {R"("phase":"held")", R"("phase":"sleeping")"},
        {R"("by":"zone")", R"("by":"host")"},
        {R"("over_s":600)", R"("over_s":-1)"},
        {R"("over_s":600)", R"("over_s":99999999)"},
        {R"("healthy_percent":80)", R"("healthy_percent":0)"},
        {R"("now":{"blue":95,"green":5})", R"("now":{})"},
        {R"("api.muster.test":)", R"("../api":)"},
        {R"("api.muster.test":)", R"("API.muster.test":)"},
        {R"("cancelled":true)", R"("cancelled":1)"},
        {R"("names":)", R"("nams":)"},
    };
    for (const auto& [from, to] : swaps) {
        std::string bad = good;
        const auto at = bad.find(from);
        ASSERT_NE(at, std::string::npos) << from;
        bad.replace(at, from.size(), to);
        EXPECT_FALSE(decode<TrafficShifts>(bad, "c")) << to;
    }
}

TEST(TrafficShifts, OfAnyBytesAreReadOrRefused) {
    std::mt19937_64 random(5);
    const std::string good = encode(example());
    constexpr std::string_view drawn = "0123456789abcz.,:{}[]\"\xff";
    int taken = 0;
    for (int round = 0; round < 30'000; ++round) {
        std::string bytes = good;
        for (int i = 0; i < 2; ++i) bytes[random() % bytes.size()] = drawn[random() % drawn.size()];
        const auto read = decode<TrafficShifts>(bytes, "c");
        if (!read) continue;
        ++taken;
        for (const auto& [name, shift] : read->names) {
            int sum = 0;
            for (const auto& [party, percent] : shift.to) sum += percent;
            EXPECT_EQ(sum, 100) << bytes;
        }
    }
    EXPECT_GT(taken, 100);
}

}  // namespace
}  // namespace muster::znodes
