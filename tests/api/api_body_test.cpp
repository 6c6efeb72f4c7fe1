#include "orchestrator/api_body.hpp"

#include "tests/api/api_case.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

std::vector<std::string> problems_of(std::string_view text) {
    BodyReader body(text);
    (void)body.boolean("all");
    (void)body.whole("weight", 0, 1000);
    (void)body.text("reason", 10);
    std::vector<std::string> result;
    for (const config::Problem& problem : body.problems()) {
        result.push_back(problem.path + ": " + problem.what);
    }
    return result;
}

using Lines = std::vector<std::string>;

TEST(BodyReader, AcceptsWhatItKnowsAndAnEmptyBody) {
    EXPECT_EQ(problems_of(""), Lines{});
    EXPECT_EQ(problems_of(" \r\n"), Lines{});
    EXPECT_EQ(problems_of(R"({"all":true,"weight":1000,"reason":"ok"})"), Lines{});
    BodyReader body(R"({"weight":7})");
    EXPECT_EQ(body.whole("weight", 0, 9), 7);
    EXPECT_EQ(body.boolean("all"), std::nullopt);
}

TEST(BodyReader, NamesEveryFieldThatIsWrong) {
    EXPECT_EQ(problems_of(R"({"all":1,"weight":1001,"reason":"0123456789a","resaon":"x"})"),
              (Lines{"all: must be true or false",
                     "weight: must be a whole number from 0 to 1000",
                     "reason: must be a text of at most 10 printable bytes",
                     "resaon: is unknown; the nearest known field is 'reason'"}));
    EXPECT_EQ(problems_of(R"({"weight":1.5})").size(), 1U);
    EXPECT_EQ(problems_of(R"({"weight":-1})").size(), 1U);
    EXPECT_EQ(problems_of(R"({"weight":18446744073709551615})").size(), 1U);
    EXPECT_EQ(problems_of("{\"reason\":\"a\\u0000b\"}").size(), 1U);
}

TEST(BodyReader, SurvivesHostileBodies) {
    const std::vector<std::string> hostile = {
        "[]",
        "null",
        "true",
        "\"x\"",
        "{",
        "{\"all\"",
        "{\"all\":}",
        "{]}",
        std::string("\0", 1),
        "\xff\xfe",
        "{\"all\":true}{\"all\":true}",
        "{\"a\":\"\xc3\x28\"}",
        std::string(100'000, '['),
        "{\"a\":" + std::string(100'000, '{'),
        "{\"a\":\"" + std::string(200'000, 'x') + "\"}",
        "{'all':true}",
        "all: true",
        "NaN",
        "{\"weight\":1e999}",
    };
    for (const std::string& body : hostile)
        EXPECT_FALSE(problems_of(body).empty()) << body.substr(0, 30);
}

Result<Expectation> expectation(std::vector<http::Field> fields) {
    return expectation_of(test::request("POST", "/", std::move(fields)));
}

TEST(Preconditions, AreOneGenerationAnyOrNone) {
    EXPECT_EQ(expectation({})->kind, Expectation::Kind::anything);
    EXPECT_EQ(expectation({{"If-Match", "*"}})->kind, Expectation::Kind::exists);
    EXPECT_EQ(expectation({{"If-Match", "\"12\""}}),
              (Expectation{.kind = Expectation::Kind::generation, .generation = 12}));
    EXPECT_EQ(expectation({{"If-None-Match", "*"}}),
              (Expectation{.kind = Expectation::Kind::generation, .generation = 0}));
    for (const char* value : {"12",
                              "\"\"",
                              "\"-1\"",
                              "\"1\", \"2\"",
                              "W/\"1\"",
                              "\"x\"",
                              "",
                              "\"99999999999999999999\""}) {
        EXPECT_FALSE(expectation({{"If-Match", value}})) << value;
    }
    EXPECT_FALSE(expectation({{"If-None-Match", "\"1\""}}));
    EXPECT_FALSE(expectation({{"If-Match", "*"}, {"If-None-Match", "*"}}));
}

TEST(Preconditions, OfSeveralGroupsComeInTheQuery) {
    const auto both = expectations_of(test::request("POST", "/?expect=web:4,a:b:0"));
    ASSERT_TRUE(both);
    EXPECT_EQ(both->size(), 2U);
    EXPECT_EQ(both->at(GroupName("web")).generation, 4);
    EXPECT_EQ(both->at(GroupName("a:b")).generation, 0);
    EXPECT_TRUE(expectations_of(test::request("POST", "/"))->empty());
    for (const char* value : {"web", "web:", ":4", "web:x", "web:-1", "web:4,,"}) {
        EXPECT_FALSE(expectations_of(test::request("POST", std::string("/?expect=") + value)))
            << value;
    }
}

TEST(Author, IsShortPrintableAscii) {
    const auto author = [](const std::string& value) {
        return author_of(test::request("POST", "/", {{"Muster-Author", value}}), "loopback");
    };
    EXPECT_EQ(author_of(test::request("POST", "/"), "token"), "token");
    EXPECT_EQ(author("alice@example.org"), "alice@example.org");
    EXPECT_FALSE(author(""));
    EXPECT_FALSE(author(std::string(65, 'a')));
    EXPECT_FALSE(author("a\tb"));
    EXPECT_FALSE(author("\xc3\xa4"));
}

TEST(ContentType, IsJsonYamlTextOrNothing) {
    for (const char* type : {"application/json",
                             "Application/JSON; charset=utf-8",
                             "text/yaml",
                             "application/x-yaml ; x=y",
                             "text/plain"}) {
        EXPECT_TRUE(has_known_type(test::request("POST", "/", {{"Content-Type", type}}))) << type;
    }
    EXPECT_TRUE(has_known_type(test::request("POST", "/")));
    for (const char* type : {"",
                             "text/html",
                             "multipart/form-data; boundary=x",
                             "application/x-www-form-urlencoded",
                             "application/jsonp"}) {
        EXPECT_FALSE(has_known_type(test::request("POST", "/", {{"Content-Type", type}}))) << type;
    }
}

}  // namespace
}  // namespace muster::orchestrator
