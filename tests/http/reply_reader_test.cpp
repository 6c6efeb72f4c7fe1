#include "common/http/reply_reader.hpp"

#include "common/http/client.hpp"
#include "tests/http/hostile_replies.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace muster::http {
namespace {

constexpr HeadLimits limits{
    .max_bytes = 64UZ << 10U, .max_fields = 256, .max_body_bytes = 1UZ << 20U};

/// Feeds `bytes` in pieces and closes when the reply says so; what came of it.
Result<void> read(const test::HostileReply& reply, std::size_t piece) {
    ReplyReader reader(limits, ReplyReader::Body::collect);
    for (std::size_t at = 0; at < reply.bytes.size(); at += piece) {
        auto fed = reader.feed(std::string_view(reply.bytes).substr(at, piece));
        if (!fed) return fed;
    }
    if (reply.then_closes) return reader.end();
    if (!reader.complete()) return fail(Errc::timed_out);
    return {};
}

TEST(ReplyReader, RefusesEachHostileReply) {
    const auto replies = test::hostile_replies();
    EXPECT_GE(replies.size(), 30U);
    for (const auto& reply : replies) {
        const std::size_t smallest = reply.bytes.size() > 200'000 ? 1000 : 1;
        for (const std::size_t piece : {reply.bytes.size() + 1, smallest}) {
            const auto result = read(reply, piece);
            ASSERT_FALSE(result) << reply.name;
            EXPECT_EQ(result.error().code, reply.error)
                << reply.name << " in pieces of " << piece << ": " << result.error().message();
        }
    }
}

struct GoodReply {
    std::string name;
    std::string bytes;
    int status = 200;
    std::string body;
    bool ended_by_close = false;
};

TEST(ReplyReader, ReadsGoodRepliesInAnyPieces) {
    const std::vector<GoodReply> replies = {
        {"by length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi"},
        {"no reason", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 404, ""},
        {"no space behind the status", "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", 404, ""},
        {"obs-text",
         "HTTP/1.1 200 \xc3\xa4\r\nx: \xe4\r\nContent-Length: 1\r\n\r\n\x80",
         200,
         "\x80"},
        {"to the end", "HTTP/1.0 200 OK\r\n\r\nall of it", 200, "all of it", true},
        {"empty to the end", "HTTP/1.1 200 OK\r\n\r\n", 200, "", true},
        {"chunked",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n03\r\nllo\r\n0\r\n\r\n",
         200,
         "hello"},
        // The reply on which Beast 1.81 stops the process when its end comes in pieces.
        {"empty chunked",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         200,
         ""},
        {"chunk extensions and trailers",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA;x=\"y\"\r\n0123456789\r\n"
         "0 ;z\r\nx: 1\r\nContent-Length: 4\r\n\r\n",
         200,
         "0123456789"},
        {"interim replies first",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
         "HTTP/1.1 204 No Content\r\n\r\n",
         204,
         ""},
        {"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, ""},
    };
    for (const GoodReply& good : replies) {
        for (const std::size_t piece : {good.bytes.size(), 3UZ, 1UZ}) {
            ReplyReader reader(limits, ReplyReader::Body::collect);
            for (std::size_t at = 0; at < good.bytes.size(); at += piece) {
                const auto fed = reader.feed(std::string_view(good.bytes).substr(at, piece));
                ASSERT_TRUE(fed) << good.name << ": " << fed.error().message();
            }
            EXPECT_EQ(reader.complete(), !good.ended_by_close) << good.name;
            ASSERT_TRUE(reader.end()) << good.name;
            EXPECT_EQ(reader.response().status, good.status) << good.name;
            EXPECT_EQ(reader.response().body, good.body) << good.name;
        }
    }
}

TEST(ReplyReader, TakesNoBodyForAReplyToHead) {
    ReplyReader reader(limits, ReplyReader::Body::none);
    ASSERT_TRUE(reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n"));
    EXPECT_TRUE(reader.complete());
}

TEST(ReplyReader, HandsOutAStreamPieceByPieceWithoutATotalLimit) {
    ReplyReader reader(limits, ReplyReader::Body::stream);
    ASSERT_TRUE(reader.feed("HTTP/1.1 200 OK\r\n\r\n"));
    const std::string piece(100'000, 'x');
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(reader.feed(piece));
        EXPECT_EQ(reader.take_body(), piece);
    }
    EXPECT_FALSE(reader.complete());
}

}  // namespace
}  // namespace muster::http
