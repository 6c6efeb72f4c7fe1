#include "agent/lb_addresses.hpp"

#include "common/base/with_timeout.hpp"
#include "common/config/endpoint.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <set>

namespace muster::agent {
namespace {

using asio::ip::tcp;

bool is_ip(const std::string& text) {
    return config::is_ipv4(text) || config::is_ipv6(text);
}

/// In order: which of several comes first is chance.
asio::awaitable<Result<std::set<std::string>>> addresses_of(std::string name) {
    tcp::resolver resolver(co_await asio::this_coro::executor);
    const auto [error, found] =
        co_await resolver.async_resolve(name, "", asio::as_tuple(asio::use_awaitable));
    if (error) co_return fail(error, name);
    std::set<std::string> addresses;
    for (const auto& entry : found) addresses.insert(entry.endpoint().address().to_string());
    co_return addresses;
}

}  // namespace

asio::awaitable<void> ServerAddresses::look_up(const LbState& state) {
    std::set<std::string> names;
    for (const Pool& pool : state.pools) {
        for (const Server& server : pool.servers) {
            if (!is_ip(server.address) && config::is_host_name(server.address))
                names.insert(server.address);
        }
    }
    std::erase_if(known_, [&](const auto& entry) { return !names.contains(entry.first); });
    for (const std::string& name : names) {
        const auto found = co_await with_timeout(clock_, limit_, addresses_of(name));
        if (!found || found->empty()) continue;
        std::string& address = known_[name];
        if (!found->contains(address)) address = *found->begin();
    }
}

const std::string* address_of(const Server& server,
                              const std::map<std::string, std::string>& known) {
    if (is_ip(server.address)) return &server.address;
    const auto found = known.find(server.address);
    return found == known.end() || !is_ip(found->second) ? nullptr : &found->second;
}

}  // namespace muster::agent
