#include "scaler/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <sstream>

// Times are written in UTC; the offsets of 2026: Berlin +1, from 29 March 01:00Z to 25 October
// 01:00Z +2; New York -5, from 8 March 07:00Z to 1 November 06:00Z -4; Lord Howe +11, from 4 April
// 15:00Z to 3 October 15:30Z +10:30.
namespace muster::scaler {
namespace {

using namespace std::chrono_literals;

/// "2026-03-29 01:00", in UTC.
WallTime utc(const std::string& text) {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    int hour = 0;
    int minute = 0;
    char mark = 0;
    std::istringstream in(text);
    in >> year >> mark >> month >> mark >> day >> hour >> mark >> minute;
    EXPECT_FALSE(in.fail()) << text;
    return std::chrono::sys_days{std::chrono::year{year} / std::chrono::month{month} /
                                 std::chrono::day{day}} +
           std::chrono::hours{hour} + std::chrono::minutes{minute};
}

ScheduleEntry entry(const char* cron, seconds length, int size) {
    const auto parsed = parse_cron(cron);
    EXPECT_TRUE(parsed.has_value()) << cron;
    return {.start = parsed.value_or(Cron{}), .length = length, .size = size};
}

ScheduleNow state(const SchedulePolicy& policy, WallTime now) {
    const auto found = schedule_at(policy, now);
    EXPECT_TRUE(found.has_value()) << (found ? "" : found.error());
    return found.value_or(ScheduleNow{});
}

struct DayRow {
    const char* name;
    const char* zone;
    const char* cron;
    std::chrono::minutes length;
    const char* begin;  ///< the first minute in which it is in force
    const char* end;    ///< the first minute in which it isn't
};
std::ostream& operator<<(std::ostream& out, const DayRow& row) {
    return out << row.name;
}

class ScheduleDays : public testing::TestWithParam<DayRow> {};

TEST_P(ScheduleDays, BeginAndEndAtTheirMinute) {
    const DayRow& row = GetParam();
    const SchedulePolicy policy{.time_zone = row.zone, .entries = {entry(row.cron, row.length, 7)}};
    const WallTime begin = utc(row.begin);
    const WallTime end = utc(row.end);
    const InForce in_force{.size = 7, .until = end};
    EXPECT_EQ(state(policy, begin - 1ms).in_force, std::nullopt);
    EXPECT_EQ(state(policy, begin - 1ms).next, begin);
    EXPECT_EQ(state(policy, begin).in_force, in_force);
    EXPECT_EQ(state(policy, end - 1ms).in_force, in_force);
    EXPECT_EQ(state(policy, end).in_force, std::nullopt);
}

constexpr const char* berlin = "Europe/Berlin";
constexpr const char* york = "America/New_York";
constexpr const char* howe = "Australia/Lord_Howe";

// clang-format off: a table
const DayRow day_rows[] = {
    {"UTC", "UTC", "0 8 * * *", 60min, "2026-03-29 08:00", "2026-03-29 09:00"},
    {"Winter", berlin, "0 8 * * *", 60min, "2026-01-05 07:00", "2026-01-05 08:00"},
    {"Summer", berlin, "0 8 * * *", 60min, "2026-07-06 06:00", "2026-07-06 07:00"},
    {"BerlinGap", berlin, "30 2 * * *", 60min, "2026-03-29 01:00", "2026-03-29 02:00"},
    {"BerlinGapsFirst", berlin, "0 2 * * *", 60min, "2026-03-29 01:00", "2026-03-29 02:00"},
    {"BerlinGapsEnd", berlin, "0 3 * * *", 60min, "2026-03-29 01:00", "2026-03-29 02:00"},
    {"BerlinBeforeTheGap", berlin, "59 1 * * *", 30min, "2026-03-29 00:59", "2026-03-29 01:29"},
    {"BerlinTwice", berlin, "30 2 * * *", 45min, "2026-10-25 00:30", "2026-10-25 01:15"},
    {"BerlinTwicesLast", berlin, "59 2 * * *", 30min, "2026-10-25 00:59", "2026-10-25 01:29"},
    {"BerlinAfterTwice", berlin, "0 3 * * *", 30min, "2026-10-25 02:00", "2026-10-25 02:30"},
    {"BerlinOverTheGap", berlin, "0 22 * * *", 480min, "2026-03-28 21:00", "2026-03-29 05:00"},
    {"NewYorkGap", york, "30 2 * * *", 60min, "2026-03-08 07:00", "2026-03-08 08:00"},
    {"NewYorkTwice", york, "30 1 * * *", 30min, "2026-11-01 05:30", "2026-11-01 06:00"},
    {"NewYorkAfter", york, "0 2 * * *", 30min, "2026-11-01 07:00", "2026-11-01 07:30"},
    {"LordHoweGap", howe, "10 2 * * *", 30min, "2026-10-03 15:30", "2026-10-03 16:00"},
    {"LordHoweGapsEnd", howe, "30 2 * * *", 30min, "2026-10-03 15:30", "2026-10-03 16:00"},
    {"LordHoweTwice", howe, "45 1 * * *", 20min, "2026-04-04 14:45", "2026-04-04 15:05"},
    {"LordHoweAfter", howe, "0 2 * * *", 20min, "2026-04-04 15:30", "2026-04-04 15:50"},
    {"Kathmandu", "Asia/Kathmandu", "0 0 * * *", 60min, "2026-05-05 18:15", "2026-05-05 19:15"},
    {"LeapDay", berlin, "0 12 29 2 *", 120min, "2028-02-29 11:00", "2028-02-29 13:00"},
    {"MonthEnd", "UTC", "0 23 31 * *", 120min, "2026-05-31 23:00", "2026-06-01 01:00"},
    {"YearEnd", york, "0 20 31 12 *", 600min, "2027-01-01 01:00", "2027-01-01 11:00"},
    {"DayOrWeekday", "UTC", "0 0 13 * 5", 60min, "2026-06-13 00:00", "2026-06-13 01:00"}};
// clang-format on

INSTANTIATE_TEST_SUITE_P(Rows,
                         ScheduleDays,
                         testing::ValuesIn(day_rows),
                         [](const testing::TestParamInfo<DayRow>& row) {
                             return std::string(row.param.name);
                         });

TEST(Schedule, HappensTwiceWhereEveryHourIsMeant) {
    // Each hour of the 25-hour day, in windows of 30 minutes.
    const SchedulePolicy policy{.time_zone = berlin, .entries = {entry("0 * * * *", 30min, 3)}};
    int starts = 0;
    for (WallTime now = utc("2026-10-24 22:00"); now < utc("2026-10-25 23:00"); now += 1h) {
        EXPECT_EQ(state(policy, now).in_force, (InForce{.size = 3, .until = now + 30min}));
        EXPECT_EQ(state(policy, now + 30min).in_force, std::nullopt);
        ++starts;
    }
    EXPECT_EQ(starts, 25);
    // Of a fixed hour the second one isn't a start.
    const SchedulePolicy fixed{.time_zone = berlin, .entries = {entry("0 2 * * *", 30min, 3)}};
    EXPECT_TRUE(state(fixed, utc("2026-10-25 00:00")).in_force.has_value());
    EXPECT_FALSE(state(fixed, utc("2026-10-25 01:00")).in_force.has_value());
}

TEST(Schedule, GoesOnWhereWindowsAreLongerThanTheirPeriod) {
    const SchedulePolicy days{.entries = {entry("0 8 * * 1-5", 30h, 4)}};
    // Monday 08:00 to Saturday 14:00 without a gap.
    const InForce week{.size = 4, .until = utc("2026-06-13 14:00")};
    EXPECT_EQ(state(days, utc("2026-06-08 07:59")).next, utc("2026-06-08 08:00"));
    EXPECT_EQ(state(days, utc("2026-06-08 08:00")).in_force, week);
    EXPECT_EQ(state(days, utc("2026-06-11 03:00")).in_force, week);
    EXPECT_EQ(state(days, utc("2026-06-13 14:00")).in_force, std::nullopt);
    // Exactly as long as the period: no gap, and no end that is near enough to say.
    const SchedulePolicy always{.entries = {entry("0 * * * *", 1h, 4)}};
    for (int minute = 0; minute < 180; minute += 7)
        EXPECT_EQ(state(always, utc("2026-06-08 07:00") + std::chrono::minutes{minute}).in_force,
                  (InForce{.size = 4}));
}

TEST(Schedule, TakesTheLargestOfThoseInForce) {
    const SchedulePolicy policy{
        .time_zone = berlin,
        .entries = {
            entry("0 8 * * *", 10h, 4), entry("0 12 * * *", 1h, 9), entry("0 12 * * *", 2h, 6)}};
    EXPECT_EQ(state(policy, utc("2026-06-08 09:00")).in_force,
              (InForce{.size = 4, .entry = 0, .until = utc("2026-06-08 16:00")}));
    EXPECT_EQ(state(policy, utc("2026-06-08 10:30")).in_force,
              (InForce{.size = 9, .entry = 1, .until = utc("2026-06-08 11:00")}));
    EXPECT_EQ(state(policy, utc("2026-06-08 11:30")).in_force,
              (InForce{.size = 6, .entry = 2, .until = utc("2026-06-08 12:00")}));
}

TEST(Schedule, SaysTheNextStartIfItIsNear) {
    const SchedulePolicy policy{.entries = {entry("0 0 1 1 *", 1h, 4), entry("0 0 3 7 *", 1h, 2)}};
    EXPECT_EQ(state(policy, utc("2026-06-26 00:00")),
              (ScheduleNow{.next = utc("2026-07-03 00:00")}));
    EXPECT_EQ(state(policy, utc("2026-06-24 00:00")), ScheduleNow{});
    EXPECT_EQ(state(SchedulePolicy{}, utc("2026-06-24 00:00")), ScheduleNow{});
}

/// Every minute of the hours around each change of clocks.
TEST(Schedule, IsInForceExactlyFromWhereItSaidThatItBegins) {
    for (const char* text : {"*/17 * * * *", "15 1-3 * * *", "45 1 * * *", "20 2 * * *"}) {
        const SchedulePolicy policy{.time_zone = howe, .entries = {entry(text, 7min, 1)}};
        for (const char* day : {"2026-04-04 12:00", "2026-10-03 12:00"}) {
            std::optional<WallTime> until;
            int windows = 0;
            for (WallTime now = utc(day); now < utc(day) + 8h; now += 1min) {
                const ScheduleNow found = state(policy, now);
                EXPECT_NE(found.in_force.has_value(), found.next.has_value());
                if (found.in_force) {
                    windows += until != found.in_force->until;
                    until = found.in_force->until;
                    EXPECT_GT(*until, now);
                    EXPECT_LE(*until, now + 14min);
                } else if (*found.next <= now + 1h) {
                    EXPECT_TRUE(state(policy, *found.next).in_force.has_value());
                    EXPECT_FALSE(state(policy, *found.next - 1ms).in_force.has_value());
                }
            }
            EXPECT_GE(windows, 1) << text << day;
        }
    }
}

TEST(Schedule, RefusesAZoneThatTheHostDoesNotKnow) {
    const SchedulePolicy policy{.time_zone = "Europe/Berln",
                                .entries = {entry("0 8 * * *", 1h, 4)}};
    ASSERT_FALSE(schedule_at(policy, utc("2026-06-08 09:00")).has_value());
    EXPECT_EQ(schedule_at(policy, utc("2026-06-08 09:00")).error(),
              "time zone 'Europe/Berln' isn't in the time zone database of this host");
    EXPECT_EQ(time_zone_problem("Europe/Berln"),
              "time zone 'Europe/Berln' isn't in the time zone database of this host; did you mean "
              "'Europe/Berlin'?");
    for (const char* hostile : {"", "/etc/passwd", "../../../etc/passwd", "europe/berlin", "UTC "})
        EXPECT_TRUE(time_zone_problem(hostile).has_value()) << hostile;
    for (const char* good : {"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"})
        EXPECT_EQ(time_zone_problem(good), std::nullopt);
}

TEST(Schedule, NamesTheEntryThatIsWrong) {
    SchedulePolicy policy{.time_zone = "Mars",
                          .entries = {entry("0 8 * * *", 1h, 4),
                                      entry("0 8 * * *", 0s, 4),
                                      entry("0 8 * * *", 24h * 400, 4),
                                      entry("0 8 * * *", 1h, -1)}};
    const std::vector<ScheduleProblem> all = problems(policy);
    ASSERT_EQ(all.size(), 4u);
    EXPECT_EQ(all[0].entry, std::nullopt);
    EXPECT_EQ(all[1], (ScheduleProblem{.entry = 1, .what = "length: from 1m to 366 days"}));
    EXPECT_EQ(all[2], (ScheduleProblem{.entry = 2, .what = "length: from 1m to 366 days"}));
    EXPECT_EQ(all[3], (ScheduleProblem{.entry = 3, .what = "size: from 0 to 10000"}));
    policy = {.entries = {entry("0 8 * * *", 1h, 4)}};
    EXPECT_THAT(problems(policy), testing::IsEmpty());
}

}  // namespace
}  // namespace muster::scaler
