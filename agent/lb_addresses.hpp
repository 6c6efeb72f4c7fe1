#pragma once

#include "agent/lb_state.hpp"
#include "common/base/clock.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <map>
#include <string>

namespace muster::agent {

/// The IP addresses of servers that have a host name, for LBs that can't look names up, or not
/// well. Executor: the awaiting coroutine's; one call at a time.
class ServerAddresses {
 public:
    /// `limit`: of one name. The clock outlives it.
    ServerAddresses(Clock& clock, std::chrono::nanoseconds limit) : clock_(clock), limit_(limit) {}

    /// Asks for every name, one after the other. A name keeps its address as long as that is among
    /// the answers, and also when there is none: a name server that is silent is no reason to stop
    /// using a server.
    [[nodiscard]] asio::awaitable<void> look_up(const LbState& state);

    /// By name; without those that never had an answer.
    [[nodiscard]] const std::map<std::string, std::string>& known() const { return known_; }

 private:
    Clock& clock_;
    std::chrono::nanoseconds limit_;
    std::map<std::string, std::string> known_;
};

/// IPv4 or IPv6: the server's own, or that of its name among `known`; nothing: it has none.
[[nodiscard]] const std::string* address_of(const Server& server,
                                            const std::map<std::string, std::string>& known);

}  // namespace muster::agent
