#include "scaler/quantity.hpp"

#include <gtest/gtest.h>

#include <string>

namespace muster::scaler {
namespace {

struct Text {
    const char* text;
    std::int64_t micros;
};

TEST(Quantity, IsReadExactlyToAMillionthAndRoundedUpBeyond) {
    const Text rows[] = {
        {"0", 0},
        {"-0", 0},
        {"1", 1'000'000},
        {"+2.5", 2'500'000},
        {"-3", -3'000'000},
        {".5", 500'000},
        {"5.", 5'000'000},
        {"0.1", 100'000},
        {"0.0000001", 1},
        {"-0.0000001", 0},
        {"1.0000000000000000000000000000000000001", 1'000'001},
        {"1.0000000000000000000000000000000000000", 1'000'000},
        {"1e+06", 1'000'000'000'000},
        {"1.5E3", 1'500'000'000},
        {"25e-2", 250'000},
        {"1e-400", 1},
        {"0e999999999999", 0},
        {"000000000000000000000000000000000000000000000000007", 7'000'000},
        {"9223372036854.775807", 9'223'372'036'854'775'807},
    };
    for (const Text& row : rows) {
        const auto read = read_quantity(row.text);
        ASSERT_TRUE(read.has_value()) << row.text;
        EXPECT_EQ(read->count, row.micros) << row.text;
    }
}

TEST(Quantity, IsRefusedWithItsReason) {
    const std::pair<std::string, Unreadable> rows[] = {
        {"NaN", Unreadable::not_a_number},
        {"+Inf", Unreadable::infinite},
        {"-Inf", Unreadable::infinite},
        {"Inf", Unreadable::infinite},
        {"", Unreadable::malformed},
        {"-", Unreadable::malformed},
        {".", Unreadable::malformed},
        {"1e", Unreadable::malformed},
        {"1e+", Unreadable::malformed},
        {"1 ", Unreadable::malformed},
        {" 1", Unreadable::malformed},
        {"1,5", Unreadable::malformed},
        {"0x10", Unreadable::malformed},
        {"--1", Unreadable::malformed},
        {"nan", Unreadable::malformed},
        {std::string(401, '0'), Unreadable::malformed},
        {"9223372036854.775808", Unreadable::out_of_range},
        {"9223372036854.7758071", Unreadable::out_of_range},
        {"1e13", Unreadable::out_of_range},
        {"-1e300", Unreadable::out_of_range},
        {std::string(300, '9'), Unreadable::out_of_range},
    };
    for (const auto& [text, why] : rows) {
        const auto read = read_quantity(text);
        ASSERT_FALSE(read.has_value()) << text;
        EXPECT_EQ(read.error(), why) << text;
    }
}

}  // namespace
}  // namespace muster::scaler
