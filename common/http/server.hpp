#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/http/message.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace muster::http {

/// A reply that goes on: server-sent events. The server calls `next` again and again and writes
/// what it returns; nothing ends the stream. `next` waits for news (it is cancelled when the client
/// leaves or the server stops) and should return at least a comment every 15 s, so that a dead
/// client is noticed.
struct EventStream {
    using Next = std::function<asio::awaitable<std::optional<std::string>>()>;
    Next next;
};

using Reply = std::variant<Response, EventStream>;

/// Answers one request. Must not throw for a client's fault; an exception becomes a 500 and a log
/// line. One that takes longer than handler_timeout is cancelled, and the client gets a 503.
using Handler = std::function<asio::awaitable<Reply>(Request)>;

struct ServerSettings {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0 = any free one; see Server::port()
    std::chrono::milliseconds header_timeout = std::chrono::seconds(10);  ///< all of the head
    std::chrono::milliseconds body_timeout = std::chrono::seconds(30);    ///< all of the body
    std::chrono::milliseconds handler_timeout = std::chrono::seconds(60);
    std::chrono::milliseconds write_timeout = std::chrono::seconds(30);  ///< a reply, or one event
    std::chrono::milliseconds idle_timeout = std::chrono::seconds(60);
    std::chrono::milliseconds drain_timeout{500};  ///< for requests in work when the server stops
    std::size_t max_connections = 1024;
    std::size_t max_connections_per_client =
        256;  ///< by address; dashboards hold one each for events
    std::size_t max_header_bytes = 16UZ << 10U;
    std::size_t max_fields = 64;
    std::size_t max_target_bytes = 4UZ << 10U;
    std::size_t max_body_bytes = 32UZ << 20U;       ///< a group of 100,000 backends must fit
    std::size_t max_buffered_bytes = 128UZ << 20U;  ///< of all half-received requests together
    std::size_t max_event_streams = 128;
};

/// HTTP/1.1, strict (RFC 9112): what is ambiguous (content-length with transfer-encoding, repeated
/// content-length, obs-fold, bare LF, control characters, a missing or repeated Host ...) is
/// answered with 400 and the connection is closed. Every read and write has a deadline (kept to
/// within 100 ms); every size a limit. A pipelined request is read when the one before it is
/// answered. Executor: everything on the one given, which is single-threaded (the API has a thread
/// of its own, so that its callers can't delay heartbeats).
class Server {
 public:
    Server(asio::any_io_executor executor, Clock& clock, ServerSettings settings, Handler handler);
    ~Server();

    /// Binds and listens. The error names address and port.
    [[nodiscard]] Result<void> open();
    [[nodiscard]] std::uint16_t port() const;

    /// Accepts until cancelled; then lets requests in work end for drain_timeout, closes every
    /// connection and waits for its handler. Call once, after open().
    [[nodiscard]] asio::awaitable<void> run();

    struct Counters {
        std::uint64_t connections = 0;  ///< accepted since the start
        std::uint64_t refused_connections = 0;
        std::uint64_t requests = 0;
        std::uint64_t bad_requests = 0;
        std::uint64_t timeouts = 0;
        std::size_t open_connections = 0;
        std::size_t event_streams = 0;
    };
    [[nodiscard]] Counters counters() const;

 private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace muster::http
