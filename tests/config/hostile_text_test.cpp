// Texts that are broken in every way: whatever comes in, decode() returns problems, or groups and
// fleets that can be written and read again.

#include "common/config/decode.hpp"
#include "tests/config/random_groups.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace muster::config {
namespace {

constexpr std::string_view yaml = R"(kind: Group
name: w
spec:
  backends:
    - 10.0.0.1:80
    - {address: "[::1]:8", labels: {a: 'b'}}
  check: {tcp: {}, interval: 3s}
)";
constexpr std::string_view group_json =
    R"({"kind":"Group","name":"w","spec":{"backends":["a.b:80"],"check":{"http":{"path":"/\u0078"}}}})";
constexpr std::string_view fleet = R"(kind: Fleet
name: w
spec:
  listeners:
    - {name: a, bind: ":80", routes: [{host: "*.b.c", path: /d/, group: e}]}
    - {name: b, bind: "[::1]:8", mode: tcp, group: e, tls: {certificates: [/f]}}
)";
constexpr std::string_view blob = R"({"g":{"backend_servers":["10.0.0.1:80"]}})";

/// How many texts were valid.
class Survivors {
 public:
    void feed(const std::string& text) {
        const Decoded decoded = decode(text);
        for (const Problem& problem : decoded.problems) {
            ASSERT_FALSE(problem.what.empty()) << text;
            ASSERT_FALSE(to_string(problem).contains('\n')) << text;
        }
        if (!decoded.problems.empty()) return;
        ++count_;
        ASSERT_FALSE(decoded.groups.empty() && decoded.fleets.empty()) << text;
        for (const GroupSpec& group : decoded.groups) {
            const Decoded again = decode(boost::json::serialize(encode(group)));
            ASSERT_TRUE(again.problems.empty()) << to_string(again.problems.front()) << "\n"
                                                << text;
            ASSERT_EQ(again.groups, std::vector{group}) << text;
        }
        for (const FleetSpec& one : decoded.fleets)
            ASSERT_EQ(decode(boost::json::serialize(encode(one))).fleets, std::vector{one}) << text;
    }
    [[nodiscard]] int count() const { return count_; }

 private:
    int count_ = 0;
};

TEST(HostileText, EveryTruncation) {
    Survivors survivors;
    for (const std::string_view text : {yaml, group_json, blob, fleet})
        for (std::size_t length = 0; length <= text.size(); ++length)
            survivors.feed(std::string(text.substr(0, length)));
    // The whole texts, and of the YAML one also ends that happen to be complete.
    EXPECT_GE(survivors.count(), 4);
}

TEST(HostileText, EveryChangeOfOneByte) {
    Survivors survivors;
    for (const std::string_view text : {yaml, group_json, blob, fleet}) {
        for (std::size_t at = 0; at < text.size(); ++at) {
            for (int byte = 0; byte < 256; ++byte) {
                std::string changed(text);
                changed[at] = static_cast<char>(byte);
                ASSERT_NO_FATAL_FAILURE(survivors.feed(changed));
            }
        }
    }
    EXPECT_GT(survivors.count(), 1000) << "digits and letters can be changed without harm";
}

TEST(HostileText, EveryByteLeftOutOrDoubled) {
    Survivors survivors;
    for (const std::string_view text : {yaml, group_json, blob, fleet}) {
        for (std::size_t at = 0; at < text.size(); ++at) {
            std::string shorter(text);
            shorter.erase(at, 1);
            ASSERT_NO_FATAL_FAILURE(survivors.feed(shorter));
            std::string longer(text);
            longer.insert(at, 1, text[at]);
            ASSERT_NO_FATAL_FAILURE(survivors.feed(longer));
        }
    }
}

TEST(HostileText, RandomBytesAndRandomTokens) {
    constexpr std::string_view tokens[] = {
        "kind", "Group", "name", "spec", ":", ": ",       "\n",    "\n  ",        "- ",
        "{",    "}",     "[",    "]",    ",", "\"",       "'",     "&a ",         "*a",
        "!x",   "? ",    "| ",   "> ",   "#", "---\n",    "...\n", "%YAML 1.2\n", "<<",
        "\t",   "\\u00", "0x",   "é",    "~", "backends", "check", "10.0.0.1:80", "web"};
    std::mt19937_64 random(99);
    Survivors survivors;
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        const std::size_t length = random() % 60;
        while (text.size() < length) {
            if (i % 2 == 0) {
                text += static_cast<char>(random());
            } else {
                text += tokens[random() % std::size(tokens)];
            }
        }
        ASSERT_NO_FATAL_FAILURE(survivors.feed(text));
    }
}

TEST(HostileText, SplicesOfRandomGroups) {
    std::mt19937_64 random(5);
    Survivors survivors;
    for (int i = 0; i < 1'000; ++i) {
        const std::string first = encode_yaml(random_group(random));
        const std::string second = encode_yaml(random_group(random));
        ASSERT_NO_FATAL_FAILURE(survivors.feed(first.substr(0, random() % first.size()) +
                                               second.substr(random() % second.size())));
    }
}

/// Texts that make naive readers slow or deep. All of them together take well under a second; one
/// that took quadratic time would run into the time limit of the test.
TEST(HostileText, PathologicalTextsAreRefusedWithoutEffort) {
    const auto repeat = [](std::string_view text, std::size_t times) {
        std::string result;
        for (std::size_t i = 0; i < times; ++i) result += text;
        return result;
    };
    constexpr std::size_t many = 50'000;
    for (const std::string& text : {repeat("[", many),
                                    repeat("{", many),
                                    repeat("{\"a\":", many),
                                    "a: " + repeat("[", many),
                                    repeat("- ", many),
                                    repeat("? ", many),
                                    repeat("a: ", many),
                                    repeat("!", many),
                                    repeat("&a ", many),
                                    repeat("*a ", many),
                                    repeat("- *a\n", many),
                                    repeat("\"a\" ", many),
                                    repeat("a\n", many),
                                    repeat("#\n", many),
                                    repeat("---\n", many),
                                    repeat("%YAML 1.2\n", many),
                                    "a: '" + repeat("''", many),
                                    "a: |\n" + repeat(" b\n", many),
                                    "kind: Group\nspec: {" + repeat("a: 1, ", many),
                                    "[" + repeat("[],", many)}) {
        const Decoded decoded = decode(text);
        EXPECT_FALSE(decoded.problems.empty()) << text.substr(0, 40);
        EXPECT_LE(decoded.problems.size(), 102U) << text.substr(0, 40);
    }
}

}  // namespace
}  // namespace muster::config
