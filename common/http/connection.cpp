#include "common/http/connection.hpp"

#include "common/base/with_timeout.hpp"
#include "common/observe/log.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <exception>
#include <utility>

namespace muster::http {

namespace {

constexpr auto use_result = asio::as_tuple(asio::use_awaitable);
using boost::system::error_code;

HeadLimits head_limits(const ServerSettings& settings) {
    return {.max_bytes = settings.max_header_bytes,
            .max_fields = settings.max_fields,
            .max_target_bytes = settings.max_target_bytes,
            .max_body_bytes = settings.max_body_bytes};
}

/// A cancellation passes; whatever else a handler throws is its bug, and costs one reply.
asio::awaitable<Result<Reply>> call(const Handler& handler, Request request) {
    const std::string where = request.method + " " + request.path;
    std::string failure;
    try {
        co_return co_await handler(std::move(request));
    } catch (const std::exception& error) {
        failure = error.what();
    }
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() == asio::cancellation_type::none) {
        log::error("request_failed", {{"request", where}, {"error", failure}});
    }
    co_return Response::problem(500, "Internal error", "the log of this node says more");
}

asio::awaitable<std::optional<std::string>> next_event(const EventStream& events) {
    co_return co_await events.next();
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket,
                       std::string peer,
                       bool loopback,
                       Shared& shared)
    : socket_(std::move(socket)),
      peer_(std::move(peer)),
      loopback_(loopback),
      shared_(shared),
      reader_(head_limits(shared.settings)) {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

Connection::~Connection() {
    shared_.buffered -= buffered_;
}

void Connection::within(std::chrono::nanoseconds limit) {
    deadline_ = shared_.clock.now() + limit;
}

void Connection::expire(SteadyTime now) {
    if (now < deadline_) return;
    deadline_ = SteadyTime::max();
    expired_ = true;
    error_code ignored;
    socket_.cancel(ignored);
}

void Connection::finish() {
    if (!at_work_) expire(SteadyTime::max());
}

asio::awaitable<void> Connection::run() {
    while (co_await read_request()) {
        const bool is_head = reader_.is_head();
        const bool keep_alive = reader_.keep_alive();
        at_work_ = true;
        ++shared_.counters.requests;
        Request request = reader_.take();
        count_buffered();
        request.peer = peer_;
        request.loopback_peer = loopback_;
        Reply reply = co_await answer(std::move(request));
        if (auto* events = std::get_if<EventStream>(&reply)) {
            at_work_ = false;
            co_await stream(std::move(*events), is_head);
            co_return;
        }
        const After after = keep_alive && !shared_.stopping ? After::keep : After::close;
        if (!co_await send(std::get<Response>(reply), after, !is_head)) co_return;
        at_work_ = false;
        shared_.work_ended.notify();
        if (after == After::close) {
            co_await linger();
            co_return;
        }
    }
}

/// False when there is no further request: closed, refused or timed out (and answered so).
asio::awaitable<bool> Connection::read_request() {
    using State = RequestReader::State;
    // A new connection has to say something soon; a used one may rest.
    within(std::exchange(first_, false) ? shared_.settings.header_timeout
                                        : shared_.settings.idle_timeout);
    State was = State::idle;
    for (;;) {
        const State state = reader_.state();
        if (state == State::complete) co_return true;
        if (state == State::refused) {
            co_await refuse(reader_.refusal());
            co_return false;
        }
        if (shared_.stopping && state == State::idle) co_return false;
        if (shared_.buffered > shared_.settings.max_buffered_bytes) {
            co_await refuse({.status = 503, .why = "too many requests are being received"});
            co_return false;
        }
        if (state != was) {
            within(state == State::head ? shared_.settings.header_timeout
                                        : shared_.settings.body_timeout);
            if (reader_.expects_continue() && !co_await write("HTTP/1.1 100 Continue\r\n\r\n")) {
                co_return false;
            }
        }
        was = state;
        if (!co_await read_some()) {
            if (expired_ && reader_.state() != State::idle) {
                ++shared_.counters.timeouts;
                co_await refuse({.status = 408, .why = "the request did not arrive in time"});
            }
            co_return false;
        }
    }
}

asio::awaitable<bool> Connection::read_some() {
    const auto [wait_error] = co_await socket_.async_wait(socket_.wait_read, use_result);
    if (wait_error || expired_) co_return false;
    error_code error;
    const std::size_t count = socket_.read_some(asio::buffer(shared_.scratch), error);
    if (error == asio::error::would_block) co_return true;
    if (error) co_return false;
    reader_.feed({shared_.scratch.data(), count});
    count_buffered();
    co_return true;
}

void Connection::count_buffered() {
    shared_.buffered -= buffered_;
    buffered_ = reader_.buffered();
    shared_.buffered += buffered_;
}

asio::awaitable<Reply> Connection::answer(Request request) {
    // The handler's time is not the peer's: no deadline of the socket runs meanwhile.
    deadline_ = SteadyTime::max();
    auto reply = co_await with_timeout(
        shared_.clock, shared_.settings.handler_timeout, call(shared_.handler, std::move(request)));
    if (reply) co_return std::move(*reply);
    ++shared_.counters.timeouts;
    co_return Response::problem(
        503, "Timed out", "the request took too long; it may have been carried out");
}

asio::awaitable<bool> Connection::write(std::string_view text) {
    const auto [error, count] =
        co_await asio::async_write(socket_, asio::buffer(text.data(), text.size()), use_result);
    co_return !error && !expired_;
}

asio::awaitable<bool> Connection::send(const Response& response, After after, bool with_body) {
    within(shared_.settings.write_timeout);
    const std::string head = reply_head(response, shared_.clock.wall(), after);
    const bool has_body = with_body && response.status != 204 && response.status != 304;
    const std::array<asio::const_buffer, 2> parts = {
        asio::buffer(head), has_body ? asio::buffer(response.body) : asio::const_buffer()};
    const auto [error, count] = co_await asio::async_write(socket_, parts, use_result);
    if (expired_) ++shared_.counters.timeouts;
    co_return !error && !expired_;
}

asio::awaitable<void> Connection::refuse(Refusal refusal) {
    expired_ = false;
    if (refusal.status != 408) ++shared_.counters.bad_requests;
    const Response response =
        Response::problem(refusal.status, "The request was refused", refusal.why);
    if (co_await send(response, After::close, true)) co_await linger();
}

/// Closing a socket with unread input resets the connection, and the client may lose the reply: end
/// our side, then read what comes for a moment.
asio::awaitable<void> Connection::linger() {
    constexpr auto limit = std::chrono::seconds(1);
    constexpr std::size_t max_bytes = 1UZ << 20U;
    error_code error;
    socket_.shutdown(socket_.shutdown_send, error);
    within(limit);
    for (std::size_t total = 0; !error && total < max_bytes;) {
        const auto [wait_error] = co_await socket_.async_wait(socket_.wait_read, use_result);
        if (wait_error || expired_ || shared_.stopping) co_return;
        total += socket_.read_some(asio::buffer(shared_.scratch), error);
        if (error == asio::error::would_block) error = {};
    }
}

asio::awaitable<void> Connection::stream(EventStream events, bool is_head) {
    Server::Counters& counters = shared_.counters;
    if (counters.event_streams >= shared_.settings.max_event_streams) {
        co_await refuse({.status = 503, .why = "too many event streams"});
        co_return;
    }
    within(shared_.settings.write_timeout);
    if (!co_await write(stream_head(shared_.clock.wall())) || is_head) co_return;

    struct Counted {
        std::size_t& count;
        explicit Counted(std::size_t& c) : count(++c) {}
        ~Counted() { --count; }
    };
    const Counted counted(counters.event_streams);
    while (!shared_.stopping) {
        deadline_ = SteadyTime::max();
        // Whatever the client does from here on means that it does not listen any more.
        auto race = asio::experimental::make_parallel_group(
            asio::co_spawn(socket_.get_executor(), next_event(events), asio::deferred),
            socket_.async_wait(socket_.wait_read, asio::deferred));
        auto [order, failure, text, left] =
            co_await race.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
        if (order[0] == 1) co_return;
        if (failure) std::rethrow_exception(failure);
        if (!text) break;
        within(shared_.settings.write_timeout);
        if (!co_await write(*text)) co_return;
    }
    co_await linger();
}

}  // namespace muster::http
