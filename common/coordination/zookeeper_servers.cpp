#include "common/coordination/zookeeper_servers.hpp"

#include "common/coordination/types.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace muster::coordination {

namespace {

struct HostPort {
    std::string host;
    std::uint16_t port = 0;
};

std::optional<HostPort> split(std::string_view server) {
    const std::size_t colon = server.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    const std::string_view digits = server.substr(colon + 1);
    HostPort split;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), split.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || split.port == 0)
        return std::nullopt;
    std::string_view host = server.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty() || host.find_first_of("/,[] ") != std::string_view::npos) return std::nullopt;
    split.host = host;
    return split;
}

void append(std::string& list, const asio::ip::address& address, std::uint16_t port) {
    if (!list.empty()) list += ',';
    // The client cuts at the last colon, and wants no brackets.
    list += fmt::format("{}:{}", address.to_string(), port);
}

}  // namespace

Result<void> check_servers(const std::vector<std::string>& servers) {
    if (servers.empty()) return fail(Errc::invalid_argument, "no ZooKeeper server given");
    for (const std::string& server : servers) {
        if (!split(server))
            return fail(Errc::invalid_argument, fmt::format("'{}' is not host:port", server));
    }
    return {};
}

asio::awaitable<Result<std::string>> resolve_servers(std::vector<std::string> servers) {
    asio::ip::tcp::resolver resolver(co_await asio::this_coro::executor);
    std::string list;
    std::string last_error = "no server given";
    for (const std::string& server : servers) {
        const std::optional<HostPort> host_port = split(server);
        if (!host_port) continue;
        boost::system::error_code error;
        const auto literal = asio::ip::make_address(host_port->host, error);
        if (!error) {
            append(list, literal, host_port->port);
            continue;
        }
        const auto [failed, found] = co_await resolver.async_resolve(
            host_port->host, {}, asio::as_tuple(asio::use_awaitable));
        if (failed) last_error = fmt::format("{}: {}", host_port->host, failed.message());
        for (const auto& entry : found) append(list, entry.endpoint().address(), host_port->port);
    }
    if (list.empty()) co_return fail(Errc::not_connected, std::move(last_error));
    co_return list;
}

}  // namespace muster::coordination
