#pragma once

#include "common/base/id.hpp"
#include "common/config/fleet_model.hpp"
#include "common/config/model.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What an LB is to do, whatever kind it is: the value between those who find it out (from
// ZooKeeper, or from the file of the last known good) and those who carry it out. Pure.
namespace muster::agent {

enum class ServerState {
    ready,
    drain,        ///< nothing new, but by stickiness
    maintenance,  ///< nothing: by an operator, or because it is DOWN
};

struct Server {
    BackendId id;
    std::string address;  ///< IPv4, IPv6 (without brackets) or a host name
    std::uint16_t port = 0;
    int weight = 100;  ///< effective, 0..1000; 0 only where it isn't ready
    ServerState state = ServerState::ready;
    std::optional<int> max_connections;
    bool operator==(const Server&) const = default;
};

/// A group as an LB serves it.
struct Pool {
    GroupName group;
    config::LbSettings lb;
    std::vector<Server> servers;  ///< sorted by id
    bool operator==(const Pool&) const = default;
};

struct LbState {
    std::vector<config::Listener> listeners;  ///< sorted by name
    std::vector<Pool> pools;                  ///< sorted by group; all that the listeners name
    /// It is about to be removed, and nobody is sent to it any more: clients that still come over
    /// connections of before are to be told to open others, which lead elsewhere.
    bool leaving = false;
    bool operator==(const LbState&) const = default;
};

}  // namespace muster::agent
