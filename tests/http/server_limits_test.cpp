#include "common/http/server.hpp"
#include "tests/http/server_fixture.hpp"

#include <sys/resource.h>

#include <vector>

// What keeps one client, or a thousand, from holding up the others (reference: threat T5).
namespace muster::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view plain_get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

asio::awaitable<Reply> ok(Request) {
    co_return Response::text(200, "ok");
}

asio::awaitable<Reply> with_body(std::string body) {
    co_return Response::text(200, std::move(body));
}

class HttpServerLimits : public ServerFixture {
 protected:
    std::size_t open() const { return server_->counters().open_connections; }
};

TEST_F(HttpServerLimits, EndsAHeadThatDripsForTenSeconds) {
    start(ok);
    test::RawConnection slowloris = connect();
    slowloris.send("GET / HTTP/1.1\r\n");
    ASSERT_TRUE(until([&] { return open() == 1; }));
    for (int second = 0; second < 9; ++second) {
        slowloris.send("x: 1\r\n");
        pass(1s);
        ASSERT_FALSE(slowloris.closed()) << second;
    }
    pass(1200ms);
    EXPECT_TRUE(replied(slowloris, "HTTP/1.1 408 "));
    pass(2s);
    EXPECT_TRUE(until([&] { return slowloris.closed(); }));
    EXPECT_EQ(server_->counters().timeouts, 1U);
}

TEST_F(HttpServerLimits, EndsABodyThatDripsForThirtySeconds) {
    start(ok);
    test::RawConnection client = connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    ASSERT_TRUE(until([&] { return open() == 1; }));
    for (int second = 0; second < 29; ++second) {
        client.send("x");
        pass(1s);
        ASSERT_FALSE(client.closed()) << second;
    }
    pass(1200ms);
    EXPECT_TRUE(replied(client, "HTTP/1.1 408 "));
}

TEST_F(HttpServerLimits, ClosesAConnectionThatSaysNothing) {
    start(ok);
    test::RawConnection silent = connect();
    test::RawConnection used = connect();
    used.send(plain_get);
    ASSERT_TRUE(replied(used, "ok"));
    pass(9s);
    EXPECT_FALSE(silent.closed());
    pass(1200ms);
    EXPECT_TRUE(until([&] { return silent.closed(); }));
    EXPECT_EQ(silent.received(), "");
    pass(49s);
    EXPECT_FALSE(used.closed()) << "idle for 59 s";
    pass(1200ms);
    EXPECT_TRUE(until([&] { return used.closed(); }));
}

TEST_F(HttpServerLimits, ClosesOnAClientThatDoesNotRead) {
    const std::string big(64UZ << 20U, 'x');
    start([&big](const Request&) { return with_body(big); });
    test::RawConnection client = connect();
    client.send(plain_get);
    ASSERT_TRUE(until([&] { return server_->counters().requests == 1; }));
    pass(29s);
    EXPECT_EQ(open(), 1U);
    pass(1200ms);
    EXPECT_TRUE(until([&] { return open() == 0; }));
    EXPECT_EQ(server_->counters().timeouts, 1U);
}

TEST_F(HttpServerLimits, RefusesConnectionsOverTheTotal) {
    ServerSettings settings;
    settings.max_connections = 10;
    start(settings, ok);
    std::vector<test::RawConnection> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(connect());
    ASSERT_TRUE(until([&] { return open() == 10; }));
    test::RawConnection late = connect();
    EXPECT_TRUE(until([&] { return late.closed(); }));
    EXPECT_THAT(late.received(), StartsWith("HTTP/1.1 503 "));
    EXPECT_EQ(server_->counters().refused_connections, 1U);
    clients.pop_back();
    ASSERT_TRUE(until([&] { return open() == 9; }));
    test::RawConnection next = connect();
    next.send(plain_get);
    EXPECT_TRUE(replied(next, "ok"));
}

TEST_F(HttpServerLimits, RefusesConnectionsOverTheClientsShare) {
    ServerSettings settings;
    settings.max_connections_per_client = 3;
    start(settings, ok);
    std::vector<test::RawConnection> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(connect());
    ASSERT_TRUE(until([&] { return open() == 3; }));
    test::RawConnection late = connect();
    EXPECT_TRUE(until([&] { return late.closed(); }));
    EXPECT_THAT(late.received(), StartsWith("HTTP/1.1 503 "));
}

TEST_F(HttpServerLimits, AnswersOneWhileAThousandAreIdle) {
    rlimit files{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
    ServerSettings settings;
    settings.max_connections_per_client = 1024;
    start(settings, ok);
    std::vector<test::RawConnection> idle;
    for (std::size_t i = 0; i < 1000; ++i) {
        idle.push_back(connect());
        // Half of them have begun a request.
        if (i % 2 == 0) idle.back().send("GET / HT");
        if (i % 100 == 99) clock_.run_ready();
    }
    ASSERT_TRUE(until([&] { return open() == 1000; }));
    const test::Stopwatch watch;
    test::RawConnection client = connect();
    client.send(plain_get);
    EXPECT_TRUE(replied(client, "ok"));
    EXPECT_LT(watch.elapsed(), 200ms * test::slowdown());
    EXPECT_FALSE(idle.front().closed());
    pass(11s);
    EXPECT_TRUE(until([&] { return idle.front().closed() && idle.back().closed(); }));
}

TEST_F(HttpServerLimits, BoundsWhatAllHalfSentRequestsHoldTogether) {
    ServerSettings settings;
    settings.max_buffered_bytes = 3UZ << 20U;
    start(settings, ok);
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n";
    std::vector<test::RawConnection> clients;
    int refused = 0;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(connect());
        const std::string text = head + std::string(1'000'000, 'x');
        std::string_view rest = text;
        ASSERT_TRUE(until([&] {
            rest.remove_prefix(clients.back().send(rest));
            return rest.empty() || clients.back().closed() || !clients.back().received().empty();
        }));
    }
    ASSERT_TRUE(until([&] {
        refused = 0;
        for (auto& client : clients) refused += client.received().starts_with("HTTP/1.1 503");
        return refused >= 4;
    }));
    // Whoever got through before may go on.
    EXPECT_LT(refused, 8);
}

// ---- event streams ----

struct Ticker {
    explicit Ticker(asio::io_context& context) : news(context.get_executor()) {}
    Signal news;
    std::string next = "data: 1\n\n";
    bool ended = false;
    int cancelled = 0;
};

asio::awaitable<std::optional<std::string>> next_tick(Ticker& ticker) {
    try {
        co_await ticker.news.wait();
    } catch (...) {
        ++ticker.cancelled;
        throw;
    }
    if (ticker.ended) co_return std::nullopt;
    co_return ticker.next;
}

asio::awaitable<Reply> ticks(Ticker& ticker) {
    co_return EventStream{.next = [&ticker] { return next_tick(ticker); }};
}

class EventStreams : public HttpServerLimits {
 protected:
    ~EventStreams() override { stop(); }  // before the ticker goes

    void start_ticker(ServerSettings settings) {
        start(std::move(settings), [this](const Request&) { return ticks(ticker_); });
    }
    test::RawConnection follow() {
        test::RawConnection client = connect();
        client.send(plain_get);
        EXPECT_TRUE(replied(client, "\r\n\r\n"));
        return client;
    }
    std::size_t streams() const { return server_->counters().event_streams; }

    Ticker ticker_{context_};
};

TEST_F(EventStreams, SendWhatComesUntilItEnds) {
    start_ticker({});
    test::RawConnection client = follow();
    EXPECT_THAT(client.received(), HasSubstr("content-type: text/event-stream\r\n"));
    EXPECT_THAT(client.received(), HasSubstr("cache-control: no-store\r\n"));
    for (int i = 0; i < 5; ++i) {
        client.forget_received();
        ticker_.news.notify();
        ASSERT_TRUE(replied(client, "data: 1\n\n"));
        pass(10min);  // streams have no idle time
    }
    ticker_.ended = true;
    ticker_.news.notify();
    EXPECT_TRUE(until([&] { return client.closed(); }));
    EXPECT_EQ(ticker_.cancelled, 0);
}

TEST_F(EventStreams, AreCancelledWhenTheClientLeaves) {
    start_ticker({});
    test::RawConnection client = follow();
    ASSERT_EQ(streams(), 1U);
    client.close();
    EXPECT_TRUE(until([&] { return ticker_.cancelled == 1 && open() == 0; }));
    EXPECT_EQ(streams(), 0U);
}

TEST_F(EventStreams, AreCancelledWhenTheServerStops) {
    start_ticker({});
    test::RawConnection client = follow();
    tasks_.cancel();
    EXPECT_TRUE(until([&] { return client.closed(); }));
    EXPECT_EQ(ticker_.cancelled, 1);
    EXPECT_EQ(tasks_.size(), 0U);
}

TEST_F(EventStreams, EndForAClientThatDoesNotRead) {
    start_ticker({});
    ticker_.next = std::string(16UZ << 20U, 'x');
    test::RawConnection client = follow();
    ticker_.news.notify();
    clock_.run_ready();
    pass(29s);
    EXPECT_EQ(streams(), 1U);
    pass(1200ms);
    EXPECT_TRUE(until([&] { return streams() == 0 && open() == 0; }));
}

TEST_F(EventStreams, AreLimitedInNumber) {
    ServerSettings settings;
    settings.max_event_streams = 2;
    start_ticker(settings);
    test::RawConnection one = follow();
    test::RawConnection two = follow();
    test::RawConnection three = follow();
    EXPECT_THAT(three.received(), StartsWith("HTTP/1.1 503 "));
    EXPECT_EQ(streams(), 2U);
}

TEST_F(EventStreams, GiveHeadTheirHeadOnly) {
    start_ticker({});
    const std::string reply = exchange("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(reply, HasSubstr("text/event-stream"));
    EXPECT_EQ(streams(), 0U);
}

}  // namespace
}  // namespace muster::http
