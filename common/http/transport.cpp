#include "common/http/transport.hpp"

#include "common/base/signal.hpp"
#include "common/http/client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

namespace muster::http {

namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr auto use_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t max_addresses = 8;

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

}  // namespace

asio::awaitable<Result<void>> Transport::connect(const Url& url, std::shared_ptr<TlsClient> tls) {
    const auto endpoints = co_await resolve(url);
    if (!endpoints) co_return tl::unexpected(endpoints.error());
    error_code error;
    for (const tcp::endpoint& endpoint : *endpoints) {
        socket_ = tcp::socket(co_await asio::this_coro::executor);
        std::tie(error) = co_await socket_.async_connect(endpoint, use_result);
        if (!error) break;
    }
    if (error) co_return fail(Errc::connect_failed, url.authority + ": " + error.message());
    socket_.set_option(tcp::no_delay(true), error);
    if (!url.tls) co_return Result<void>{};
    client_ = tls ? std::move(tls) : std::make_shared<TlsClient>(TlsFiles{});
    co_return co_await shake_hands(url);
}

asio::awaitable<Result<void>> Transport::shake_hands(const Url& url) {
    const Result<std::shared_ptr<SSL_CTX>> context = client_->context();
    if (!context) co_return tl::unexpected(context.error());
    // Asio's context takes over one reference.
    SSL_CTX_up_ref(context->get());
    context_.emplace(context->get());
    tls_.emplace(socket_, *context_);
    server_ = client_->files().server_name.empty() ? url.host : client_->files().server_name;
    if (!expect_server(tls_->native_handle(), server_))
        co_return fail(Errc::tls_failed,
                       fmt::format("{}: {} is no name of a server", url.authority, server_));
    const auto [error] = co_await tls_->async_handshake(Tls::client, use_result);
    if (!error) co_return Result<void>{};
    co_return fail(
        Errc::tls_failed,
        fmt::format("{}: {}",
                    url.authority,
                    why_no_tls(tls_->native_handle(), error, client_->files(), server_)));
}

tl::unexpected<Error> Transport::closed(const error_code& error) {
    if (tls_ && is_refusal_of_ours(error))
        return fail(Errc::tls_failed,
                    why_no_tls(tls_->native_handle(), error, client_->files(), server_));
    return fail(Errc::closed, error.message());
}

asio::awaitable<Result<std::size_t>> Transport::read_some(asio::mutable_buffer into) {
    error_code error;
    std::size_t count = 0;
    if (tls_) {
        std::tie(error, count) = co_await tls_->async_read_some(into, use_result);
    } else {
        std::tie(error, count) = co_await socket_.async_read_some(into, use_result);
    }
    if (error == asio::error::eof) co_return 0UZ;
    if (error) co_return closed(error);
    co_return count;
}

asio::awaitable<Result<void>> Transport::write(std::array<asio::const_buffer, 2> parts) {
    error_code error;
    std::size_t count = 0;
    if (tls_) {
        std::tie(error, count) = co_await asio::async_write(*tls_, parts, use_result);
    } else {
        std::tie(error, count) = co_await asio::async_write(socket_, parts, use_result);
    }
    if (error) co_return closed(error);
    co_return Result<void>{};
}

}  // namespace muster::http
