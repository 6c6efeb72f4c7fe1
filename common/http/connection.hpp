#pragma once

#include "common/base/signal.hpp"
#include "common/http/reply_text.hpp"
#include "common/http/request_reader.hpp"
#include "common/http/server.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <string>

namespace muster::http {

/// What the connections of one server share.
struct Shared {
    Clock& clock;
    ServerSettings settings;
    Handler handler;
    Server::Counters counters;
    std::size_t buffered = 0;  ///< bytes of half-received requests
    bool stopping = false;
    Signal work_ended;  ///< a request was answered, or its connection has ended
    std::array<char, 64UZ << 10U> scratch{};  ///< for reads that don't wait: idle ones cost nothing
};

/// One accepted connection. Executor: the server's. `run` ends when the connection is closed; it
/// throws only when cancelled.
class Connection {
 public:
    Connection(asio::ip::tcp::socket socket, std::string peer, bool loopback, Shared& shared);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] asio::awaitable<void> run();

    /// Ends the read or write that is past its deadline.
    void expire(SteadyTime now);
    /// The server stops: no further request after the one in work.
    void finish();
    /// A request is being answered (an event stream is not: it never ends by itself).
    [[nodiscard]] bool at_work() const { return at_work_; }

 private:
    void within(std::chrono::nanoseconds limit);
    asio::awaitable<bool> read_request();
    asio::awaitable<bool> read_some();
    asio::awaitable<Reply> answer(Request request);
    asio::awaitable<bool> send(const Response& response, After after, bool with_body);
    asio::awaitable<bool> write(std::string_view text);
    asio::awaitable<void> refuse(Refusal refusal);
    asio::awaitable<void> linger();
    asio::awaitable<void> stream(EventStream events, bool is_head);
    void count_buffered();

    asio::ip::tcp::socket socket_;
    std::string peer_;
    bool loopback_;
    Shared& shared_;
    RequestReader reader_;
    SteadyTime deadline_ = SteadyTime::max();
    std::size_t buffered_ = 0;
    bool expired_ = false;
    bool at_work_ = false;
    bool first_ = true;
};

}  // namespace muster::http
