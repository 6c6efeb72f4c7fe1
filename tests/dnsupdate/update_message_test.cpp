#include "dnsupdate/update_message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;

constexpr const char* secret = "bXVzdGVyLXRlc3RzLW11c3Rlci10ZXN0cy1tdXN0ZXI=";
const TsigKey key = make_tsig_key("Muster.", secret).value();

Update update() {
    const ZoneRecord fence{.owner = "_muster-fence.muster.test", .type = "TXT", .data = {"1-2-n"}};
    return {
        .zone = DnsName("muster.test"),
        .prerequisites = {{.kind = Prerequisite::Kind::is,
                           .owner = fence.owner,
                           .type = "TXT",
                           .records = {fence}},
                          {.owner = "api.muster.test", .type = "CNAME"},
                          {.kind = Prerequisite::Kind::not_used, .owner = "lb-1.api.muster.test"}},
        .replacements = {
            {.owner = "api.muster.test",
             .type = "SRV",
             .records = {{.owner = "api.muster.test",
                          .type = "SRV",
                          .ttl = 30,
                          .data = {"10", "100", "80", "lb-1.api.muster.test"}}}},
            {.owner = "api.muster.test",
             .type = "AAAA",
             .records = {
                 {.owner = "api.muster.test", .type = "AAAA", .ttl = 30, .data = {"fd00::1"}}}}}};
}

/// When it was signed, as the message says.
WallTime signed_at(const std::string& message) {
    return WallTime(std::chrono::seconds(find_tsig(message).value()->time));
}

/// As if the server had answered with the same message.
std::string as_reply(std::string message) {
    message[2] = static_cast<char>(message[2] | '\x80');
    return message;
}

TEST(UpdateMessage, SaysWhatMustHoldAndWhatChanges) {
    const SignedMessage message = encode_update(update(), key, 7).value();
    const std::string& bytes = message.bytes;
    // Opcode 5; one zone, 3 prerequisites, 4 changes, the signature.
    EXPECT_EQ(bytes.substr(0, 12), std::string("\0\7\x28\0\0\1\0\3\0\4\0\1", 12));
    const UpdateReply read = decode_reply(as_reply(bytes), 7).value();
    EXPECT_EQ(read.code, "NOERROR");
    ASSERT_EQ(read.answers.size(), 3U);
    EXPECT_EQ(read.answers[0], update().prerequisites[0].records[0]);
    EXPECT_EQ(read.answers[1], (ZoneRecord{.owner = "api.muster.test", .type = "CNAME"}));
    EXPECT_EQ(read.answers[2], (ZoneRecord{.owner = "lb-1.api.muster.test", .type = "ANY"}));
}

TEST(UpdateMessage, IsSignedWithTheKey) {
    const SignedMessage message = encode_update(update(), key, 7).value();
    const TsigRecord tsig = find_tsig(message.bytes).value().value();
    EXPECT_EQ(tsig.key_name, "muster");
    EXPECT_EQ(tsig.algorithm, "hmac-sha256");
    EXPECT_EQ(tsig.mac, message.mac);
    EXPECT_EQ(message.mac.size(), 32U);
}

TEST(UpdateMessage, RefusesWhatIsNoRecord) {
    const auto refused = [](const std::string& type, std::vector<std::string> data) {
        Update one = update();
        one.replacements = {{.owner = "a.muster.test",
                             .type = type,
                             .records = {{.owner = "a.muster.test", .type = type, .data = data}}}};
        const auto message = encode_update(one, key, 7);
        return !message && message.error().code == make_error_code(UpdateErrc::bad_record);
    };
    EXPECT_TRUE(refused("A", {"fd00::1"}));
    EXPECT_TRUE(refused("A", {"10.0.0.256"}));
    EXPECT_TRUE(refused("AAAA", {"lb-1"}));
    EXPECT_TRUE(refused("SRV", {"10", "100", "65536", "a.muster.test"}));
    EXPECT_TRUE(refused("SRV", {"10", "100", "80", std::string(64, 'a') + ".muster.test"}));
    EXPECT_TRUE(refused("TXT", {std::string(256, 'a')}));
    EXPECT_FALSE(refused("TXT", {std::string("\0\"\\;\xff", 5)}));
}

TEST(UpdateMessage, RefusesWhatDoesNotFitIntoOne) {
    Update large = update();
    const auto size = [&large](int records) {
        large.replacements[0].records.clear();
        for (int i = 0; i < records; ++i)
            large.replacements[0].records.push_back(
                {.owner = "api.muster.test", .type = "TXT", .data = {std::string(200, 'a')}});
        large.replacements[0].type = "TXT";
        return encode_update(large, key, 7);
    };
    EXPECT_TRUE(size(290));
    // Around the point at which libldns would abort.
    for (int records = 291; records < 320; ++records) (void)size(records);
    ASSERT_FALSE(size(320));
    EXPECT_EQ(size(320).error().code, make_error_code(UpdateErrc::too_large));
    EXPECT_FALSE(size(5'000));
}

TEST(UpdateMessage, ReadsAnyBytes) {
    const std::string reply = as_reply(encode_update(update(), key, 7).value().bytes);
    for (std::size_t size = 0; size < reply.size(); ++size) {
        (void)decode_reply(reply.substr(0, size), 7);
        EXPECT_FALSE(TsigCheck(key, "").next(reply.substr(0, size), signed_at(reply)));
    }
    std::mt19937 random(1);
    for (int i = 0; i < 20'000; ++i) {
        std::string changed = reply + std::string(random() % 20, '\xc0');
        for (int change = 0; change < 3; ++change)
            changed[random() % changed.size()] = static_cast<char>(random());
        (void)decode_reply(changed, 7);
        (void)find_tsig(changed);
    }
    for (int i = 0; i < 5'000; ++i) {
        std::string noise(random() % 300, '\0');
        for (char& c : noise) c = static_cast<char>(random());
        (void)decode_reply(noise, 7);
        (void)find_tsig(noise);
    }
    EXPECT_FALSE(decode_reply(reply, 8));
    EXPECT_FALSE(decode_reply(encode_update(update(), key, 7).value().bytes, 7)) << "a request";
}

TEST(Tsig, TakesOnlySecretsThatAreSome) {
    EXPECT_TRUE(make_tsig_key("k", secret));
    EXPECT_EQ(make_tsig_key("k", secret)->secret, "muster-tests-muster-tests-muster");
    for (const char* const bad :
         {"", "c2hvcnQ=", "not base64", "bXVzdGVy=LXRlc3RzLW11c3Rlci10ZXN0c"})
        EXPECT_FALSE(make_tsig_key("k", bad)) << bad;
}

TEST(Tsig, BelievesNoMessageThatWasChangedOrIsOfAnotherTime) {
    const std::string signed_message = encode_update(update(), key, 7).value().bytes;
    const WallTime when = signed_at(signed_message);
    const auto verdict = [](const std::string& message, WallTime now, const TsigKey& with = key) {
        TsigCheck check = TsigCheck::of_request(with);
        const auto verified = check.next(message, now);
        return verified ? std::error_code{} : verified.error().code;
    };
    EXPECT_EQ(verdict(signed_message, when), std::error_code{});
    EXPECT_EQ(verdict(signed_message, when + 300s), std::error_code{});
    EXPECT_EQ(verdict(signed_message, when + 301s), make_error_code(TsigErrc::wrong_time));
    EXPECT_EQ(verdict(signed_message, when - 301s), make_error_code(TsigErrc::wrong_time));
    for (std::size_t i = 0; i < signed_message.size(); ++i) {
        std::string changed = signed_message;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        // The id of a message may change on its way: its signature has the first one.
        if (i > 1) EXPECT_NE(verdict(changed, when), std::error_code{}) << i;
    }
    const TsigKey other = make_tsig_key("other", secret).value();
    EXPECT_EQ(verdict(signed_message, when, other), make_error_code(TsigErrc::unknown_key));
    const TsigKey wrong =
        make_tsig_key("muster", "bm90IHRoZSBzZWNyZXQgb2YgdGhlIHNlcnZlcg==").value();
    EXPECT_EQ(verdict(signed_message, when, wrong), make_error_code(TsigErrc::wrong_secret));
    const std::size_t tail = find_tsig(signed_message).value()->offset;
    std::string plain = signed_message.substr(0, tail);
    plain[11] = 0;
    EXPECT_EQ(verdict(plain, when), make_error_code(TsigErrc::not_signed));
}

}  // namespace
}  // namespace muster::dnsupdate
