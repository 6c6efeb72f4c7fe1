// HTTP/2 and gRPC, frame by frame (RFC 9113, section 4.1). Against real servers: tests/probes.
#include "checker/big_endian.hpp"
#include "checker/make_dialogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace muster::checker {
namespace {

using namespace std::string_literals;

constexpr char data = 0;
constexpr char headers = 1;
constexpr char rst_stream = 3;
constexpr char settings = 4;
constexpr char go_away = 7;
constexpr char end_stream = 1;
constexpr char end_headers = 4;

std::string frame(char type, char flags, std::uint32_t stream, const std::string& payload) {
    std::string text;
    add_big_endian(text, static_cast<std::uint32_t>(payload.size()), 3);
    text += type;
    text += flags;
    add_big_endian(text, stream, 4);
    return text + payload;
}
/// HPACK: a literal that is not indexed, with a new name (RFC 7541, 6.2.2).
std::string field(const std::string& name, const std::string& value) {
    std::string text(1, '\0');
    text += static_cast<char>(name.size());
    text += name;
    text += static_cast<char>(value.size());
    return text + value;
}
const std::string greeting = frame(settings, 0, 0, "");
const std::string status_200 = "\x88";  // HPACK's static table
const std::string status_404 = "\x8d";

std::string header(const std::string& block, bool ends = false) {
    return frame(headers, static_cast<char>(end_headers | (ends ? end_stream : 0)), 1, block);
}
std::string body(const std::string& text, bool ends = false) {
    return frame(data, ends ? end_stream : char{0}, 1, text);
}
std::string health(char status) {
    return "\0\0\0\0\2\x08"s + status;
}
std::string trailers(const std::string& status) {
    return header(field("grpc-status", status), true);
}

struct Heard {
    std::string said;
    std::optional<Finding> finding;
};
Heard talk(const config::ProbeKind& kind, std::string_view peer, std::size_t part = 100'000) {
    const DialogueSettings with{
        .user_agent = "muster/test", .patterns = std::make_shared<PatternCache>(), .secret = {}};
    ProbeRequest request{.host = "10.0.0.1", .port = 80};
    request.probe = config::ProbeSpec(kind);
    const auto dialogue = make_dialogue(request, with).value();
    Heard heard;
    auto turn = dialogue->begin(heard.said);
    while (!turn.finding && !peer.empty()) {
        turn = dialogue->receive(peer.substr(0, part), heard.said);
        peer.remove_prefix(std::min(part, peer.size()));
    }
    heard.finding = turn.finding;
    return heard;
}

struct Row {
    std::string name;
    config::ProbeKind kind;
    std::string peer;
    Reason reason;
    std::uint16_t code = 0;
};

std::vector<Row> rows() {
    const config::GrpcCheck grpc{.service = "shop.v1.Cart"};
    const config::HttpCheck plain{.version = config::HttpVersion::http2};
    config::HttpCheck text = plain;
    text.expect_body = {{.text = "all is well"}};
    config::HttpCheck server = plain;
    server.expect_headers = {{.name = "server", .value = config::TextMatch{.text = "test"}}};
    config::HttpCheck none_of = plain;
    none_of.expect_status.clear();
    none_of.expect_not_status = {{.first = 300, .last = 499}};
    config::HttpCheck pattern = plain;
    pattern.expect_status.clear();
    pattern.expect_status_regex = "^2..$";
    const std::string ok = greeting + header(status_200);
    return {
        {"serving", grpc, ok + body(health(1)) + trailers("0"), Reason::l7_ok},
        {"not serving", grpc, ok + body(health(2)) + trailers("0"), Reason::l7_body, 2},
        {"service unknown", grpc, ok + body(health(3)) + trailers("0"), Reason::l7_body, 3},
        {"unknown, left out", grpc, ok + body("\0\0\0\0\0"s) + trailers("0"), Reason::l7_body, 0},
        {"unimplemented, trailers only",
         grpc,
         greeting + header(status_200 + field("grpc-status", "12"), true),
         Reason::l7_status,
         12},
        {"not let in", grpc, ok + trailers("16"), Reason::l7_auth, 16},
        {"no grpc", grpc, greeting + header(status_404), Reason::l7_status, 404},
        {"no trailers", grpc, ok + body(health(1), true), Reason::l7_invalid},
        {"a status of letters", grpc, ok + body(health(1)) + trailers("ok"), Reason::l7_invalid},
        {"compressed", grpc, ok + body("\1\0\0\0\2\x08\1"s) + trailers("0"), Reason::l7_invalid},
        {"another length",
         grpc,
         ok + body("\0\0\0\0\7\x08\1"s) + trailers("0"),
         Reason::l7_invalid},
        {"half a varint",
         grpc,
         ok + body("\0\0\0\0\2\x08\x80"s) + trailers("0"),
         Reason::l7_invalid},
        {"an endless message", grpc, ok + body(std::string(1000, 'x')), Reason::l7_too_large},
        {"given up", grpc, ok + frame(rst_stream, 0, 1, "\0\0\0\2"s), Reason::l7_closed},
        {"good-bye",
         grpc,
         greeting + frame(go_away, 0, 0, std::string(8, '\0')),
         Reason::l7_closed},
        {"http/1.1",
         grpc,
         "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
         Reason::l7_invalid},
        {"a status", plain, ok, Reason::l7_ok, 200},
        {"another status", plain, greeting + header(status_404), Reason::l7_status, 404},
        {"none of some", none_of, ok, Reason::l7_ok, 200},
        {"one of them", none_of, greeting + header(status_404), Reason::l7_status, 404},
        {"a status by its digits", pattern, ok, Reason::l7_ok, 200},
        {"other digits", pattern, greeting + header(status_404), Reason::l7_status, 404},
        {"a text in two frames", text, ok + body("all is") + body(" well"), Reason::l7_ok, 200},
        {"another text", text, ok + body("nothing is", true), Reason::l7_body, 200},
        {"a field",
         server,
         greeting + header(status_200 + field("server", "test")),
         Reason::l7_ok,
         200},
        {"no such field", server, ok, Reason::l7_header, 200},
        {"an interim reply",
         plain,
         greeting + header(field(":status", "103")) + header(status_200),
         Reason::l7_ok,
         200},
        {"no status at all",
         plain,
         greeting + header(field("server", "test"), true),
         Reason::l7_invalid},
        {"endless fields",
         plain,
         [] {
             std::string block = status_200;
             for (int i = 0; i < 3500; ++i) block += field("x", "");
             return greeting + header(block);
         }(),
         Reason::l7_too_large},
    };
}

/// What a reply says of itself to a check that looks there.
SharedValue<IntentWords> words_in(const std::string& peer, const config::IntentSource& source) {
    const DialogueSettings with{
        .user_agent = "muster/test", .patterns = std::make_shared<PatternCache>(), .secret = {}};
    ProbeRequest request{.host = "10.0.0.1", .port = 80};
    request.probe = config::ProbeSpec(config::HttpCheck{.version = config::HttpVersion::http2});
    request.intent = source;
    const auto dialogue = make_dialogue(request, with).value();
    std::string said;
    (void)dialogue->begin(said);
    EXPECT_TRUE(dialogue->receive(greeting + peer, said).finding);
    const auto words = dialogue->intent();
    return words ? SharedValue<IntentWords>(*words) : SharedValue<IntentWords>();
}

TEST(H2Dialogues, HearWhatABackendWantsForItself) {
    const config::IntentSource in_header{.header = "X-Muster-State"};
    const config::IntentSource in_json{.json_pointer = "/muster", .json = true};
    const std::string spoken =
        header(status_200 + field("x-muster-state", "drain 50% maxconn:7 degraded ttl:9s"), true);
    const auto of_header = words_in(spoken, in_header);
    ASSERT_TRUE(of_header);
    const znodes::Intent drained{
        .wish = znodes::Intent::Wish::drain, .degraded = true, .weight_percent = 50, .maxconn = 7};
    EXPECT_EQ(of_header->intent, drained);
    EXPECT_EQ(of_header->ttl, std::chrono::seconds(9));
    // In pieces, too.
    const auto of_body = words_in(header(status_200) + body(R"({"muster":{"state":"drain deg)") +
                                      body(R"(raded","weight":50,"maxconn":7}})", true),
                                  in_json);
    ASSERT_TRUE(of_body);
    EXPECT_EQ(of_body->intent, drained);
    // Not where it is not looked for, nor in words that are not known.
    EXPECT_FALSE(words_in(spoken, in_json));
    EXPECT_FALSE(words_in(header(status_200) + body(R"({"muster":"drain"})", true), in_header));
    EXPECT_FALSE(words_in(header(status_200 + field("x-muster-state", "tired"), true), in_header));
}

TEST(H2Dialogues, FindWhatTheyShould) {
    for (const Row& row : rows()) {
        const Heard heard = talk(row.kind, row.peer);
        ASSERT_TRUE(heard.finding) << row.name;
        EXPECT_EQ(to_string(heard.finding->reason), to_string(row.reason)) << row.name;
        EXPECT_EQ(heard.finding->code, row.code) << row.name;
        EXPECT_EQ(heard.finding->result,
                  row.reason == Reason::l7_ok ? Result::success : Result::failure);
        EXPECT_TRUE(heard.said.starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    }
}

TEST(H2Dialogues, DoNotMindHowTheBytesAreSplit) {
    for (const Row& row : rows()) {
        for (const std::size_t part : {1, 2, 5, 9, 13}) {
            const Heard heard = talk(row.kind, row.peer, part);
            ASSERT_TRUE(heard.finding) << row.name << " in parts of " << part;
            EXPECT_EQ(to_string(heard.finding->reason), to_string(row.reason)) << row.name;
        }
    }
}

TEST(H2Dialogues, FindNothingInHalfAnAnswer) {
    for (const Row& row : rows()) {
        if (row.reason != Reason::l7_ok) continue;
        const Heard heard =
            talk(row.kind, std::string_view(row.peer).substr(0, row.peer.size() - 1));
        EXPECT_FALSE(heard.finding) << row.name;
    }
}

TEST(H2Dialogues, LiveThroughNoise) {
    std::mt19937 random(12);
    for (const Row& row : rows()) {
        for (int round = 0; round < 300; ++round) {
            std::string peer = row.peer;
            if (round % 3 == 0) {
                // Frames of all kinds with anything in them.
                peer = greeting;
                for (int i = 0; i < 20; ++i) {
                    std::string payload(random() % 64, '\0');
                    for (char& c : payload) c = static_cast<char>(random());
                    peer += frame(static_cast<char>(random() % 11),
                                  static_cast<char>(random()),
                                  random() % 4,
                                  payload);
                }
            }
            for (int changes = 1 + round % 4; changes > 0; --changes)
                peer[random() % peer.size()] = static_cast<char>(random());
            const Heard heard = talk(row.kind, peer, 1 + random() % 500);
            EXPECT_LT(heard.said.size(), 16'384U) << row.name;
        }
    }
}

}  // namespace
}  // namespace muster::checker
