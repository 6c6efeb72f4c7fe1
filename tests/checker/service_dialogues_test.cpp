// The dialogues with services, word by word: what is said, and what becomes of each answer. Against
// the real servers: tests/probes.
#include "checker/make_dialogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace muster::checker {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

DialogueSettings settings() {
    return {.user_agent = "muster/test",
            .patterns = std::make_shared<PatternCache>(),
            .secret = [](const std::string& name) {
                return name == "known" ? std::optional<std::string>("s3cret") : std::nullopt;
            }};
}

struct Heard {
    std::string said;
    bool asked_for_tls = false;
    std::optional<Finding> finding;
};

/// Over a stream that splits what the peer says into parts of `part` bytes. When the dialogue asks
/// for TLS it gets it, and the rest after it.
Heard talk(const config::ProbeKind& kind,
           std::string_view peer,
           std::size_t part = 100'000,
           std::string_view after_tls = "") {
    const DialogueSettings with = settings();
    ProbeRequest request{.host = "10.0.0.1", .port = 80};
    request.probe = config::ProbeSpec(kind);
    const auto dialogue = make_dialogue(request, with).value();
    Heard heard;
    auto turn = dialogue->begin(heard.said);
    while (!turn.finding && !turn.start_tls && !peer.empty()) {
        turn = dialogue->receive(peer.substr(0, part), heard.said);
        peer.remove_prefix(std::min(part, peer.size()));
    }
    if (turn.start_tls) {
        heard.asked_for_tls = true;
        turn = dialogue->secured(heard.said);
        if (!turn.finding && !after_tls.empty()) turn = dialogue->receive(after_tls, heard.said);
    }
    heard.finding = turn.finding;
    return heard;
}

struct Row {
    std::string name;
    config::ProbeKind kind;
    std::string_view peer;
    std::string_view said;  ///< all of it; empty = not looked at
    Result result = Result::failure;
    Reason reason = Reason::l7_invalid;
    std::uint16_t code = 0;
};

std::vector<Row> rows() {
    using namespace config;
    constexpr auto mysql_greeting =
        "\x0a\0\0\0\x0a"
        "8.0.0\0abc"sv;
    static const std::string mysql_let_in = std::string(mysql_greeting) + "\1\0\0\2\0"s;
    static const std::string mysql_other_plugin = std::string(mysql_greeting) +
                                                  "\4\0\0\2\xfe"
                                                  "ab\0"s +
                                                  "\1\0\0\4\0"s;
    static const std::string mysql_denied = std::string(mysql_greeting) + "\5\0\0\2\xff\x15\x04no"s;
    const auto ok = Result::success;
    const auto bad = Result::failure;
    return {
        {"redis pong", RedisCheck{}, "+PONG\r\n", "*1\r\n$4\r\nPING\r\n", ok, Reason::l7_ok},
        {"redis loading", RedisCheck{}, "-LOADING x\r\n", "", bad, Reason::l7_status},
        {"redis wants a password", RedisCheck{}, "-NOAUTH x\r\n", "", bad, Reason::l7_auth},
        {"redis is http", RedisCheck{}, "HTTP/1.1 400 x\r\n", "", bad, Reason::l7_invalid},
        {"redis lets in",
         RedisCheck{.user = "u", .secret = "known"},
         "+OK\r\n+PONG\r\n",
         "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$6\r\ns3cret\r\n*1\r\n$4\r\nPING\r\n",
         ok,
         Reason::l7_ok},
        {"redis does not let in",
         RedisCheck{.secret = "known"},
         "-WRONGPASS x\r\n-NOAUTH\r\n",
         "",
         bad,
         Reason::l7_auth},
        {"redis master",
         RedisCheck{.role = "master"},
         "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n",
         "*1\r\n$4\r\nROLE\r\n",
         ok,
         Reason::l7_ok},
        {"redis master, not replica",
         RedisCheck{.role = "replica"},
         "*3\r\n$6\r\nmaster\r\n",
         "",
         bad,
         Reason::l7_status},
        {"redis replica",
         RedisCheck{.role = "replica"},
         "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:6379\r\n$9\r\nconnected\r\n:0\r\n",
         "",
         ok,
         Reason::l7_ok},
        {"redis replica without its master",
         RedisCheck{.role = "replica"},
         "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:6379\r\n$7\r\nconnect\r\n:-1\r\n",
         "",
         bad,
         Reason::l7_status},
        {"redis endless string",
         RedisCheck{.role = "master"},
         "*1\r\n$99999999\r\n",
         "",
         bad,
         Reason::l7_too_large},
        {"redis number that is none",
         RedisCheck{.role = "master"},
         "*1\r\n$99999999999999999999999\r\n",
         "",
         bad,
         Reason::l7_invalid},
        {"postgres asks for a password",
         PostgresCheck{.user = "u", .database = "d"},
         "R\0\0\0\x0c\0\0\0\5abcd"sv,
         "\0\0\0\x33\0\3\0\0user\0u\0database\0d\0application_name\0muster\0\0X\0\0\0\4"sv,
         ok,
         Reason::l7_ok},
        {"postgres lets in, and has the database",
         PostgresCheck{.database = "d"},
         "R\0\0\0\x08\0\0\0\0S\0\0\0\x0aTZ\0x\0\0"sv,
         "",
         ok,
         Reason::l7_ok},
        {"postgres lets in, and has no database",
         PostgresCheck{.database = "d"},
         "R\0\0\0\x08\0\0\0\0E\0\0\0\x13SFATAL\0C3D000\0\0"sv,
         "",
         bad,
         Reason::l7_status},
        {"postgres does not know the user",
         PostgresCheck{},
         "E\0\0\0\x13SFATAL\0C28000\0\0"sv,
         "",
         ok,
         Reason::l7_ok},
        {"postgres starts up",
         PostgresCheck{},
         "E\0\0\0\x13SFATAL\0C57P03\0\0"sv,
         "",
         bad,
         Reason::l7_status},
        {"postgres has no such database",
         PostgresCheck{.database = "d"},
         "E\0\0\0\x13SFATAL\0C3D000\0\0"sv,
         "",
         bad,
         Reason::l7_status},
        {"postgres has no database for the default user",
         PostgresCheck{},
         "E\0\0\0\x13SFATAL\0C3D000\0\0"sv,
         "",
         ok,
         Reason::l7_ok},
        {"postgres error without a code",
         PostgresCheck{},
         "E\0\0\0\x0aSFATA\0"sv,
         "",
         bad,
         Reason::l7_invalid},
        {"postgres length of nothing", PostgresCheck{}, "R\0\0\0\0"sv, "", bad, Reason::l7_invalid},
        {"postgres endless", PostgresCheck{}, "R\x7f\0\0\0"sv, "", bad, Reason::l7_too_large},
        {"postgres is ssh", PostgresCheck{}, "SSH-2.0-x\r\n", "", bad, Reason::l7_invalid},
        {"mysql greets", MysqlCheck{}, mysql_greeting, "", ok, Reason::l7_ok},
        {"mysql lets in", MysqlCheck{.user = "u"}, mysql_let_in, "", ok, Reason::l7_ok},
        {"mysql by another plug-in",
         MysqlCheck{.user = "u"},
         mysql_other_plugin,
         "",
         ok,
         Reason::l7_ok},
        {"mysql does not let in",
         MysqlCheck{.user = "u"},
         mysql_denied,
         "",
         bad,
         Reason::l7_auth,
         1045},
        {"mysql is full",
         MysqlCheck{},
         "\x0b\0\0\0\xff\x10\x04too many"sv,
         "",
         bad,
         Reason::l7_status,
         1040},
        {"mysql of another protocol",
         MysqlCheck{},
         "\3\0\0\0\x09"
         "8\0"sv,
         "",
         bad,
         Reason::l7_invalid},
        {"mysql empty packet", MysqlCheck{}, "\0\0\0\0"sv, "", bad, Reason::l7_invalid},
        {"mysql endless packet", MysqlCheck{}, "\xff\xff\xff\0"sv, "", bad, Reason::l7_too_large},
        {"smtp",
         SmtpCheck{},
         "220 mail ESMTP\r\n250-mail\r\n250 SIZE\r\n",
         "EHLO muster.invalid\r\nQUIT\r\n",
         ok,
         Reason::l7_ok,
         250},
        {"smtp greeting of several lines",
         SmtpCheck{},
         "220-mail\r\n220-be patient\r\n220 mail\r\n250 mail\r\n",
         "",
         ok,
         Reason::l7_ok,
         250},
        {"smtp is busy", SmtpCheck{}, "421 later\r\n", "QUIT\r\n", bad, Reason::l7_status, 421},
        {"smtp does not like us",
         SmtpCheck{},
         "220 x\r\n550 no\r\n",
         "",
         bad,
         Reason::l7_status,
         550},
        {"smtp without TLS",
         SmtpCheck{.start_tls = true},
         "220 x\r\n250 mail\r\n",
         "",
         bad,
         Reason::l7_status,
         250},
        {"smtp code of letters", SmtpCheck{}, "2x0 mail\r\n", "", bad, Reason::l7_invalid},
        {"smtp code of four", SmtpCheck{}, "2200 mail\r\n", "", bad, Reason::l7_invalid},
        {"ldap",
         LdapCheck{},
         "\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00"sv,
         "\x30\x0c\x02\x01\x02\x60\x07\x02\x01\x03\x04\x00\x80\x00\x30\x05\x02\x01\x03\x42\x00"sv,
         ok,
         Reason::l7_ok},
        {"ldap does not let in",
         LdapCheck{.dn = "cn=a", .secret = "known"},
         "\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x31\x04\x00\x04\x00"sv,
         "",
         bad,
         Reason::l7_auth,
         49},
        {"ldap is busy",
         LdapCheck{},
         "\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x33\x04\x00\x04\x00"sv,
         "",
         bad,
         Reason::l7_status,
         51},
        {"ldap answers another request",
         LdapCheck{},
         "\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\x00\x04\x00\x04\x00"sv,
         "",
         bad,
         Reason::l7_invalid},
        {"ldap endless", LdapCheck{}, "\x30\x84\x7f\xff\xff\xff"sv, "", bad, Reason::l7_invalid},
        {"ldap indefinite length", LdapCheck{}, "\x30\x80\x02\x01"sv, "", bad, Reason::l7_invalid},
        {"ldap is http",
         LdapCheck{},
         "HTTP/1.1 400 Bad Request and so on and so forth, for long\r\n0123456789",
         "",
         bad,
         Reason::l7_invalid},
        {"websocket refused",
         WebSocketCheck{},
         "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
         "",
         bad,
         Reason::l7_status,
         403},
        {"websocket of another key",
         WebSocketCheck{},
         "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
         "",
         bad,
         Reason::l7_header,
         101},
    };
}

TEST(ServiceDialogues, SayAndFindWhatTheyShould) {
    for (const Row& row : rows()) {
        const Heard heard = talk(row.kind, row.peer);
        ASSERT_TRUE(heard.finding) << row.name;
        EXPECT_EQ(heard.finding->result, row.result) << row.name;
        EXPECT_EQ(to_string(heard.finding->reason), to_string(row.reason)) << row.name;
        EXPECT_EQ(heard.finding->code, row.code) << row.name;
        if (!row.said.empty()) EXPECT_EQ(heard.said, row.said) << row.name;
    }
}

TEST(ServiceDialogues, DoNotMindHowTheBytesAreSplit) {
    for (const Row& row : rows()) {
        const Heard whole = talk(row.kind, row.peer);
        for (const std::size_t part : {1, 2, 3, 7}) {
            const Heard heard = talk(row.kind, row.peer, part);
            ASSERT_TRUE(heard.finding) << row.name << " in parts of " << part;
            EXPECT_EQ(*heard.finding, *whole.finding) << row.name << " in parts of " << part;
        }
    }
}

TEST(ServiceDialogues, FindNothingGoodInHalfAnAnswer) {
    for (const Row& row : rows()) {
        if (row.result != Result::success) continue;
        for (std::size_t bytes = 0; bytes < row.peer.size(); ++bytes) {
            const Heard heard = talk(row.kind, row.peer.substr(0, bytes));
            // What matters may be there before the end: a role, or a greeting's first line.
            if (heard.finding) EXPECT_EQ(heard.finding->result, Result::success) << row.name;
            if (bytes * 2 < row.peer.size()) EXPECT_FALSE(heard.finding) << row.name << bytes;
        }
    }
}

TEST(ServiceDialogues, LiveThroughNoise) {
    std::mt19937 random(11);
    for (const Row& row : rows()) {
        for (int round = 0; round < 300; ++round) {
            std::string peer(row.peer);
            if (round % 3 == 0) peer.assign(random() % 20'000, '\0');
            const std::size_t changes = round % 3 == 0 ? peer.size() : 1 + random() % 3;
            for (std::size_t i = 0; i < changes && !peer.empty(); ++i)
                peer[random() % peer.size()] = static_cast<char>(random());
            const Heard heard = talk(row.kind, peer, 1 + random() % 5000);
            EXPECT_LT(heard.said.size(), 4096U) << row.name;
        }
    }
}

TEST(ServiceDialogues, AskForTlsAndBeginAnewBehindIt) {
    const Heard smtp = talk(config::SmtpCheck{.start_tls = true},
                            "220 x\r\n250-mail\r\n250-starttls\r\n250 SIZE\r\n220 go\r\n",
                            3,
                            "250 mail\r\n");
    EXPECT_TRUE(smtp.asked_for_tls);
    EXPECT_EQ(smtp.said, "EHLO muster.invalid\r\nSTARTTLS\r\nEHLO muster.invalid\r\nQUIT\r\n");
    ASSERT_TRUE(smtp.finding);
    EXPECT_EQ(smtp.finding->reason, Reason::l7_ok);

    const Heard ldap = talk(config::LdapCheck{.start_tls = true},
                            "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"sv,
                            1,
                            "\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00"sv);
    EXPECT_TRUE(ldap.asked_for_tls);
    ASSERT_TRUE(ldap.finding);
    EXPECT_EQ(ldap.finding->reason, Reason::l7_ok);
}

TEST(ServiceDialogues, TakeNothingFromTheClearBehindStartTls) {
    const Heard smtp = talk(config::SmtpCheck{.start_tls = true},
                            "220 x\r\n250 STARTTLS\r\n220 go\r\n250 injected\r\n");
    EXPECT_FALSE(smtp.asked_for_tls);
    ASSERT_TRUE(smtp.finding);
    EXPECT_EQ(smtp.finding->reason, Reason::l7_invalid);
}

TEST(ServiceDialogues, SayNothingOfTheBackendBeforeTheyBegin) {
    const DialogueSettings with = settings();
    for (const config::ProbeKind& kind :
         {config::ProbeKind(config::HttpCheck{}),
          config::ProbeKind(config::HttpCheck{.version = config::HttpVersion::http2}),
          config::ProbeKind(config::TcpCheck{}),
          config::ProbeKind(config::GrpcCheck{}),
          config::ProbeKind(config::WebSocketCheck{}),
          config::ProbeKind(config::AgentCheck{})}) {
        ProbeRequest request{.host = "10.0.0.1", .port = 80};
        request.probe = config::ProbeSpec(kind);
        request.intent = config::IntentSource{.header = "X-State"};
        const auto dialogue = make_dialogue(request, with).value();
        EXPECT_EQ(dialogue->intent(), std::nullopt);
        EXPECT_EQ(dialogue->code(), 0);
    }
}

TEST(ServiceDialogues, AreNotMadeWithoutTheirSecret) {
    const DialogueSettings with = settings();
    for (const config::ProbeKind& kind :
         {config::ProbeKind(config::RedisCheck{.secret = "other"}),
          config::ProbeKind(config::LdapCheck{.dn = "cn=a", .secret = "other"})}) {
        ProbeRequest request;
        request.probe = config::ProbeSpec(kind);
        const auto made = make_dialogue(request, with);
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error(), Reason::prober_config);
    }
}

}  // namespace
}  // namespace muster::checker
