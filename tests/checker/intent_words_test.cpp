#include "checker/intent_words.hpp"

#include <gtest/gtest.h>

#include <string>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using znodes::Intent;
using Serving = Intent::Serving;
using Wish = Intent::Wish;

TEST(IntentWords, AreThoseOfHAProxysAgents) {
    struct Row {
        const char* line;
        Intent intent;
    };
    for (const Row& row :
         {Row{"75%\n", {.weight_percent = 75}},
          Row{"up", {.serving = Serving::up}},
          Row{"down\r\n", {.serving = Serving::down}},
          Row{"failed#disk is full\n", {.serving = Serving::down, .reason = "disk is full"}},
          Row{"fail", {.serving = Serving::down}},
          Row{"stopped", {.serving = Serving::down}},
          Row{"drain", {.wish = Wish::drain}},
          Row{"maint", {.wish = Wish::maintenance}},
          Row{"ready", {.wish = Wish::ready}},
          Row{"maxconn:30", {.maxconn = 30}},
          Row{"up ready 100%",
              {.serving = Serving::up, .wish = Wish::ready, .weight_percent = 100}},
          Row{"ready,up,\t50%,maxconn:7 # all well",
              {.serving = Serving::up,
               .wish = Wish::ready,
               .weight_percent = 50,
               .maxconn = 7,
               .reason = "all well"}},
          Row{"degraded", {.degraded = true}},
          Row{"0%", {.weight_percent = 0}},
          Row{"drain unknown words", {.wish = Wish::drain}},
          Row{"up\ndown\n", {.serving = Serving::up}}}) {
        const auto words = parse_intent(row.line);
        ASSERT_TRUE(words) << row.line;
        EXPECT_EQ(words->intent, row.intent) << row.line;
        EXPECT_FALSE(words->ttl);
    }
}

TEST(IntentWords, HaveATimeToLive) {
    EXPECT_EQ(parse_intent("drain ttl:30s")->ttl, 30s);
    EXPECT_EQ(parse_intent("drain ttl:500ms")->ttl, 500ms);
    EXPECT_EQ(parse_intent("drain ttl:5")->ttl, 5s);
    EXPECT_EQ(parse_intent("drain ttl:1ms")->ttl, 100ms) << "no shorter";
    for (const char* wrong :
         {"drain ttl:", "drain ttl:-1s", "drain ttl:5m", "drain ttl:99999999999"})
        EXPECT_FALSE(parse_intent(wrong)->ttl) << wrong;
}

TEST(IntentWords, ThatAreNotKnownSayNothing) {
    for (const std::string& line : {std::string(),
                                    std::string("\n"),
                                    std::string("UP"),
                                    std::string("hello world"),
                                    std::string("101"),
                                    std::string("%"),
                                    std::string("-5%"),
                                    std::string("257%"),
                                    std::string("99999999999999999999%"),
                                    std::string("maxconn:"),
                                    std::string("maxconn:-1"),
                                    std::string("maxconn:9999999999"),
                                    std::string("# only a reason"),
                                    std::string("\0up", 3),
                                    std::string(100'000, 'x') + " up"}) {
        EXPECT_FALSE(parse_intent(line)) << line.substr(0, 40);
    }
}

TEST(IntentWords, HaveAReasonThatIsHarmless) {
    const auto words = parse_intent("down #\x1b[31m" + std::string(1000, 'x') + "\xff");
    EXPECT_EQ(words->intent.reason.size(), 64U);
    EXPECT_EQ(words->intent.reason.substr(0, 5), "?[31m");
}

TEST(IntentWords, StandInJsonToo) {
    EXPECT_EQ(parse_intent_json(R"({"muster":"drain 50%"})", "/muster")->intent,
              (Intent{.wish = Wish::drain, .weight_percent = 50}));
    const auto map = parse_intent_json(
        R"({"m":{"state":"drain","weight":20,"maxconn":5,"reason":"a\nb","ttl":60}})", "/m");
    ASSERT_TRUE(map);
    EXPECT_EQ(map->intent,
              (Intent{.wish = Wish::drain, .weight_percent = 20, .maxconn = 5, .reason = "a?b"}));
    EXPECT_EQ(map->ttl, 60s);
    EXPECT_EQ(parse_intent_json(R"({"weight":7})", "")->intent, (Intent{.weight_percent = 7}));
    for (const char* body : {"",
                             "x",
                             "[]",
                             "{}",
                             R"({"m":1})",
                             R"({"m":null})",
                             R"({"m":{}})",
                             R"({"m":{"weight":-1}})",
                             R"({"m":{"weight":1e9}})",
                             R"({"m":{"state":7}})",
                             R"({"m":{"ttl":5}})",
                             R"({"m":["drain"]})"}) {
        EXPECT_FALSE(parse_intent_json(body, "/m")) << body;
    }
}

TEST(IntentWords, OfAnAgentChangeWhatItSaidBefore) {
    const Intent drained = parse_intent("drain 50% maxconn:5")->intent;
    EXPECT_EQ(merged(drained, parse_intent("75%")->intent),
              (Intent{.wish = Wish::drain, .weight_percent = 75, .maxconn = 5}));
    EXPECT_EQ(merged(drained, parse_intent("ready")->intent),
              (Intent{.wish = Wish::ready, .weight_percent = 50, .maxconn = 5}));
    const Intent down = parse_intent("down#why")->intent;
    EXPECT_EQ(merged(down, parse_intent("up")->intent), (Intent{.serving = Serving::up}));
    EXPECT_EQ(merged(parse_intent("degraded")->intent, parse_intent("up")->intent).degraded, false);
    EXPECT_EQ(merged(parse_intent("degraded")->intent, parse_intent("9%")->intent).degraded, true);
}

}  // namespace
}  // namespace muster::checker
