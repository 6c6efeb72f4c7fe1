#pragma once

#include "agent/lb_state.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

// What HAProxy says of itself, read by the names of the columns. Whatever doesn't read is
// HaproxyErrc::bad_answer: a socket is no proof of who is behind it. Pure.
namespace muster::agent {

struct ObservedServer {
    int number = 0;
    std::string address;  ///< empty: not known (yet)
    std::string host;     ///< the name that HAProxy looks up; empty: it has none
    std::uint16_t port = 0;
    ServerState state = ServerState::ready;
    int weight = 0;        ///< on HAProxy's scale
    bool stopped = false;  ///< DOWN or stopping, though nobody put it in maintenance
    std::optional<int> max_connections;
    bool operator==(const ObservedServer&) const = default;
};

using ObservedServers = std::map<std::string, ObservedServer, std::less<>>;  ///< by name
/// By backend; one without servers is there, too.
using ObservedBackends = std::map<std::string, ObservedServers, std::less<>>;

/// `show backend`: their names, each still without servers.
[[nodiscard]] Result<ObservedBackends> parse_backends(std::string_view answer);
/// `show servers state`, into the backends that are known already; others' servers are left out.
[[nodiscard]] Result<void> parse_servers(std::string_view answer, ObservedBackends& backends);
/// `show stat -1 4 -1`: what no other command tells, the limits of connections.
[[nodiscard]] Result<void> parse_limits(std::string_view answer, ObservedBackends& backends);

struct HaproxyInfo {
    int pid = 0;
    std::string structure;  ///< RenderedHaproxy::structure; empty: not a configuration of ours
    bool operator==(const HaproxyInfo&) const = default;
};
/// `show info`.
[[nodiscard]] Result<HaproxyInfo> parse_info(std::string_view answer);

/// `show stat -1 1 -1`: the open connections of these frontends, all of which have to be there.
[[nodiscard]] Result<std::int64_t> parse_connections(
    std::string_view answer, const std::set<std::string, std::less<>>& frontends);

/// `show proc` of the master: workers from before a reload. Each is there for as long as it has
/// connections, and shows them to nobody who asks the newest.
[[nodiscard]] Result<int> parse_old_workers(std::string_view answer);

/// `show proc` of the master: how many reloads in a row failed.
[[nodiscard]] std::optional<int> failed_reloads(std::string_view answer);

}  // namespace muster::agent
