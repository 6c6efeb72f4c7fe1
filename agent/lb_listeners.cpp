#include "agent/lb_listeners.hpp"

#include "agent/lb_hash.hpp"
#include "common/base/with_timeout.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <sys/stat.h>

#include <string>
#include <utility>

namespace muster::agent {
namespace {

using asio::ip::tcp;

/// Where one connects to reach a listener that is bound to this.
asio::ip::address reachable(const std::string& bound, boost::system::error_code& error) {
    if (bound.empty()) return asio::ip::address_v4::loopback();
    const asio::ip::address address = asio::ip::make_address(bound, error);
    if (error || !address.is_unspecified()) return address;
    if (address.is_v6()) return asio::ip::address_v6::loopback();
    return asio::ip::address_v4::loopback();
}

asio::awaitable<Result<void>> accepts(std::string address, std::uint16_t port) {
    boost::system::error_code error;
    const tcp::endpoint to(reachable(address, error), port);
    if (error) co_return fail(error);
    tcp::socket socket(co_await asio::this_coro::executor);
    const auto [refused] = co_await socket.async_connect(to, asio::as_tuple(asio::use_awaitable));
    if (refused) co_return fail(refused);
    co_return Result<void>();
}

}  // namespace

std::uint64_t stamp_of_certificates(const std::vector<config::Listener>& listeners) {
    std::string all;
    for (const config::Listener& listener : listeners) {
        for (const std::string& path : listener.tls.certificates) {
            struct stat found{};
            const bool there = ::stat(path.c_str(), &found) == 0;
            all += fmt::format("{} {} {}.{}\n",
                               path,
                               there ? found.st_size : -1,
                               found.st_mtim.tv_sec,
                               found.st_mtim.tv_nsec);
        }
    }
    return all.empty() ? 0 : hash_of(all);
}

asio::awaitable<Result<void>> accept_connections(Clock& clock,
                                                 std::vector<config::Listener> listeners,
                                                 std::chrono::nanoseconds limit) {
    for (const config::Listener& listener : listeners) {
        auto done = co_await with_timeout(clock, limit, accepts(listener.address, listener.port));
        if (done) continue;
        done.error().context =
            fmt::format("listener '{}' on port {}", listener.name, listener.port);
        co_return done;
    }
    co_return Result<void>();
}

}  // namespace muster::agent
