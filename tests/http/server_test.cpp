#include "common/http/server.hpp"

#include "tests/http/malformed_requests.hpp"
#include "tests/http/server_fixture.hpp"

#include <sys/resource.h>

#include <stdexcept>

namespace muster::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view plain_get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

asio::awaitable<Reply> echo(Request request) {
    co_return Response::text(200, request.method + " " + request.path + " " + request.body + ";");
}

asio::awaitable<Reply> answer_after(Clock& clock, std::chrono::nanoseconds time) {
    co_await clock.sleep_for(time);
    co_return Response::text(200, "done");
}

struct Load {
    int now = 0;
    int most = 0;
};

asio::awaitable<Reply> count_load(Clock& clock, Load& load, Request request) {
    load.most = std::max(load.most, ++load.now);
    co_await clock.sleep_for(1s);
    --load.now;
    co_return Response::text(200, request.path + ";");
}

class HttpServer : public ServerFixture {};

TEST_F(HttpServer, AnswersWithDateAndLength) {
    start(echo);
    const std::string reply = exchange(
        "POST /a?b=c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        "Content-Length: 2\r\n\r\nhi");
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"));
    EXPECT_THAT(reply, HasSubstr("\r\ncontent-length: 11\r\nconnection: close\r\n\r\nPOST /a hi;"));
}

TEST_F(HttpServer, AnswersEachMalformedRequestWithItsStatusAndCloses) {
    ServerSettings settings;
    settings.max_connections_per_client = 1000;
    int handled = 0;
    start(settings, [&handled](Request request) {
        ++handled;
        return echo(std::move(request));
    });
    const auto requests = test::malformed_requests();
    for (const auto& request : requests) {
        test::RawConnection client = connect();
        std::string_view rest = request.bytes;
        // The refusal may come before all is sent; the other side stays open, so that the server
        // is the one who closes.
        ASSERT_TRUE(until([&] {
            rest.remove_prefix(client.send(rest));
            return client.received().find("\r\n\r\n") != std::string::npos;
        })) << request.name;
        EXPECT_THAT(client.received(),
                    StartsWith("HTTP/1.1 " + std::to_string(request.status) + " "))
            << request.name;
        EXPECT_THAT(client.received(), HasSubstr("\r\nconnection: close\r\n")) << request.name;
        pass(2s);
        EXPECT_TRUE(until([&] { return client.closed(); })) << request.name;
    }
    EXPECT_EQ(handled, 0);
    EXPECT_EQ(server_->counters().bad_requests, requests.size());
    EXPECT_EQ(server_->counters().open_connections, 0U);
}

TEST_F(HttpServer, KeepsAConnectionForTheNextRequest) {
    start(echo);
    test::RawConnection client = connect();
    for (int i = 0; i < 3; ++i) {
        client.forget_received();
        client.send(plain_get);
        ASSERT_TRUE(replied(client, "GET / ;"));
        EXPECT_THAT(client.received(), Not(HasSubstr("connection:")));
        pass(59s);
        EXPECT_FALSE(client.closed());
    }
    EXPECT_EQ(server_->counters().connections, 1U);
    EXPECT_EQ(server_->counters().requests, 3U);
}

TEST_F(HttpServer, ClosesAfterAnOldOrClosingRequest) {
    start(echo);
    for (const std::string request :
         {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"}) {
        test::RawConnection client = connect();
        client.send(request);
        ASSERT_TRUE(replied(client, "GET / ;"));
        EXPECT_THAT(client.received(), HasSubstr("connection: close"));
        EXPECT_TRUE(until([&] { return client.closed(); }));
    }
}

TEST_F(HttpServer, AnswersPipelinedRequestsOneAfterTheOther) {
    Load load;
    start([&](Request request) { return count_load(clock_, load, std::move(request)); });
    test::RawConnection client = connect();
    std::string requests;
    for (int i = 0; i < 20; ++i) {
        requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    }
    client.send(requests);
    ASSERT_TRUE(until([&] { return load.now == 1; }));
    pass(20s);
    ASSERT_TRUE(replied(client, "/19;"));
    EXPECT_EQ(load.most, 1);
    EXPECT_LT(client.received().find("/3;"), client.received().find("/4;"));
}

TEST_F(HttpServer, AnswersHeadWithoutTheBody) {
    start(echo);
    const std::string reply = exchange("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(reply, HasSubstr("content-length: 7\r\n"));
    EXPECT_THAT(reply, testing::EndsWith("\r\n\r\n"));
}

TEST_F(HttpServer, AsksForTheBodyThatAClientHoldsBack) {
    start(echo);
    test::RawConnection client = connect();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    ASSERT_TRUE(replied(client, "HTTP/1.1 100 Continue\r\n\r\n"));
    client.send("ok");
    EXPECT_TRUE(replied(client, "PUT / ok;"));
}

TEST_F(HttpServer, TellsTheHandlerWhoAsks) {
    start([](Request request) -> asio::awaitable<Reply> {
        co_return Response::text(200,
                                 request.peer + (request.loopback_peer ? " loopback" : " remote"));
    });
    test::RawConnection client = connect();
    client.send(plain_get);
    EXPECT_TRUE(replied(client, "127.0.0.1 loopback"));
}

TEST_F(HttpServer, LeavesOutFieldsThatWouldBreakTheReply) {
    start([](Request) -> asio::awaitable<Reply> {
        Response response = Response::text(200, "ok");
        response.fields.push_back({.name = "location", .value = "/\r\nset-cookie: x"});
        response.fields.push_back({.name = "bad name", .value = "1"});
        response.fields.push_back({.name = "content-length", .value = "0"});
        response.fields.push_back({.name = "etag", .value = "\"4\""});
        co_return response;
    });
    const std::string reply = exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(reply, Not(HasSubstr("set-cookie")));
    EXPECT_THAT(reply, Not(HasSubstr("bad name")));
    EXPECT_THAT(reply, Not(HasSubstr("content-length: 0")));
    EXPECT_THAT(reply, HasSubstr("etag: \"4\""));
}

TEST_F(HttpServer, TurnsAnExceptionIntoA500) {
    start([](Request request) -> asio::awaitable<Reply> {
        if (request.path == "/bad") throw std::runtime_error("secret detail");
        co_return Response::text(200, "fine");
    });
    test::RawConnection client = connect();
    client.send("GET /bad HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(replied(client, "HTTP/1.1 500 "));
    EXPECT_THAT(client.received(), Not(HasSubstr("secret")));
    client.send(plain_get);
    EXPECT_TRUE(replied(client, "fine"));
}

TEST_F(HttpServer, EndsAHandlerThatTakesTooLong) {
    start([this](const Request&) { return answer_after(clock_, 1h); });
    test::RawConnection client = connect();
    client.send(plain_get);
    ASSERT_TRUE(until([&] { return server_->counters().requests == 1; }));
    pass(61s);
    EXPECT_TRUE(replied(client, "HTTP/1.1 503 "));
}

TEST_F(HttpServer, NamesTheAddressThatItCannotHave) {
    start(echo);
    ServerSettings settings;
    settings.port = port_;
    Server second(context_.get_executor(), clock_, settings, echo);
    const auto opened = second.open();
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message(), HasSubstr("127.0.0.1:" + std::to_string(port_)));
    settings.address = "not an address";
    Server third(context_.get_executor(), clock_, settings, echo);
    EXPECT_THAT(third.open().error().message(), HasSubstr("not an address"));
}

TEST_F(HttpServer, StopsWithinItsDrainTime) {
    start([this](const Request& request) {
        return answer_after(clock_, request.path == "/slow" ? 1h : 200ms);
    });
    test::RawConnection idle = connect();
    test::RawConnection quick = connect();
    test::RawConnection slow = connect();
    quick.send(plain_get);
    slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(until([&] {
        return server_->counters().requests == 2 && server_->counters().open_connections == 3;
    }));
    tasks_.cancel();
    EXPECT_TRUE(until([&] { return idle.closed(); }));
    pass(199ms);
    EXPECT_FALSE(quick.closed());
    pass(2ms);
    EXPECT_TRUE(replied(quick, "done"));
    EXPECT_THAT(quick.received(), HasSubstr("connection: close"));
    pass(400ms);
    EXPECT_TRUE(until([&] { return slow.closed(); }));
    EXPECT_EQ(slow.received(), "");
    EXPECT_EQ(tasks_.size(), 0U);
}

}  // namespace
}  // namespace muster::http
