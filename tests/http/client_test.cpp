#include "common/http/client.hpp"

#include "common/base/task_group.hpp"
#include "common/http/server.hpp"
#include "tests/http/hostile_replies.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include <array>
#include <optional>

namespace muster::http {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto use_result = asio::as_tuple(asio::use_awaitable);

/// Answers every connection with the same bytes, whatever it asks.
struct FakePeer {
    explicit FakePeer(asio::io_context& context)
        : acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

    tcp::acceptor acceptor;
    std::string bytes;
    bool then_closes = true;
    std::chrono::nanoseconds drip{0};  ///< between two bytes; 0 = all at once
    std::string request;
    int connections = 0;

    std::string url() const {
        return "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/x";
    }
};

asio::awaitable<void> hold(tcp::socket& socket) {
    std::array<char, 4096> piece{};
    for (;;) {
        const auto [error, count] =
            co_await socket.async_read_some(asio::buffer(piece), use_result);
        if (error) co_return;
    }
}

asio::awaitable<void> answer(FakePeer& peer, Clock& clock, tcp::socket socket) {
    std::array<char, 4096> piece{};
    const auto [error, count] = co_await socket.async_read_some(asio::buffer(piece), use_result);
    peer.request.assign(piece.data(), count);
    if (peer.drip == 0ns) {
        co_await asio::async_write(socket, asio::buffer(peer.bytes), use_result);
    } else {
        for (const char& byte : peer.bytes) {
            const auto [failed, sent] =
                co_await asio::async_write(socket, asio::buffer(&byte, 1), use_result);
            if (failed) co_return;
            co_await clock.sleep_for(peer.drip);
        }
    }
    if (!peer.then_closes) co_await hold(socket);
    boost::system::error_code ignored;
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    co_await hold(socket);
}

asio::awaitable<void> serve(FakePeer& peer, Clock& clock, TaskGroup& tasks) {
    for (;;) {
        auto [error, socket] = co_await peer.acceptor.async_accept(use_result);
        if (error) co_return;
        ++peer.connections;
        tasks.spawn("connection", answer(peer, clock, std::move(socket)));
    }
}

asio::awaitable<void> do_fetch(Clock& clock,
                               ClientRequest request,
                               std::optional<Result<Response>>& result) {
    result = co_await fetch(clock, std::move(request));
}

asio::awaitable<void> do_follow(Clock& clock,
                                ClientRequest request,
                                OnEvent on_event,
                                std::optional<Result<void>>& result) {
    result = co_await follow(clock, std::move(request), 30s, std::move(on_event));
}

class HttpClient : public testing::Test {
 protected:
    HttpClient() { tasks_.spawn("peer", serve(peer_, clock_, tasks_)); }
    ~HttpClient() override {
        tasks_.cancel();
        clock_.run_for(1s);
        EXPECT_EQ(tasks_.size(), 0U);
    }

    bool until(const std::function<bool()>& condition) {
        return test::eventually(10s, [&] {
            clock_.run_ready();
            return condition();
        });
    }

    /// Virtual time passes (up to `limit`) only when nothing else happens.
    Result<Response> get(ClientRequest request, std::chrono::nanoseconds limit = 11s) {
        std::optional<Result<Response>> result;
        tasks_.spawn("fetch", do_fetch(clock_, std::move(request), result));
        const auto end = clock_.now() + limit;
        EXPECT_TRUE(test::eventually(20s, [&] {
            clock_.run_ready();
            if (!result && ++idle_rounds_ % 5 == 0 && clock_.now() < end) clock_.run_for(500ms);
            return result.has_value();
        }));
        return result.value_or(fail(Errc::timed_out, "the test gave up"));
    }
    ClientRequest request() { return {.url = peer_.url(), .max_body_bytes = 1UZ << 20U}; }

    asio::io_context context_;
    test::VirtualClock clock_{context_};
    FakePeer peer_{context_};
    TaskGroup tasks_{context_.get_executor()};
    int idle_rounds_ = 0;
};

TEST_F(HttpClient, SendsTheRequestAndReadsTheReply) {
    peer_.bytes = "HTTP/1.1 201 Created\r\nEtag: \"4\"\r\nContent-Length: 2\r\n\r\nhi";
    ClientRequest wanted = request();
    wanted.method = "POST";
    wanted.body = "body";
    wanted.fields.push_back({.name = "authorization", .value = "Bearer x"});
    const auto reply = get(wanted);
    ASSERT_TRUE(reply) << reply.error().message();
    EXPECT_EQ(reply->status, 201);
    EXPECT_EQ(reply->body, "hi");
    EXPECT_EQ(reply->field("etag"), "\"4\"");
    EXPECT_THAT(peer_.request, testing::StartsWith("POST /x HTTP/1.1\r\nhost: 127.0.0.1:"));
    EXPECT_THAT(peer_.request, HasSubstr("authorization: Bearer x\r\ncontent-length: 4\r\n\r\n"));
}

TEST_F(HttpClient, FailsOnEachHostileReplyWithItsError) {
    for (const auto& hostile : test::hostile_replies()) {
        peer_.bytes = hostile.bytes;
        peer_.then_closes = hostile.then_closes;
        const auto started = clock_.now();
        const auto reply = get(request());
        ASSERT_FALSE(reply) << hostile.name;
        EXPECT_EQ(reply.error().code, hostile.error)
            << hostile.name << ": " << reply.error().message();
        EXPECT_LE(clock_.now() - started, 10600ms) << hostile.name;
    }
}

TEST_F(HttpClient, HasOneDeadlineForAllOfAReply) {
    peer_.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x');
    peer_.drip = 500ms;
    const auto started = clock_.now();
    const auto reply = get(request());
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::timed_out);
    EXPECT_LE(clock_.now() - started, 10600ms);
}

TEST_F(HttpClient, SaysWhoRefused) {
    ClientRequest wanted = request();
    peer_.acceptor.close();
    const auto reply = get(wanted);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::connect_failed);
    EXPECT_THAT(reply.error().message(), HasSubstr("127.0.0.1:"));
}

TEST_F(HttpClient, ResolvesNames) {
    peer_.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    ClientRequest wanted = request();
    wanted.url.replace(wanted.url.find("127.0.0.1"), 9, "localhost");
    const auto reply = get(wanted);
    ASSERT_TRUE(reply) << reply.error().message();
    EXPECT_THAT(peer_.request, HasSubstr("host: localhost:"));
}

TEST_F(HttpClient, SendsNothingThatWouldBreakTheRequest) {
    peer_.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    ClientRequest injected = request();
    injected.fields.push_back({.name = "x", .value = "1\r\ny: 2"});
    EXPECT_EQ(get(injected).error().code, Errc::bad_url);
    ClientRequest method = request();
    method.method = "GET / HTTP/1.1\r\nx:";
    EXPECT_EQ(get(method).error().code, Errc::bad_url);
    EXPECT_EQ(peer_.request, "");
}

TEST_F(HttpClient, ReadsAReplyThatComesBeforeTheWholeRequestIsRead) {
    peer_.bytes = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n";
    ClientRequest wanted = request();
    wanted.method = "PUT";
    wanted.body = std::string(30'000, 'x');
    const auto reply = get(wanted);
    ASSERT_TRUE(reply) << reply.error().message();
    EXPECT_EQ(reply->status, 413);
}

TEST_F(HttpClient, FollowsEventsUntilThePeerCloses) {
    peer_.bytes =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        "event: view\ndata: 1\n\n: still here\n\ndata: 2\n\n";
    std::vector<std::string> events;
    std::optional<Result<void>> result;
    tasks_.spawn("follow",
                 do_follow(
                     clock_,
                     request(),
                     [&](std::string_view event, std::string_view data) {
                         events.push_back(std::string(event) + "=" + std::string(data));
                     },
                     result));
    ASSERT_TRUE(until([&] { return result.has_value(); }));
    EXPECT_TRUE(*result) << result->error().message();
    EXPECT_THAT(events, ElementsAre("view=1", "message=2"));
}

TEST_F(HttpClient, EndsAStreamThatGoesSilent) {
    peer_.bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n" +
                  std::string(100, ':');  // a line that never ends is no sign of life
    peer_.then_closes = false;
    peer_.drip = 1s;
    int events = 0;
    std::optional<Result<void>> result;
    ClientRequest wanted = request();
    wanted.timeout = 5min;
    tasks_.spawn("follow", do_follow(clock_, wanted, [&](auto, auto) { ++events; }, result));
    ASSERT_TRUE(until([&] {
        clock_.run_for(100ms);
        return events == 1;
    }));
    const auto last = clock_.now();
    ASSERT_TRUE(until([&] {
        if (!result) clock_.run_for(500ms);
        return result.has_value();
    }));
    ASSERT_FALSE(*result);
    EXPECT_EQ(result->error().code, Errc::timed_out);
    EXPECT_GE(clock_.now() - last, 29s);
    EXPECT_LE(clock_.now() - last, 32s);
}

TEST_F(HttpClient, FollowsNothingButEventStreams) {
    peer_.bytes = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    std::optional<Result<void>> result;
    tasks_.spawn("follow", do_follow(clock_, request(), [](auto, auto) {}, result));
    ASSERT_TRUE(until([&] { return result.has_value(); }));
    ASSERT_FALSE(*result);
    EXPECT_THAT(result->error().message(), HasSubstr("status 503"));
}

}  // namespace
}  // namespace muster::http
