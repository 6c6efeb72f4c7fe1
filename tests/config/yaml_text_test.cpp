#include "common/config/yaml_text.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace muster::config {
namespace {

std::string yaml_of(std::string_view json) {
    return to_yaml(boost::json::parse(json));
}

TEST(YamlText, IsInBlockForm) {
    EXPECT_EQ(yaml_of(R"({"a": {"b": [1, {"c": "d", "e": [true, null]}, [2, 3]]}, "f": "g"})"),
              "a:\n"
              "  b:\n"
              "    - 1\n"
              "    - c: d\n"
              "      e:\n"
              "        - true\n"
              "        - null\n"
              "    - - 2\n"
              "      - 3\n"
              "f: g\n");
}

TEST(YamlText, WritesWhatIsEmptyInBrackets) {
    EXPECT_EQ(yaml_of(R"({"a": {}, "b": [], "c": "", "d": [[], {}]})"),
              "a: {}\nb: []\nc: \"\"\nd:\n  - []\n  - {}\n");
    EXPECT_EQ(yaml_of("[]"), "[]\n");
    EXPECT_EQ(yaml_of("5"), "5\n");
}

TEST(YamlText, QuotesWhatAReaderCouldTakeForSomethingElse) {
    EXPECT_EQ(
        yaml_of(R"(["a b", "no", "1", "1.5", "null", "~", "- a", "a: b", "a #b", "x:", "é"])"),
        "- \"a b\"\n- \"no\"\n- \"1\"\n- \"1.5\"\n- \"null\"\n- \"~\"\n- \"- a\"\n- \"a: b\"\n"
        "- \"a #b\"\n- \"x:\"\n- \"é\"\n");
    EXPECT_EQ(yaml_of(R"(["10.0.0.1:80", "/health", "200-299", "1m30s", "a.b_c"])"),
              "- 10.0.0.1:80\n- /health\n- 200-299\n- 1m30s\n- a.b_c\n");
    EXPECT_EQ(yaml_of(R"({"on": "a\nb\"\\"})"), "\"on\": \"a\\nb\\\"\\\\\"\n");
}

}  // namespace
}  // namespace muster::config
