#include "common/config/scalar_shape.hpp"

#include "common/config/decode.hpp"

#include <gtest/gtest.h>

#include <random>

namespace muster::config {
namespace {

TEST(Shape, IsTheFormOnWhichYamlReadersDisagree) {
    const std::pair<std::string_view, Shape> table[] = {
        {"", Shape::word},
        {"web", Shape::word},
        {"10.0.0.1", Shape::word},
        {"10.0.0.1:80", Shape::word},
        {"200-299", Shape::word},
        {"5s", Shape::word},
        {"1m30s", Shape::word},
        {"v1.5", Shape::word},
        {"-", Shape::word},
        {"1:75", Shape::word},
        {"0x", Shape::word},
        {"e5", Shape::word},
        {".", Shape::word},
        {"yesterday", Shape::word},
        {"0", Shape::whole},
        {"17", Shape::whole},
        {"-3", Shape::whole},
        {"00", Shape::octal_looking},
        {"017", Shape::octal_looking},
        {"-017", Shape::octal_looking},
        {"089", Shape::octal_looking},
        {"1:30", Shape::base_60},
        {"190:20:30", Shape::base_60},
        {"190:20:30.15", Shape::base_60},
        {"-1:30", Shape::base_60},
        {"+5", Shape::other_number},
        {"1_000", Shape::other_number},
        {"0x1F", Shape::other_number},
        {"0o17", Shape::other_number},
        {"0b101", Shape::other_number},
        {"1.5", Shape::other_number},
        {".5", Shape::other_number},
        {"5.", Shape::other_number},
        {"1e3", Shape::other_number},
        {"-1.5E-3", Shape::other_number},
        {".inf", Shape::other_number},
        {"-.INF", Shape::other_number},
        {".NaN", Shape::other_number},
        {"true", Shape::boolean},
        {"false", Shape::boolean},
        {"True", Shape::boolean_looking},
        {"yes", Shape::boolean_looking},
        {"NO", Shape::boolean_looking},
        {"on", Shape::boolean_looking},
        {"Off", Shape::boolean_looking},
        {"y", Shape::boolean_looking},
        {"2026-01-31", Shape::date},
        {"2026-1-1T10:00:00Z", Shape::date},
    };
    for (const auto& [text, shape] : table) EXPECT_EQ(shape_of(text), shape) << text;
}

TEST(Duration, IsReadFromWholeNumbersWithUnits) {
    EXPECT_EQ(parse_duration("0s"), Duration(0));
    EXPECT_EQ(parse_duration("150ms"), Duration(150ms));
    EXPECT_EQ(parse_duration("1h2m3s4ms5us6ns"), Duration(1h + 2min + 3s + 4ms + 5us + 6ns));
    EXPECT_EQ(parse_duration("90s"), Duration(90s));
    EXPECT_EQ(parse_duration("2562047h"), Duration(2562047h));
    for (const char* text : {"",
                             "s",
                             "5",
                             "5 s",
                             "-5s",
                             "+5s",
                             "1.5s",
                             "5S",
                             "1s1m",
                             "1s1s",
                             "5sec",
                             "1h 1m",
                             "5s ",
                             "2562048h",
                             "99999999999999999999s",
                             "2562047h99m"})
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(Duration, IsWrittenInItsShortestExactForm) {
    EXPECT_EQ(to_string(Duration(0)), "0s");
    EXPECT_EQ(to_string(Duration(150ms)), "150ms");
    EXPECT_EQ(to_string(Duration(90s)), "1m30s");
    EXPECT_EQ(to_string(Duration(24h)), "24h");
    EXPECT_EQ(to_string(Duration(1500us)), "1ms500us");
    EXPECT_EQ(to_string(Duration(-2s)), "-2s");
    EXPECT_EQ(to_string(Duration::min()), "-2562047h47m16s854ms775us808ns");
}

TEST(Duration, ComesBackFromItsText) {
    std::mt19937_64 random(3);
    for (int i = 0; i < 10'000; ++i) {
        const Duration duration(static_cast<Duration::rep>(random() >> (1 + random() % 60)));
        EXPECT_EQ(parse_duration(to_string(duration)), duration) << duration.count();
    }
}

}  // namespace
}  // namespace muster::config
