#include "checker/tcp_dialogue.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace muster::checker {
namespace {

using config::ScriptStep;
using config::TcpCheck;
using Kind = ScriptStep::Kind;

ScriptStep send(std::string bytes) {
    return {.kind = Kind::send, .bytes = std::move(bytes)};
}
ScriptStep expect(std::string bytes) {
    return {.kind = Kind::expect, .bytes = std::move(bytes)};
}
ScriptStep expect_regex(std::string pattern) {
    return {.kind = Kind::expect, .bytes = std::move(pattern), .regex = true};
}

ScriptStep start_tls() {
    return {.kind = Kind::start_tls};
}

/// What it says in all, and how it ends; `sizes`: of the parts in which the peer's words arrive,
/// `behind_tls`: those that come, in one, once TLS stands.
struct Talk {
    std::string said;
    Reason reason = Reason::l7_timeout;
    bool asked_for_tls = false;
};
Talk talk(const TcpCheck& check,
          std::string_view peer,
          std::vector<std::size_t> sizes = {},
          std::string_view behind_tls = {}) {
    PatternCache patterns;
    TcpDialogue dialogue(check, patterns);
    Talk heard;
    auto turn = dialogue.begin(heard.said);
    for (std::size_t i = 0; !turn.finding && !turn.start_tls && !peer.empty(); ++i) {
        const std::size_t size = i < sizes.size() ? sizes[i] : peer.size();
        turn = dialogue.receive(peer.substr(0, size), heard.said);
        peer.remove_prefix(std::min(size, peer.size()));
    }
    if (turn.start_tls) {
        heard.asked_for_tls = true;
        heard.said += "<tls>";
        turn = dialogue.secured(heard.said);
        if (!turn.finding) turn = dialogue.receive(behind_tls, heard.said);
    }
    if (turn.finding) heard.reason = turn.finding->reason;
    return heard;
}

TEST(TcpDialogue, WithoutAScriptIsAConnection) {
    EXPECT_EQ(talk({}, "").reason, Reason::l4_ok);
}

TEST(TcpDialogue, GoesThroughItsStepsInOrder) {
    const TcpCheck check{.script = {expect("220 "),
                                    send("EHLO x\r\n"),
                                    expect_regex("250[ -]\\S+"),
                                    send("QUIT\r\n"),
                                    expect("221")}};
    const Talk all = talk(check, "220 hello\r\n250-mail\r\n250 ok\r\n221 bye\r\n");
    EXPECT_EQ(all.reason, Reason::l7_ok);
    EXPECT_EQ(all.said, "EHLO x\r\nQUIT\r\n");
    const Talk half = talk(check, "220 hello\r\n");
    EXPECT_EQ(half.reason, Reason::l7_timeout);
    EXPECT_EQ(half.said, "EHLO x\r\n");
}

TEST(TcpDialogue, WhatOneStepHasFoundIsGoneForTheNext) {
    const TcpCheck twice{.script = {expect("ok"), expect("ok")}};
    EXPECT_EQ(talk(twice, "ok").reason, Reason::l7_timeout);
    EXPECT_EQ(talk(twice, "okok").reason, Reason::l7_ok);
    EXPECT_EQ(talk(twice, "ook").reason, Reason::l7_timeout);
}

TEST(TcpDialogue, TakesAnyBytes) {
    const std::string reply("\0\x01\xff\x80", 4);
    EXPECT_EQ(talk({.script = {send(std::string("\0\n", 2)), expect(reply)}}, "x" + reply).reason,
              Reason::l7_ok);
}

TEST(TcpDialogue, ComesToTheSameEndHoweverTheBytesAreSplit) {
    const TcpCheck check{
        .script = {expect("one"), expect_regex("t[a-z]o"), send("x"), expect("three")}};
    std::mt19937 random(1);
    for (const auto& [peer, reason] :
         std::vector<std::pair<std::string, Reason>>{{"oneonetwothree", Reason::l7_ok},
                                                     {"on one tao, tree three", Reason::l7_ok},
                                                     {"three two one", Reason::l7_timeout}}) {
        EXPECT_EQ(talk(check, peer, std::vector<std::size_t>(peer.size(), 1)).reason, reason);
        for (int tries = 0; tries < 50; ++tries) {
            std::vector<std::size_t> sizes;
            for (std::size_t i = 0; i < peer.size(); ++i) sizes.push_back(1 + random() % 5);
            EXPECT_EQ(talk(check, peer, sizes).reason, reason);
        }
    }
}

const TcpCheck mail_over_tls{.script = {expect("220 "),
                                        send("EHLO x\r\n"),
                                        expect_regex("250 "),
                                        send("STARTTLS\r\n"),
                                        expect("220"),
                                        start_tls(),
                                        send("EHLO x\r\n"),
                                        expect("250 ")}};

TEST(TcpDialogue, BeginsTlsBehindTheLineOfTheAnswer) {
    const std::string peer = "220 hello\r\n250-mail\r\n250 HELP\r\n220 go ahead\r\n";
    for (const std::size_t part : {1, 2, 3, 7, 100}) {
        const Talk heard =
            talk(mail_over_tls, peer, std::vector<std::size_t>(peer.size(), part), "250 mail\r\n");
        EXPECT_EQ(heard.reason, Reason::l7_ok) << part;
        EXPECT_EQ(heard.said, "EHLO x\r\nSTARTTLS\r\n<tls>EHLO x\r\n") << part;
    }
    EXPECT_EQ(talk(mail_over_tls, peer, {}, "554 no\r\n").reason, Reason::l7_timeout);
    EXPECT_FALSE(talk(mail_over_tls, peer.substr(0, peer.size() - 1)).asked_for_tls);
}

TEST(TcpDialogue, BeginsTlsRightBehindAnAnswerThatIsNoLine) {
    const TcpCheck bytes{.script = {send("?"), expect("S"), start_tls(), send("x")}};
    EXPECT_EQ(talk(bytes, "S").said, "?<tls>x");
    EXPECT_EQ(talk(bytes, "S").reason, Reason::l7_ok);
    EXPECT_EQ(talk(bytes, "S\n").reason, Reason::l7_invalid);
    // An answer that was expected to the end of its line, and none at all.
    const TcpCheck line{.script = {send("TLS\n"), expect_regex("OK.*\n"), start_tls()}};
    EXPECT_EQ(talk(line, "OK go\n").reason, Reason::l7_ok);
    EXPECT_EQ(talk({.script = {send("TLS\n"), start_tls()}}, "").said, "TLS\n<tls>");
    EXPECT_EQ(talk({.script = {start_tls(), send("x")}}, "").said, "<tls>x");
}

TEST(TcpDialogue, TakesNothingFromTheClearBehindStartTls) {
    const std::string peer = "220 hello\r\n250 mail\r\n220 go ahead\r\n";
    for (const std::string& injected :
         {std::string("250 mine\r\n"), std::string("\n"), std::string(100'000, 'x')}) {
        const Talk heard = talk(mail_over_tls, peer + injected, {}, "250 mail\r\n");
        EXPECT_EQ(heard.reason, Reason::l7_invalid);
        EXPECT_FALSE(heard.asked_for_tls);
    }
    EXPECT_EQ(talk(mail_over_tls, "220 x\r\n250 x\r\n220 " + std::string(100'000, 'x')).reason,
              Reason::l7_too_large);
    // Of a portion that ends where TLS begins.
    const TcpCheck bytes{.script = {expect("S"), start_tls()}};
    const std::string portion = std::string(TcpDialogue::buffer_limit - 1, '-') + "S";
    EXPECT_EQ(talk(bytes, portion).reason, Reason::l7_ok);
    EXPECT_EQ(talk(bytes, portion + "x").reason, Reason::l7_invalid);
}

TEST(TcpDialogue, AFloodIsCutOff) {
    const TcpCheck check{.script = {expect("never")}};
    const std::string flood(1'000'000, 'x');
    EXPECT_EQ(talk(check, flood).reason, Reason::l7_too_large);
    EXPECT_EQ(talk(check, flood, std::vector<std::size_t>(2'000, 500)).reason,
              Reason::l7_too_large);
    // What is used up makes room.
    std::string chatter;
    TcpCheck patient;
    for (int i = 0; i < 20; ++i) {
        patient.script.push_back(expect("." + std::to_string(i) + "."));
        chatter += std::string(10'000, '-') + "." + std::to_string(i) + ".";
    }
    EXPECT_EQ(talk(patient, chatter).reason, Reason::l7_ok);
}

TEST(TcpDialogue, AnEarlyEndIsAFailure) {
    PatternCache patterns;
    const TcpCheck check{.script = {expect("220")}};
    TcpDialogue dialogue(check, patterns);
    std::string out;
    EXPECT_FALSE(dialogue.begin(out).finding);
    EXPECT_EQ(dialogue.end_of_input(), (Finding{.reason = Reason::l7_closed}));
}

}  // namespace
}  // namespace muster::checker
