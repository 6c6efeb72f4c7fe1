#include "common/http/request_reader.hpp"

#include "tests/http/malformed_requests.hpp"

#include <gmock/gmock.h>

namespace muster::http {
namespace {

using State = RequestReader::State;

TEST(RequestReader, RefusesEachMalformedRequestWithItsStatus) {
    for (const auto& request : test::malformed_requests()) {
        RequestReader reader{HeadLimits{}};
        EXPECT_EQ(reader.feed(request.bytes), State::refused) << request.name;
        EXPECT_EQ(reader.refusal().status, request.status)
            << request.name << ": " << reader.refusal().why;
    }
}

TEST(RequestReader, RefusesThemByteByByteJustTheSame) {
    for (const auto& request : test::malformed_requests()) {
        RequestReader reader{HeadLimits{}};
        for (const char byte : request.bytes) reader.feed({&byte, 1});
        EXPECT_EQ(reader.state(), State::refused) << request.name;
        EXPECT_EQ(reader.refusal().status, request.status)
            << request.name << ": " << reader.refusal().why;
    }
}

TEST(RequestReader, HasMoreThanSixtyMalformedCases) {
    EXPECT_GE(test::malformed_requests().size(), 60U);
}

TEST(RequestReader, ReadsARequestWithQueryAndFields) {
    RequestReader reader{HeadLimits{}};
    ASSERT_EQ(
        reader.feed("GET /a%20b/c?x=1&y=%26&z HTTP/1.1\r\nHost: h:8080\r\nX-One:  1 \r\n\r\n"),
        State::complete);
    EXPECT_TRUE(reader.keep_alive());
    const Request request = reader.take();
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.path, "/a b/c");
    EXPECT_EQ(request.target, "/a%20b/c?x=1&y=%26&z");
    EXPECT_EQ(request.query_value("x"), "1");
    EXPECT_EQ(request.query_value("y"), "&");
    EXPECT_EQ(request.query_value("z"), "");
    EXPECT_EQ(request.query_value("none"), std::nullopt);
    EXPECT_EQ(request.field("x-ONE"), "1");
    EXPECT_EQ(reader.state(), State::idle);
}

TEST(RequestReader, ReadsBodiesByLengthAndInChunks) {
    RequestReader reader{HeadLimits{}};
    EXPECT_EQ(reader.feed("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel"),
              State::body);
    EXPECT_EQ(reader.feed("lo"), State::complete);
    EXPECT_EQ(reader.take().body, "hello");
    EXPECT_EQ(reader.feed("PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"),
              State::body);
    EXPECT_EQ(reader.feed("3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"), State::complete);
    EXPECT_EQ(reader.take().body, "hello");
}

TEST(RequestReader, ReadsByteByByte) {
    RequestReader reader{HeadLimits{}};
    const std::string_view text =
        "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for (const char byte : text.substr(0, text.size() - 1)) {
        ASSERT_NE(reader.feed({&byte, 1}), State::complete);
        ASSERT_NE(reader.state(), State::refused) << reader.refusal().why;
    }
    ASSERT_EQ(reader.feed("\n"), State::complete);
    EXPECT_EQ(reader.take().body, "hello");
}

TEST(RequestReader, KeepsPipelinedRequestsApart) {
    RequestReader reader{HeadLimits{}};
    ASSERT_EQ(reader.feed("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
                          "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
                          "GET /3 HTTP/1.0\r\n\r\nGE"),
              State::complete);
    EXPECT_EQ(reader.take().path, "/1");
    ASSERT_EQ(reader.state(), State::complete);
    EXPECT_EQ(reader.take().body, "x");
    ASSERT_EQ(reader.state(), State::complete);
    EXPECT_FALSE(reader.keep_alive()) << "HTTP/1.0";
    EXPECT_EQ(reader.take().path, "/3");
    EXPECT_EQ(reader.state(), State::head);
}

TEST(RequestReader, IgnoresOneEmptyLineInFront) {
    RequestReader reader{HeadLimits{}};
    EXPECT_EQ(reader.feed("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), State::complete);
}

TEST(RequestReader, PresentsHeadAsGet) {
    RequestReader reader{HeadLimits{}};
    ASSERT_EQ(reader.feed("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"), State::complete);
    EXPECT_TRUE(reader.is_head());
    EXPECT_EQ(reader.take().method, "GET");
}

TEST(RequestReader, KnowsWhenTheClientWaitsForContinue) {
    RequestReader reader{HeadLimits{}};
    const std::string head =
        "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    reader.feed(head);
    EXPECT_TRUE(reader.expects_continue());
    reader.feed("ok");
    EXPECT_FALSE(reader.expects_continue());
    RequestReader impatient{HeadLimits{}};
    impatient.feed(head + "o");
    EXPECT_FALSE(impatient.expects_continue());
}

TEST(RequestReader, CountsWhatItHolds) {
    RequestReader reader{HeadLimits{}};
    reader.feed("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
    reader.feed(std::string(500'000, 'x'));
    EXPECT_GE(reader.buffered(), 500'000U);
    EXPECT_LT(reader.buffered(), 1'500'000U);
}

}  // namespace
}  // namespace muster::http
