#include "checker/reply_matches.hpp"

#include "checker/http_reply_check.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace muster::checker {
namespace {

using config::HeaderMatch;
using config::JsonMatch;
using config::TextMatch;
using Compare = JsonMatch::Compare;

TEST(TextMatches, InBothPolaritiesAndBothKinds) {
    PatternCache patterns;
    EXPECT_TRUE(holds({.text = "ok"}, "it is ok", patterns));
    EXPECT_FALSE(holds({.text = "OK"}, "it is ok", patterns));
    EXPECT_TRUE(holds({.text = "error", .negate = true}, "it is ok", patterns));
    EXPECT_TRUE(holds({.text = "^v[12]\\.", .regex = true}, "v2.5", patterns));
    EXPECT_FALSE(holds({.text = "^v[12]\\.", .regex = true}, "v3.5", patterns));
    EXPECT_TRUE(holds({.text = "(?i)fatal", .regex = true, .negate = true}, "fine", patterns));
    EXPECT_TRUE(holds({.text = "a.b", .regex = true}, std::string_view("a\xff\x62", 3), patterns));
}

TEST(TextMatches, APatternThatBacktracksElsewhereTakesNoTimeHere) {
    PatternCache patterns;
    const std::string hostile(60'000, 'a');
    EXPECT_FALSE(holds({.text = "(a+)+$b", .regex = true}, hostile, patterns));
    EXPECT_FALSE(holds({.text = "(a|aa)*c", .regex = true}, hostile, patterns));
}

TEST(TextMatches, ManyPatternsDoNotGrowForEver) {
    PatternCache patterns;
    for (int i = 0; i < 10'000; ++i)
        EXPECT_TRUE(holds({.text = "^" + std::to_string(i), .regex = true},
                          std::to_string(i) + " things",
                          patterns));
}

constexpr std::string_view header =
    "Content-Type: application/json; charset=utf-8\r\nX-A: 1\r\nx-a:   two \r\nEmpty:\r\n";

TEST(HeaderMatches, ByNameInAnyCase) {
    PatternCache patterns;
    const auto one = [&](HeaderMatch match) {
        return hold(std::vector<HeaderMatch>{std::move(match)}, header, patterns);
    };
    EXPECT_TRUE(one({.name = "content-type", .value = TextMatch{.text = "json"}}));
    EXPECT_FALSE(one({.name = "content-type", .value = TextMatch{.text = "xml"}}));
    EXPECT_TRUE(one({.name = "X-A", .value = TextMatch{.text = "^two$", .regex = true}}))
        << "one of several, without the blanks around it";
    EXPECT_FALSE(one({.name = "X-A", .value = TextMatch{.text = "two", .negate = true}}))
        << "negated: none of several";
    EXPECT_TRUE(one({.name = "X-A", .value = TextMatch{.text = "three", .negate = true}}));
    EXPECT_TRUE(one({.name = "empty"}));
    EXPECT_FALSE(one({.name = "missing"}));
    EXPECT_TRUE(one({.name = "missing", .absent = true}));
    EXPECT_FALSE(one({.name = "x-a", .absent = true}));
    EXPECT_FALSE(one({.name = "missing", .value = TextMatch{.text = ""}}));
    EXPECT_TRUE(one({.name = "missing", .value = TextMatch{.text = "x", .negate = true}}));
}

bool compares(std::string_view body, std::string pointer, Compare compare, std::string value = {}) {
    return hold(
        std::vector<JsonMatch>{
            {.pointer = std::move(pointer), .compare = compare, .value = std::move(value)}},
        body);
}

TEST(JsonMatches, CompareTheValueAtAPointer) {
    const std::string body = R"({"ready":true,"n":10,"f":1.5,"s":"ok","none":null,)"
                             R"("a/b":{"~":[1,2,{"x":"y"}]},"big":18446744073709551615})";
    EXPECT_TRUE(compares(body, "/ready", Compare::exists));
    EXPECT_FALSE(compares(body, "/gone", Compare::exists));
    EXPECT_TRUE(compares(body, "/gone", Compare::absent));
    EXPECT_TRUE(compares(body, "/s/x", Compare::absent)) << "behind a text";
    EXPECT_TRUE(compares(body, "/a~1b/~0/3", Compare::absent)) << "behind the last element";
    EXPECT_FALSE(compares(body, "/ready", Compare::absent));
    EXPECT_FALSE(compares(body, "/none", Compare::absent)) << "null is there";
    EXPECT_TRUE(compares(body, "/ready", Compare::equals, "true"));
    EXPECT_FALSE(compares(body, "/ready", Compare::equals, "\"true\""));
    EXPECT_TRUE(compares(body, "/s", Compare::equals, "\"ok\""));
    EXPECT_TRUE(compares(body, "/s", Compare::differs, "\"no\""));
    EXPECT_FALSE(compares(body, "/gone", Compare::differs, "\"no\"")) << "nothing is no answer";
    EXPECT_TRUE(compares(body, "/none", Compare::equals, "null"));
    EXPECT_TRUE(compares(body, "/a~1b/~0/2/x", Compare::equals, "\"y\""));
    EXPECT_TRUE(compares(body, "/n", Compare::less, "10.5"));
    EXPECT_FALSE(compares(body, "/n", Compare::less, "10"));
    EXPECT_TRUE(compares(body, "/n", Compare::at_most, "10"));
    EXPECT_TRUE(compares(body, "/n", Compare::more, "-3"));
    EXPECT_TRUE(compares(body, "/f", Compare::at_least, "1.5"));
    EXPECT_TRUE(compares(body, "/n", Compare::equals, "10.0"));
    EXPECT_TRUE(compares(body, "/big", Compare::more, "9223372036854775807"));
    EXPECT_FALSE(compares(body, "/s", Compare::less, "10")) << "a text is not ordered";
    EXPECT_TRUE(compares("7", "", Compare::equals, "7")) << "the whole body";
}

TEST(JsonMatches, HostileBodiesAreNoMatch) {
    for (const std::string& body : {std::string(),
                                    std::string("{"),
                                    std::string("{\"a\":1}{"),
                                    std::string(60'000, '['),
                                    std::string("\xff\xfe"),
                                    std::string("nul"),
                                    std::string(100, '\0')}) {
        EXPECT_FALSE(compares(body, "/a", Compare::exists)) << body.substr(0, 20);
        EXPECT_FALSE(compares(body, "/b", Compare::absent)) << body.substr(0, 20);
    }
}

struct Case {
    const char* name;
    config::HttpCheck expected;
    std::string reply;
    Reason reason;
};

std::string reply_with(const std::string& body, const std::string& fields = {}) {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + fields +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::vector<Case> cases() {
    const auto body = [](std::vector<TextMatch> matches) {
        config::HttpCheck check;
        check.expect_body = std::move(matches);
        return check;
    };
    const auto fields = [](std::vector<HeaderMatch> matches) {
        config::HttpCheck check;
        check.expect_headers = std::move(matches);
        return check;
    };
    const auto json = [](std::vector<JsonMatch> matches) {
        config::HttpCheck check;
        check.expect_json = std::move(matches);
        return check;
    };
    const TextMatch not_error{.text = "error", .negate = true};
    return {
        {"two texts", body({{.text = "a"}, {.text = "b"}}), reply_with("xbya"), Reason::l7_ok},
        {"one of two", body({{.text = "a"}, {.text = "b"}}), reply_with("xbyx"), Reason::l7_body},
        {"without a word", body({not_error}), reply_with("fine"), Reason::l7_ok},
        {"with the word", body({not_error}), reply_with("an error"), Reason::l7_body},
        {"the word after the first 64 KiB",
         body({not_error}),
         reply_with(std::string(65'536, 'x') + "error"),
         Reason::l7_ok},
        {"cut off before its end, without the word",
         body({not_error}),
         reply_with("fine").substr(0, reply_with("fine").size() - 1),
         Reason::l7_closed},
        {"a pattern over chunks",
         body({{.text = "a+b$", .regex = true}}),
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\naa\r\n2\r\nab\r\n0\r\n\r\n",
         Reason::l7_ok},
        {"a header that is there",
         fields({{.name = "content-type"}}),
         reply_with(""),
         Reason::l7_ok},
        {"a header that is not there",
         fields({{.name = "x-version"}}),
         reply_with(""),
         Reason::l7_header},
        {"a header of an interim reply only",
         fields({{.name = "x-hint"}}),
         "HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n" + reply_with(""),
         Reason::l7_header},
        {"a header after the status that is wrong",
         fields({{.name = "x-version"}}),
         "HTTP/1.1 500 Oops\r\n\r\n",
         Reason::l7_status},
        {"JSON",
         json({{.pointer = "/ok", .compare = Compare::equals, .value = "true"}}),
         reply_with(R"({"ok":true})"),
         Reason::l7_ok},
        {"other JSON",
         json({{.pointer = "/ok", .compare = Compare::equals, .value = "true"}}),
         reply_with(R"({"ok":false})"),
         Reason::l7_json},
        {"no JSON", json({{.pointer = "/ok"}}), reply_with("<html>"), Reason::l7_json},
        {"JSON of more than 64 KiB",
         json({{.pointer = "/ok"}}),
         reply_with("{\"ok\":true,\"x\":\"" + std::string(70'000, 'x') + "\"}"),
         Reason::l7_json},
    };
}

Reason feed(const Case& one, const std::vector<std::size_t>& parts) {
    PatternCache patterns;
    HttpReplyCheck check(one.expected, patterns);
    std::string_view rest = one.reply;
    for (const std::size_t size : parts) {
        const std::string_view now = rest.substr(0, size);
        rest.remove_prefix(now.size());
        if (now.empty()) break;
        if (const auto reason = check.add(now)) return *reason;
    }
    while (!rest.empty()) {
        if (const auto reason = check.add(rest.substr(0, 4'096))) return *reason;
        rest.remove_prefix(std::min<std::size_t>(4'096, rest.size()));
    }
    return check.end_of_input();
}

TEST(ReplyChecks, ComeToTheSameVerdictHoweverTheReplyIsSplit) {
    std::mt19937 random(7);
    for (const Case& one : cases()) {
        EXPECT_EQ(feed(one, {}), one.reason) << one.name;
        EXPECT_EQ(feed(one, std::vector<std::size_t>(one.reply.size(), 1)), one.reason)
            << one.name << ", byte by byte";
        for (int tries = 0; tries < 20; ++tries) {
            std::vector<std::size_t> parts;
            for (int i = 0; i < 30; ++i) parts.push_back(1 + random() % 200);
            EXPECT_EQ(feed(one, parts), one.reason) << one.name;
        }
    }
}

}  // namespace
}  // namespace muster::checker
