#include "common/http/client.hpp"

#include "common/base/signal.hpp"
#include "common/base/with_timeout.hpp"
#include "common/http/event_parser.hpp"
#include "common/http/reply_reader.hpp"
#include "common/http/text.hpp"
#include "common/http/url.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace muster::http {

namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr auto use_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t max_addresses = 8;

class Category final : public std::error_category {
 public:
    const char* name() const noexcept override { return "http"; }

    std::string message(int value) const override {
        switch (static_cast<Errc>(value)) {
            case Errc::bad_url:
                return "not an http:// URL";
            case Errc::resolve_failed:
                return "the name could not be resolved";
            case Errc::connect_failed:
                return "no connection";
            case Errc::timed_out:
                return "no complete reply in time";
            case Errc::bad_reply:
                return "not a valid HTTP reply";
            case Errc::closed:
                return "the connection was closed early";
        }
        return "unknown http error";
    }
};

/// What outlives a cancelled resolution: getaddrinfo runs on Asio's own thread and can't be
/// interrupted, so its answer may come after nobody waits for it any more.
struct Resolution {
    explicit Resolution(const asio::any_io_executor& executor)
        : resolver(executor), answered(executor) {}
    tcp::resolver resolver;
    Signal answered;
    error_code error;
    std::vector<tcp::endpoint> endpoints;
};

asio::awaitable<Result<std::vector<tcp::endpoint>>> resolve(const Url& url) {
    error_code error;
    const auto literal = asio::ip::make_address(url.host, error);
    if (!error) {
        const auto port = static_cast<std::uint16_t>(std::stoul(url.port));
        std::vector<tcp::endpoint> one;
        one.emplace_back(literal, port);
        co_return one;
    }
    const auto resolution = std::make_shared<Resolution>(co_await asio::this_coro::executor);
    resolution->resolver.async_resolve(
        url.host,
        url.port,
        [resolution](const error_code& failure, const tcp::resolver::results_type& results) {
            resolution->error = failure;
            for (const auto& entry : results) resolution->endpoints.push_back(entry.endpoint());
            resolution->answered.notify();
        });
    co_await resolution->answered.wait();
    if (resolution->error || resolution->endpoints.empty()) {
        co_return fail(Errc::resolve_failed, url.host + ": " + resolution->error.message());
    }
    resolution->endpoints.resize(std::min(resolution->endpoints.size(), max_addresses));
    co_return std::move(resolution->endpoints);
}

asio::awaitable<Result<void>> connect(const Url& url, tcp::socket& socket) {
    const auto endpoints = co_await resolve(url);
    if (!endpoints) co_return tl::unexpected(endpoints.error());
    error_code error;
    for (const tcp::endpoint& endpoint : *endpoints) {
        socket = tcp::socket(co_await asio::this_coro::executor);
        std::tie(error) = co_await socket.async_connect(endpoint, use_result);
        if (!error) {
            socket.set_option(tcp::no_delay(true), error);
            co_return Result<void>{};
        }
    }
    co_return fail(Errc::connect_failed, url.authority + ": " + error.message());
}

/// Empty when a part of the request would break its framing.
std::string request_text(const ClientRequest& request, const Url& url) {
    if (!is_token(request.method)) return {};
    std::string text = fmt::format("{} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
                                   request.method,
                                   url.target,
                                   url.authority);
    for (const Field& field : request.fields) {
        if (!is_token(field.name) || !std::ranges::all_of(field.value, is_value_char)) return {};
        text += fmt::format("{}: {}\r\n", field.name, field.value);
    }
    if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD")) {
        text += fmt::format("content-length: {}\r\n", request.body.size());
    }
    text += "\r\n";
    return text;
}

asio::awaitable<Result<void>> read_some(tcp::socket& socket, ReplyReader& reader) {
    std::array<char, 16UZ << 10U> piece;  // NOLINT: filled by the read
    const auto [error, count] = co_await socket.async_read_some(asio::buffer(piece), use_result);
    if (error == asio::error::eof) co_return reader.end();
    if (error) co_return fail(Errc::closed, error.message());
    co_return reader.feed({piece.data(), count});
}

/// Connects, sends the request, and reads until the head of the reply is there.
asio::awaitable<Result<void>> start(const ClientRequest& request,
                                    const Url& url,
                                    tcp::socket& socket,
                                    ReplyReader& reader) {
    const auto connected = co_await connect(url, socket);
    if (!connected) co_return connected;
    const std::string head = request_text(request, url);
    if (head.empty()) co_return fail(Errc::bad_url, "a malformed method or field");
    const std::array<asio::const_buffer, 2> parts = {asio::buffer(head),
                                                     asio::buffer(request.body)};
    // A server may answer and close before it has read the whole request: its reply counts, so a
    // failed write is not the end.
    const auto [write_error, sent] = co_await asio::async_write(socket, parts, use_result);
    while (!reader.has_head()) {
        auto read = co_await read_some(socket, reader);
        if (read) continue;
        if (write_error) co_return fail(Errc::closed, write_error.message());
        co_return tl::unexpected(read.error());
    }
    co_return Result<void>{};
}

asio::awaitable<Result<void>> exchange(const ClientRequest& request,
                                       const Url& url,
                                       ReplyReader& reader) {
    tcp::socket socket(co_await asio::this_coro::executor);
    auto started = co_await start(request, url, socket, reader);
    if (!started) co_return started;
    while (!reader.complete()) {
        auto read = co_await read_some(socket, reader);
        if (!read) co_return read;
    }
    co_return Result<void>{};
}

HeadLimits limits_of(const ClientRequest& request) {
    return {.max_bytes = 64UZ << 10U,
            .max_fields = 256,
            .max_target_bytes = 0,
            .max_body_bytes = request.max_body_bytes};
}

/// Our name for a passed deadline, and whose it was.
Error named(Error error, const Url& url) {
    if (error.code == std::errc::timed_out) {
        return Error{.code = Errc::timed_out, .context = url.authority};
    }
    if (error.code == Errc::bad_reply || error.code == Errc::closed) {
        error.context = url.authority + ": " + error.context;
    }
    return error;
}

}  // namespace

const std::error_category& category() {
    static const Category instance;
    return instance;
}

asio::awaitable<Result<Response>> fetch(Clock& clock, ClientRequest request) {
    const auto url = parse_url(request.url);
    if (!url) co_return tl::unexpected(url.error());
    ReplyReader reader(
        limits_of(request),
        request.method == "HEAD" ? ReplyReader::Body::none : ReplyReader::Body::collect);
    auto done = co_await with_timeout(clock, request.timeout, exchange(request, *url, reader));
    if (!done) co_return tl::unexpected(named(std::move(done.error()), *url));
    co_return std::move(reader.response());
}

asio::awaitable<Result<void>> follow(Clock& clock,
                                     ClientRequest request,
                                     std::chrono::nanoseconds idle,
                                     OnEvent on_event) {
    const auto url = parse_url(request.url);
    if (!url) co_return tl::unexpected(url.error());
    ReplyReader reader(limits_of(request), ReplyReader::Body::stream);
    tcp::socket socket(co_await asio::this_coro::executor);
    auto started =
        co_await with_timeout(clock, request.timeout, start(request, *url, socket, reader));
    if (!started) co_return tl::unexpected(named(std::move(started.error()), *url));
    const auto type = reader.response().field("content-type").value_or("");
    if (reader.response().status != 200 || !type.starts_with("text/event-stream")) {
        co_return fail(
            Errc::bad_reply,
            fmt::format(
                "{}: status {} and no event stream", url->authority, reader.response().status));
    }
    EventParser parser(request.max_body_bytes);
    SteadyTime silent_until = clock.now() + idle;
    for (;;) {
        const std::size_t lines = parser.lines();
        auto parsed = parser.feed(reader.take_body(), on_event);
        if (!parsed) co_return parsed;
        if (reader.complete()) co_return Result<void>{};
        if (parser.lines() != lines) silent_until = clock.now() + idle;
        const auto left = silent_until - clock.now();
        auto read = co_await with_timeout(clock, left, read_some(socket, reader));
        if (!read) co_return tl::unexpected(named(std::move(read.error()), *url));
    }
}

}  // namespace muster::http
