#include "common/config/cron.hpp"

#include <gtest/gtest.h>

#include <ostream>

namespace muster::config {
namespace {

using namespace std::chrono_literals;
using std::chrono::local_days;

LocalMinutes at(std::chrono::year_month_day day, std::chrono::minutes time = 0min) {
    return local_days{day} + time;
}

Cron cron(std::string_view text) {
    const auto parsed = parse_cron(text);
    EXPECT_TRUE(parsed.has_value()) << text << ": " << (parsed ? "" : parsed.error().what);
    return parsed.value_or(Cron{});
}

constexpr std::uint64_t bits(std::initializer_list<int> values) {
    std::uint64_t set = 0;
    for (const int value : values) set |= std::uint64_t{1} << value;
    return set;
}

TEST(Cron, ReadsListsRangesStepsAndNames) {
    const Cron one = cron("*/20 8-10,22 1,15 JAN-mar,12 Mon-fri");
    EXPECT_EQ(one.minutes, bits({0, 20, 40}));
    EXPECT_EQ(one.hours, bits({8, 9, 10, 22}));
    EXPECT_EQ(one.days, bits({1, 15}));
    EXPECT_EQ(one.months, bits({1, 2, 3, 12}));
    EXPECT_EQ(one.weekdays, bits({1, 2, 3, 4, 5}));
    EXPECT_FALSE(one.any_hour);
    EXPECT_FALSE(one.days_of_both);
}

TEST(Cron, TakesBoth0And7ForSunday) {
    EXPECT_EQ(cron("0 0 * * 7").weekdays, bits({0}));
    EXPECT_EQ(cron("0 0 * * sun").weekdays, bits({0}));
    EXPECT_EQ(cron("0 0 * * 5-7").weekdays, bits({5, 6, 0}));
    EXPECT_EQ(cron("0 0 * * *").weekdays, bits({0, 1, 2, 3, 4, 5, 6}));
}

TEST(Cron, CountsStepsFromTheRangesStart) {
    EXPECT_EQ(cron("5-59/20 */7 * * *").minutes, bits({5, 25, 45}));
    EXPECT_EQ(cron("5-59/20 */7 * * *").hours, bits({0, 7, 14, 21}));
    EXPECT_EQ(cron(" 0\t0  */10 *  * ").days, bits({1, 11, 21, 31}));
}

struct BadRow {
    const char* text;
    std::size_t at;
    const char* what;
};
std::ostream& operator<<(std::ostream& out, const BadRow& row) {
    return out << row.text;
}

class BadCron : public testing::TestWithParam<BadRow> {};

TEST_P(BadCron, IsRefusedWithItsPlace) {
    const auto parsed = parse_cron(GetParam().text);
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().at, GetParam().at) << parsed.error().what;
    EXPECT_NE(parsed.error().what.find(GetParam().what), std::string::npos) << parsed.error().what;
}

INSTANTIATE_TEST_SUITE_P(Rows,
                         BadCron,
                         testing::Values(BadRow{"", 0, "0 fields"},
                                         BadRow{"0 8 * *", 7, "4 fields"},
                                         BadRow{"0 0 8 * * 1", 10, "6 fields"},
                                         BadRow{"@daily", 6, "1 fields"},
                                         BadRow{"60 8 * * *", 0, "'60' is no number from 0 to 59"},
                                         BadRow{"0 24 * * *", 2, "hour '24'"},
                                         BadRow{"0 8 0 * *", 4, "from 1 to 31"},
                                         BadRow{"0 8 32 * *", 4, "from 1 to 31"},
                                         BadRow{"0 8 * 13 *", 6, "nor a name from jan to dec"},
                                         BadRow{"0 8 * * 8", 8, "nor a name from sun to sat"},
                                         BadRow{"0 8 * * monday", 8, "'monday' is no number"},
                                         BadRow{"0 8 * * fry", 8, "'fry' is no number"},
                                         BadRow{"0 8 * * mon,", 12, "'' is no number"},
                                         BadRow{"0 8 * * ,mon", 8, "'' is no number"},
                                         BadRow{"0 8 * * fri-mon", 8, "a range rises"},
                                         BadRow{"0 22-2 * * *", 2, "a range rises"},
                                         BadRow{"5/10 * * * *", 1, "a step follows * or a range"},
                                         BadRow{"*/0 * * * *", 2, "'0' is no number from 1 to 59"},
                                         BadRow{"*/60 * * * *", 2, "'60' is no number"},
                                         BadRow{"*/ * * * *", 2, "'' is no number"},
                                         BadRow{"1- * * * *", 2, "'' is no number"},
                                         BadRow{"-1 * * * *", 0, "'' is no number"},
                                         BadRow{"** * * * *", 1, "a list is written"},
                                         BadRow{"1;2 * * * *", 0, "'1;2' is no number"},
                                         BadRow{"1.5 * * * *", 0, "'1.5' is no number"},
                                         BadRow{"99999999999999999999 * * * *", 0, "is no number"},
                                         BadRow{"0 0 30 2 *", 4, "no month of '2' has such a day"},
                                         BadRow{"0 0 31 feb,apr,jun,sep,nov *", 4, "such a day"}));

/// What a document may have is what the scaler can read: one grammar.
TEST(Cron, TheRuleOfDocumentsIsTheParser) {
    for (const char* good : {"0 8 * * 1-5", "*/5,1-9/2 0,12-23 29 FEB sun-tue", "0 0 31 2 7"})
        EXPECT_EQ(rules::cron(good), "") << good;
    EXPECT_TRUE(rules::cron("0 8 * *").contains("5 fields"));
    EXPECT_TRUE(rules::cron("0\t8 * * *").contains("5 fields"));
    EXPECT_TRUE(rules::cron("060 8 * * *").contains("minute"));
    EXPECT_TRUE(rules::cron("0 24 * * *").contains("hour"));
    EXPECT_TRUE(rules::cron("0 8 32 * *").contains("day of month"));
    EXPECT_TRUE(rules::cron("0 8 * 13 *").contains("month"));
    EXPECT_TRUE(rules::cron("0 8 * * fry").contains("day of week"));
    EXPECT_TRUE(rules::cron("0 0 30 2 *").contains("one of its months"));
}

TEST(Cron, RefusesWhatIsTooLongToMean) {
    const std::string text(500, '0');
    ASSERT_FALSE(parse_cron(text).has_value());
    EXPECT_EQ(parse_cron(text).error().what, "too long");
}

TEST(Cron, NeedsOneOfDayAndWeekdayWhenBothAreRestricted) {
    // The 13th, or a Friday: February 2026 begins on a Sunday.
    const Cron either = cron("0 0 13 * 5");
    EXPECT_EQ(latest_match(either, at(2026y / 1 / 1), at(2026y / 2 / 14)), at(2026y / 2 / 13));
    EXPECT_EQ(latest_match(either, at(2026y / 1 / 1), at(2026y / 2 / 12)), at(2026y / 2 / 6));
    // 13 June 2026 is a Saturday.
    EXPECT_EQ(latest_match(either, at(2026y / 6 / 1), at(2026y / 6 / 18)), at(2026y / 6 / 13));
    // With a * in front, both must hold: odd days that are Fridays.
    const Cron both = cron("0 0 */2 * 5");
    EXPECT_EQ(latest_match(both, at(2026y / 2 / 1), at(2026y / 2 / 19)), at(2026y / 2 / 13));
    EXPECT_EQ(latest_match(both, at(2026y / 2 / 1), at(2026y / 2 / 12)), std::nullopt);
}

TEST(Cron, FindsLeapDaysAndMonthEnds) {
    const Cron leap = cron("30 12 29 2 *");
    EXPECT_EQ(earliest_match(leap, at(2026y / 1 / 1), at(2032y / 1 / 1)),
              at(2028y / 2 / 29, 12h + 30min));
    EXPECT_EQ(latest_match(leap, at(2020y / 1 / 1), at(2027y / 12 / 31)),
              at(2024y / 2 / 29, 12h + 30min));
    EXPECT_EQ(earliest_match(leap, at(2097y / 1 / 1), at(2103y / 12 / 31)), std::nullopt)
        << "2100 has none";
    const Cron end = cron("0 0 31 * *");
    EXPECT_EQ(earliest_match(end, at(2026y / 4 / 1), at(2026y / 12 / 1)), at(2026y / 5 / 31));
    EXPECT_EQ(latest_match(end, at(2026y / 1 / 1), at(2026y / 4 / 30)), at(2026y / 3 / 31));
}

TEST(Cron, IncludesBothEndsOfWhereItSearches) {
    const Cron daily = cron("15 8 * * *");
    const LocalMinutes start = at(2026y / 3 / 3, 8h + 15min);
    EXPECT_EQ(latest_match(daily, start, start), start);
    EXPECT_EQ(earliest_match(daily, start, start), start);
    EXPECT_EQ(latest_match(daily, start + 1min, start + 1h), std::nullopt);
    EXPECT_EQ(earliest_match(daily, start - 1h, start - 1min), std::nullopt);
    EXPECT_EQ(latest_match(daily, start - 24h, start - 1min), start - 24h);
    EXPECT_EQ(earliest_match(daily, start + 1min, start + 24h), start + 24h);
}

TEST(Cron, SearchesBothWaysAlike) {
    for (const char* text : {"*/7 * * * *", "59 23 * * *", "0 0 1 1 *", "3,33 2-4 * * 1-5"}) {
        const Cron one = cron(text);
        const LocalMinutes begin = at(2026y / 1 / 1);
        const LocalMinutes end = at(2026y / 1 / 12);
        std::vector<LocalMinutes> forward;
        for (auto next = earliest_match(one, begin, end); next;
             next = earliest_match(one, *next + 1min, end))
            forward.push_back(*next);
        std::vector<LocalMinutes> backward;
        for (auto last = latest_match(one, begin, end); last;
             last = latest_match(one, begin, *last - 1min))
            backward.insert(backward.begin(), *last);
        EXPECT_EQ(forward, backward) << text;
        EXPECT_FALSE(forward.empty()) << text;
    }
}

}  // namespace
}  // namespace muster::config
