#include "common/http/client.hpp"

#include "common/base/with_timeout.hpp"
#include "common/http/event_parser.hpp"
#include "common/http/reply_reader.hpp"
#include "common/http/text.hpp"
#include "common/http/transport.hpp"
#include "common/http/url.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace muster::http {

namespace {

class Category final : public std::error_category {
 public:
    const char* name() const noexcept override { return "http"; }

    std::string message(int value) const override {
        switch (static_cast<Errc>(value)) {
            case Errc::bad_url:
                return "not an http:// or https:// URL";
            case Errc::resolve_failed:
                return "the name could not be resolved";
            case Errc::connect_failed:
                return "no connection";
            case Errc::bad_tls_files:
                return "TLS can't be used with these files";
            case Errc::tls_failed:
                return "no TLS connection";
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

asio::awaitable<Result<void>> read_some(Transport& peer, ReplyReader& reader) {
    std::array<char, 16UZ << 10U> piece;  // NOLINT: filled by the read
    const Result<std::size_t> count = co_await peer.read_some(asio::buffer(piece));
    if (!count) co_return tl::unexpected(count.error());
    if (*count == 0) co_return reader.end();
    co_return reader.feed({piece.data(), *count});
}

/// Connects, sends the request, and reads until the head of the reply is there.
asio::awaitable<Result<void>> start(const ClientRequest& request,
                                    const Url& url,
                                    Transport& peer,
                                    ReplyReader& reader) {
    const std::string head = request_text(request, url);
    if (head.empty()) co_return fail(Errc::bad_url, "a malformed method or field");
    const auto connected = co_await peer.connect(url, request.tls);
    if (!connected) co_return connected;
    // A server may answer and close before it has read the whole request: its reply counts, so a
    // failed write is not the end.
    const Result<void> sent = co_await peer.write({asio::buffer(head), asio::buffer(request.body)});
    while (!reader.has_head()) {
        auto read = co_await read_some(peer, reader);
        if (read) continue;
        co_return tl::unexpected(sent ? read.error() : sent.error());
    }
    co_return Result<void>{};
}

asio::awaitable<Result<void>> exchange(const ClientRequest& request,
                                       const Url& url,
                                       ReplyReader& reader) {
    Transport peer(co_await asio::this_coro::executor);
    auto started = co_await start(request, url, peer, reader);
    if (!started) co_return started;
    while (!reader.complete()) {
        auto read = co_await read_some(peer, reader);
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
    const bool is_late =
        error.code == Errc::tls_failed && !error.context.starts_with(url.authority);
    if (error.code == Errc::bad_reply || error.code == Errc::closed || is_late) {
        error.context = url.authority + ": " + error.context;
    }
    return error;
}

}  // namespace

const std::error_category& category() {
    static const Category instance;
    return instance;
}

bool surely_not_sent(const std::error_code& error) {
    return error == Errc::connect_failed || error == Errc::resolve_failed ||
           error == Errc::bad_url || error == Errc::bad_tls_files || error == Errc::tls_failed;
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
    Transport peer(co_await asio::this_coro::executor);
    auto started =
        co_await with_timeout(clock, request.timeout, start(request, *url, peer, reader));
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
        auto read = co_await with_timeout(clock, left, read_some(peer, reader));
        if (!read) co_return tl::unexpected(named(std::move(read.error()), *url));
    }
}

}  // namespace muster::http
