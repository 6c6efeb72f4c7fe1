#include "dnsupdate/dns_message.hpp"

#include <gtest/gtest.h>

#include <random>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;

const DnsName api("api.muster.test");
const RecordSet both{.members = {{MemberId("lb-1"), {.address = "10.0.0.1", .port = 80}},
                                 {MemberId("lb-2"), {.address = "10.0.0.2", .port = 80}},
                                 {MemberId("lb-3"), {.address = "fd00::3"}}}};

DnsRecord record(const char* type, const char* data, std::uint32_t ttl = 30) {
    return {.owner = "api.muster.test", .type = type, .ttl = ttl, .data = data};
}

DnsAnswer answer(std::vector<DnsRecord> records) {
    return {.code = "NOERROR", .records = std::move(records)};
}

TEST(DnsAnswer, IsWhatASetAnswersToEachType) {
    EXPECT_EQ(types_of(both), (std::vector{RecordType::a, RecordType::aaaa, RecordType::srv}));
    EXPECT_EQ(difference(api,
                         both,
                         RecordType::a,
                         answer({record("A", "10.0.0.2", 7), record("A", "10.0.0.1")})),
              "");
    EXPECT_EQ(difference(api, both, RecordType::aaaa, answer({record("AAAA", "fd00::3")})), "");
    EXPECT_EQ(difference(api,
                         both,
                         RecordType::srv,
                         answer({record("SRV", "10 50 80 lb-1.api.muster.test."),
                                 record("SRV", "10 50 80 lb-2.api.muster.test.")})),
              "");
}

TEST(DnsAnswer, SaysWhatIsWrongWithIt) {
    const auto wrong = [](std::vector<DnsRecord> records) {
        return difference(api, both, RecordType::a, answer(std::move(records)));
    };
    EXPECT_EQ(difference(api, both, RecordType::a, {.code = "NXDOMAIN"}), "answers NXDOMAIN");
    EXPECT_EQ(wrong({}), "does not answer 10.0.0.1");
    EXPECT_EQ(wrong({record("A", "10.0.0.1")}), "does not answer 10.0.0.2");
    EXPECT_EQ(wrong({record("A", "10.0.0.1"), record("A", "10.0.0.9")}), "still answers 10.0.0.9");
    EXPECT_EQ(wrong({record("A", "10.0.0.1"), record("A", "10.0.0.1")}), "still answers 10.0.0.1");
    EXPECT_EQ(wrong({record("CNAME", "x.test.")}), "answers api.muster.test CNAME x.test.");
    EXPECT_EQ(wrong({record("A", "10.0.0.1", 31), record("A", "10.0.0.2")}),
              "answers 10.0.0.1 with a TTL of 31");
}

TEST(DnsMessage, AnswersOnlyTheQuestionThatWasAsked) {
    std::string question = encode_question(api, RecordType::a, 7);
    ASSERT_FALSE(question.empty());
    EXPECT_FALSE(decode_answer(question, api, RecordType::a, 7)) << "no answer at all";
    question[2] = static_cast<char>(question[2] | '\x80');
    EXPECT_EQ(decode_answer(question, api, RecordType::a, 7), answer({}));
    EXPECT_FALSE(decode_answer(question, api, RecordType::a, 8));
    EXPECT_FALSE(decode_answer(question, api, RecordType::srv, 7));
    EXPECT_FALSE(decode_answer(question, DnsName("www.muster.test"), RecordType::a, 7));
}

TEST(DnsMessage, TakesAnyBytes) {
    std::string reply = encode_question(api, RecordType::a, 7);
    reply[2] = static_cast<char>(reply[2] | '\x80');
    for (std::size_t size = 0; size < reply.size(); ++size)
        (void)decode_answer(reply.substr(0, size), api, RecordType::a, 7);
    std::mt19937 random(1);
    for (int i = 0; i < 20'000; ++i) {
        std::string changed = reply + std::string(random() % 20, '\xc0');
        changed[random() % changed.size()] = static_cast<char>(random());
        changed[random() % changed.size()] = static_cast<char>(random());
        (void)decode_answer(changed, api, RecordType::a, 7);
    }
}

}  // namespace
}  // namespace muster::dnsupdate
