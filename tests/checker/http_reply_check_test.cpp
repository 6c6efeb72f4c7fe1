#include "checker/http_reply_check.hpp"

#include "tests/checker/support/hostile_replies.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace muster::checker {
namespace {

/// Feeds parts of at most `part` bytes, then does what the backend does. A backend that hangs ends
/// in a time-out, and one that resets in l7_closed.
Reason verdict(const config::HttpCheck& expected,
               std::string_view bytes,
               Then then,
               std::size_t first_part,
               std::size_t part) {
    PatternCache patterns;
    HttpReplyCheck check(expected, patterns);
    std::size_t size = first_part;
    while (!bytes.empty()) {
        const std::string_view now = bytes.substr(0, size);
        if (const auto reason = check.add(now)) return *reason;
        bytes.remove_prefix(now.size());
        size = part;
    }
    switch (then) {
        case Then::close:
            return check.end_of_input();
        case Then::reset:
            return Reason::l7_closed;
        case Then::hang:
            return Reason::l7_timeout;
    }
    return Reason::unknown;
}

constexpr std::size_t whole = std::string_view::npos;

std::vector<ReplyCase> all_replies() {
    std::vector<ReplyCase> cases = good_replies();
    for (ReplyCase& hostile : hostile_replies()) cases.push_back(std::move(hostile));
    return cases;
}

TEST(HttpReplyCheck, SeesGoodAndHostileRepliesForWhatTheyAre) {
    EXPECT_GE(hostile_replies().size(), 100U);
    for (const ReplyCase& reply : all_replies()) {
        EXPECT_EQ(verdict(reply.check, reply.bytes, reply.then, whole, whole), reply.expected)
            << reply.name;
    }
}

TEST(HttpReplyCheck, SaysTheSameHoweverTheReplyIsSplit) {
    for (const ReplyCase& reply : all_replies()) {
        EXPECT_EQ(verdict(reply.check, reply.bytes, reply.then, 1, 1), reply.expected)
            << reply.name << ", byte by byte";
        if (reply.bytes.size() > 2000) continue;
        for (std::size_t split = 1; split < reply.bytes.size(); ++split) {
            ASSERT_EQ(verdict(reply.check, reply.bytes, reply.then, split, whole), reply.expected)
                << reply.name << ", split at " << split;
        }
        for (std::size_t part = 2; part < 40; ++part) {
            ASSERT_EQ(verdict(reply.check, reply.bytes, reply.then, part, part), reply.expected)
                << reply.name << ", parts of " << part;
        }
    }
}

TEST(HttpReplyCheck, KnowsTheStatusOnceTheHeaderIsComplete) {
    const config::HttpCheck expected{.expect_body = {{.text = "x"}}};
    PatternCache patterns;
    HttpReplyCheck check(expected, patterns);
    EXPECT_EQ(check.add("HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 204 No"), std::nullopt);
    EXPECT_EQ(check.status(), 0);
    EXPECT_EQ(check.add("ne\r\n\r\n"), Reason::l7_body);
    EXPECT_EQ(check.status(), 204);
}

TEST(HttpReplyCheck, TakesAnyOfTheExpectedRanges) {
    const config::HttpCheck expected{
        .expect_status = {{.first = 200, .last = 200}, {.first = 429, .last = 503}}};
    for (const auto& [status, reason] : {std::pair{"200", Reason::l7_ok},
                                         std::pair{"201", Reason::l7_status},
                                         std::pair{"428", Reason::l7_status},
                                         std::pair{"429", Reason::l7_ok},
                                         std::pair{"503", Reason::l7_ok},
                                         std::pair{"504", Reason::l7_status}}) {
        PatternCache patterns;
        HttpReplyCheck check(expected, patterns);
        EXPECT_EQ(check.add(std::string("HTTP/1.1 ") + status + " x\r\n\r\n"), reason) << status;
    }
}

Reason verdict_on_status(const config::HttpCheck& expected, const std::string& status) {
    return verdict(expected, "HTTP/1.1 " + status + " x\r\n\r\n", Then::close, whole, whole);
}

TEST(HttpReplyCheck, TakesNoneOfTheRangesThatMustNotBe) {
    const config::HttpCheck expected{
        .expect_status = {},
        .expect_not_status = {{.first = 500, .last = 599}, {.first = 404, .last = 404}}};
    for (const char* status : {"200", "301", "403", "405", "499"})
        EXPECT_EQ(verdict_on_status(expected, status), Reason::l7_ok) << status;
    for (const char* status : {"404", "500", "503", "599"})
        EXPECT_EQ(verdict_on_status(expected, status), Reason::l7_status) << status;
}

TEST(HttpReplyCheck, HoldsAPatternAgainstTheDigitsOfTheStatus) {
    const config::HttpCheck expected{.expect_status = {}, .expect_status_regex = "^(2..|40[14])$"};
    for (const char* status : {"200", "299", "401", "404"})
        EXPECT_EQ(verdict_on_status(expected, status), Reason::l7_ok) << status;
    for (const char* status : {"302", "400", "402", "500"})
        EXPECT_EQ(verdict_on_status(expected, status), Reason::l7_status) << status;
    // As any pattern, it may match within.
    EXPECT_EQ(verdict_on_status({.expect_status = {}, .expect_status_regex = "3$"}, "503"),
              Reason::l7_ok);
}

/// Bytes changed, doubled, dropped and swapped at random: never a crash or a read out of bounds
/// (run under ASan), and never a verdict that depends on the split.
TEST(HttpReplyCheck, SaysTheSameOfMutatedRepliesHoweverTheyAreSplit) {
    std::mt19937 random(4711);
    const std::vector<ReplyCase> cases = all_replies();
    static constexpr char bytes_of_interest[] = "\0\r\n \t:;,0123456789abcdefHTTP/.\x7f\xff-+";
    const std::string_view interesting(bytes_of_interest, sizeof bytes_of_interest - 1);
    int different_from_expected = 0;
    for (int round = 0; round < 20'000; ++round) {
        const ReplyCase& base = cases[random() % cases.size()];
        if (base.bytes.empty() || base.bytes.size() > 3000) continue;
        std::string bytes = base.bytes;
        const std::size_t changes = 1 + random() % 4;
        for (std::size_t i = 0; i < changes && !bytes.empty(); ++i) {
            const std::size_t at = random() % bytes.size();
            switch (random() % 5) {
                case 0:
                    bytes[at] = interesting[random() % interesting.size()];
                    break;
                case 1:
                    bytes.insert(at, 1, interesting[random() % interesting.size()]);
                    break;
                case 2:
                    bytes.erase(at, 1 + random() % 4);
                    break;
                case 3:
                    bytes.insert(at, bytes.substr(at, random() % 60));
                    break;
                case 4: {
                    const std::string& other = cases[random() % cases.size()].bytes;
                    if (!other.empty()) {
                        bytes.insert(at, other.substr(random() % other.size(), random() % 80));
                    }
                    break;
                }
            }
        }
        const Reason at_once = verdict(base.check, bytes, base.then, whole, whole);
        ASSERT_EQ(verdict(base.check, bytes, base.then, 1, 1), at_once)
            << testing::PrintToString(bytes);
        const std::size_t part = 1 + random() % 50;
        ASSERT_EQ(verdict(base.check, bytes, base.then, 1 + random() % 50, part), at_once)
            << testing::PrintToString(bytes);
        if (at_once != base.expected) ++different_from_expected;
    }
    EXPECT_GT(different_from_expected, 3000) << "the mutations do change something";
}

/// The body is searched in parts; a plain search in the whole is the oracle.
TEST(HttpReplyCheck, FindsTheTextExactlyWhereAPlainSearchDoes) {
    std::mt19937 random(12);
    for (int round = 0; round < 20'000; ++round) {
        std::string body;
        std::string wanted;
        const std::size_t size = random() % 40;
        for (std::size_t i = 0; i < size; ++i) body += "ab"[random() % 2];
        const std::size_t wanted_size = 1 + random() % 6;
        for (std::size_t i = 0; i < wanted_size; ++i) wanted += "ab"[random() % 2];
        const config::HttpCheck expected{.expect_body = {{.text = wanted}}};
        const std::string reply = "HTTP/1.1 200 OK\r\n\r\n" + body;
        const Reason oracle =
            body.find(wanted) != std::string::npos ? Reason::l7_ok : Reason::l7_body;
        ASSERT_EQ(verdict(expected, reply, Then::close, 1 + random() % 30, 1 + random() % 7),
                  oracle)
            << body << " in search of " << wanted;
    }
}

}  // namespace
}  // namespace muster::checker
