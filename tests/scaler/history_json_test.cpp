#include "scaler/history_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <ostream>

namespace muster::scaler {
namespace {

using namespace std::chrono_literals;

constexpr WallTime now{std::chrono::hours{500'000}};

TEST(HistoryJson, ComesBackAsItWas) {
    History history{.peaks = {{.at = now - 9s, .size = 7}, {.at = now, .size = 3}},
                    .troughs = {{.at = now, .size = 2}},
                    .events = {{.at = now, .added = 1, .removed = 4}},
                    .last = now};
    EXPECT_EQ(read_history(json_of(history)), history);
    history.trends = {.errors = {.points = {{.at = now, .value = {.count = 123'456'789'012}}},
                                 .rising_since = now - 7s},
                      .unhealthy = {.points = {{.at = now, .value = whole(4)}}}};
    history.growth = {
        .trial =
            GrowthTrial{
                .metric = "rps", .at = now - 60s, .before = 4, .after = 6, .level = whole(130)},
        .fruitless = 2,
        .held_until = now + 1h};
    history.forecasts["of.rps"] = {.active = true,
                                   .made = now,
                                   .peak = whole(900),
                                   .pending = {{.due = now + 300s, .value = whole(880)}},
                                   .measured = 17,
                                   .error_ppm = 41'000};
    history.forecasts[""] = {};
    const auto text = boost::json::serialize(json_of(history));
    EXPECT_EQ(read_history(boost::json::parse(text).as_object()), history);
    EXPECT_EQ(read_history({}), History{});
}

struct BadRow {
    const char* text;
    const char* what;
};
std::ostream& operator<<(std::ostream& out, const BadRow& row) {
    return out << row.text;
}

class BadHistory : public testing::TestWithParam<BadRow> {};

TEST_P(BadHistory, IsRefusedWithItsPath) {
    const auto read = read_history(boost::json::parse(GetParam().text).as_object());
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error(), GetParam().what);
}

INSTANTIATE_TEST_SUITE_P(
    Rows,
    BadHistory,
    testing::Values(
        BadRow{R"({"peaks": 7})", "peaks isn't a list of at most 240"},
        BadRow{R"({"peaks": [7]})", "peaks has a row that isn't 2 numbers"},
        BadRow{R"({"peaks": [[7]]})", "peaks has a row that isn't 2 numbers"},
        BadRow{R"({"peaks": [[7, 1, 1]]})", "peaks has a row that isn't 2 numbers"},
        BadRow{R"({"peaks": [[7, -1]]})", "peaks isn't a whole number from 0 to 10000"},
        BadRow{R"({"troughs": [[7, 1.5]]})", "troughs isn't a whole number from 0 to 10000"},
        BadRow{R"({"troughs": [[7, 1], [6, 1]]})", "troughs isn't oldest first"},
        BadRow{R"({"events": [[7, 1]]})", "events has a row that isn't 3 numbers"},
        BadRow{R"({"last": "now"})", "last isn't a whole number from 0 to 253402300799999"},
        BadRow{R"({"last": 9223372036854775807})",
               "last isn't a whole number from 0 to 253402300799999"},
        BadRow{R"({"trends": []})", "trends isn't an object"},
        BadRow{R"({"trends": {"errors": 1}})", "trends.errors isn't an object"},
        BadRow{R"({"trends": {"errors": {"points": [[1, -1]]}}})",
               "trends.errors.points isn't a whole number from 0 to 9223372036854775807"},
        BadRow{R"({"growth": {"fruitless": -1}})",
               "growth.fruitless isn't a whole number from 0 to 1000000"},
        BadRow{R"({"growth": {"trial": {"at": 1}}})", "growth.trial.metric isn't a short text"},
        BadRow{R"({"growth": {"trial": {"metric": "m", "after": 10001}}})",
               "growth.trial.after isn't a whole number from 0 to 10000"},
        BadRow{R"({"forecasts": {"a": 1}})", "forecasts.a isn't an object"},
        BadRow{R"({"forecasts": {"a": {"active": 1}}})", "forecasts.a.active isn't true or false"},
        BadRow{R"({"forecasts": {"a": {"error_ppm": 1e300}}})",
               "forecasts.a.error_ppm isn't a whole number from 0 to 1000000"}));

TEST(HistoryJson, IsBounded) {
    boost::json::array rows;
    for (int i = 0; i < 241; ++i) rows.push_back(boost::json::array{i, 1});
    EXPECT_FALSE(read_history({{"peaks", rows}}).has_value());
    rows.pop_back();
    EXPECT_TRUE(read_history({{"peaks", rows}}).has_value());
    EXPECT_FALSE(read_history({{"trends", {{"errors", {{"points", rows}}}}}}).has_value());
    boost::json::object many;
    for (int i = 0; i < 65; ++i) many.emplace(std::to_string(i), boost::json::object{});
    EXPECT_FALSE(read_history({{"forecasts", many}}).has_value());
    EXPECT_FALSE(read_history({{"forecasts", {{std::string(300, 'x'), boost::json::object{}}}}})
                     .has_value());
}

}  // namespace
}  // namespace muster::scaler
