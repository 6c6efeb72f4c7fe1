// Two intents of one backend as one.

#include "common/znodes/intent.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace muster::znodes {
namespace {

using namespace std::chrono_literals;
using Serving = Intent::Serving;
using Wish = Intent::Wish;

const WallTime now = WallTime(1'700'000'000'000ms);

TEST(Intent, OfTwoSourcesIsTheMoreRestrictiveOneInEachRespect) {
    struct Row {
        const char* name;
        Intent one;
        Intent other;
        Intent both;
    };
    for (const Row& row : std::vector<Row>{
             {"nothing", {}, {}, {}},
             {"down over up",
              {.serving = Serving::up},
              {.serving = Serving::down},
              {.serving = Serving::down}},
             {"up over nothing", {.serving = Serving::up}, {}, {.serving = Serving::up}},
             {"drain over ready",
              {.wish = Wish::ready},
              {.wish = Wish::drain},
              {.wish = Wish::drain}},
             {"maintenance over drain",
              {.wish = Wish::drain},
              {.wish = Wish::maintenance},
              {.wish = Wish::maintenance}},
             {"down and drain",
              {.serving = Serving::down},
              {.wish = Wish::drain},
              {.serving = Serving::down, .wish = Wish::drain}},
             {"drain, although up",
              {.wish = Wish::drain},
              {.serving = Serving::up, .wish = Wish::ready},
              {.serving = Serving::up, .wish = Wish::drain}},
             {"the smaller weight",
              {.weight_percent = 75},
              {.weight_percent = 50},
              {.weight_percent = 50}},
             {"no weight at all",
              {.weight_percent = 0},
              {.weight_percent = 50},
              {.weight_percent = 0}},
             {"the only weight",
              {.weight_percent = 200},
              {.serving = Serving::up},
              {.serving = Serving::up, .weight_percent = 200}},
             {"the smaller maxconn", {.maxconn = 30}, {.maxconn = 7}, {.maxconn = 7}},
             {"the only maxconn", {.maxconn = 30}, {}, {.maxconn = 30}},
             {"degraded",
              {.degraded = true},
              {.serving = Serving::up},
              {.serving = Serving::up, .degraded = true}},
             {"all of it",
              {.serving = Serving::up, .weight_percent = 50, .maxconn = 9, .reason = "busy"},
              {.wish = Wish::drain, .degraded = true, .maxconn = 20, .reason = "deploy"},
              {.serving = Serving::up,
               .wish = Wish::drain,
               .degraded = true,
               .weight_percent = 50,
               .maxconn = 9,
               .reason = "deploy"}}}) {
        EXPECT_EQ(combined(row.one, row.other), row.both) << row.name;
        EXPECT_EQ(combined(row.other, row.one), row.both) << row.name << ", the other way round";
        EXPECT_EQ(combined(row.one, {}), row.one) << row.name;
        EXPECT_EQ(combined(row.one, row.one), row.one) << row.name;
    }
}

TEST(Intent, GivesTheReasonOfWhatCounts) {
    const Intent well{.serving = Serving::up, .reason = "all well"};
    EXPECT_EQ(combined(well, {.wish = Wish::drain}).reason, "") << "not why it drains";
    EXPECT_EQ(combined(well, {.wish = Wish::drain, .reason = "deploy"}).reason, "deploy");
    EXPECT_EQ(combined(well, {.wish = Wish::ready, .reason = "too"}).reason, "all well");
    EXPECT_EQ(combined({.serving = Serving::up}, well).reason, "all well");
    EXPECT_EQ(combined({.serving = Serving::down, .reason = "disk"},
                       {.wish = Wish::maintenance, .reason = "deploy"})
                  .reason,
              "disk");
}

TEST(Intent, OfEachSourceEndsOnItsOwn) {
    const Intent up{.serving = Serving::up};
    const Intent drain{.wish = Wish::drain};
    const SharedValue<Intents> both =
        Intents{.reply = LeasedIntent{.intent = up, .until = now + 5s},
                .agent = LeasedIntent{.intent = drain, .until = now + 30s}};
    EXPECT_EQ(in_force(both, now), combined(up, drain));
    EXPECT_EQ(next_end(both, now), now + 5s);
    EXPECT_EQ(in_force(both, now + 5s), drain);
    EXPECT_EQ(next_end(both, now + 5s), now + 30s);
    EXPECT_EQ(in_force(both, now + 30s), Intent{});
    EXPECT_EQ(next_end(both, now + 30s), std::nullopt);
    EXPECT_EQ(in_force(SharedValue<Intents>(), now), Intent{});
    EXPECT_EQ(next_end({}, now), std::nullopt);
}

}  // namespace
}  // namespace muster::znodes
