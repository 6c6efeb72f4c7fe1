#pragma once

#include "common/base/id.hpp"
#include "common/config/model.hpp"
#include "common/config/scaling_model.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

// A fleet of load balancers as users define it: one set of listeners that every instance of it
// serves. Reading and validation are in decode.hpp, what a field means for people is in
// docs/configuration.md.
namespace muster::config {

enum class ListenMode { http, tcp };

/// A listener speaks TLS when it has certificates, of either kind.
struct ListenerTls {
    std::vector<std::string>
        certificates;                  ///< PEM files on the LB's host, each a chain and its key
    std::vector<std::string> secrets;  ///< names that each LB's agent has a place on disk for
    std::string minimum = "1.2";       ///< version
    [[nodiscard]] bool on() const { return !certificates.empty() || !secrets.empty(); }
    bool operator==(const ListenerTls&) const = default;
};

/// In http mode: which requests go to which group. The first that matches decides.
struct Route {
    std::string host;  ///< "www.example.org", "*.example.org"; empty: any
    std::string path;  ///< the beginning of the path, "/api/"; empty: any
    GroupName group;
    bool operator==(const Route&) const = default;
};

/// Against floods; nothing (0) = no limit.
struct ClientLimits {
    int connections = 0;             ///< of the listener, all clients together
    int connections_per_client = 0;  ///< at a time
    int requests_per_client = 0;     ///< within `period`; in tcp mode: connections
    Duration period = 10s;
    bool operator==(const ClientLimits&) const = default;
};

struct Listener {
    std::string name;     ///< unique within the fleet
    std::string address;  ///< to bind to: IPv4 or IPv6; empty: all of both
    std::uint16_t port = 0;
    ListenMode mode = ListenMode::http;
    ListenerTls tls;
    std::vector<Route> routes;
    GroupName group;  ///< where no route matches; empty in http mode: 404
    Duration client_timeout = 30s;
    Duration tunnel_timeout = 1h;  ///< of WebSockets and in tcp mode, both ways
    ClientLimits limits;
    bool operator==(const Listener&) const = default;
};

/// An LB that is listed, beside those whose agents register themselves.
struct FleetInstance {
    InstanceId id;
    std::string address;  ///< host part: IPv4, IPv6 (without brackets) or a host name
    std::uint16_t port = 0;
    int weight = 100;
    std::string zone;
    Admin admin = Admin::active;
    bool operator==(const FleetInstance&) const = default;
};

/// How the instances are probed.
struct InstanceHealth {
    Duration interval = 2s;
    Duration timeout = 2s;  ///< of one probe; <= interval
    int rise = 2;
    int fall = 3;
    bool requests = true;                     ///< through the http listeners to each group
    std::optional<std::uint16_t> agent_port;  ///< of the agents' /healthz; nothing: not asked
    Duration forget_after = 1h;  ///< unregistered and DOWN for so long: not an instance any more
    bool operator==(const InstanceHealth&) const = default;
};

enum class DnsType { a, aaaa, srv };

/// A name that answers with the fleet's healthy instances. Several entries, of several fleets, too,
/// may have one name: those of the lowest priority that has a healthy instance are answered.
struct DnsEntry {
    std::string name;  ///< "api.example.org"
    std::set<DnsType> types{DnsType::a, DnsType::aaaa};
    std::uint16_t port = 0;  ///< of SRV; 0: that of the instance's address
    Duration ttl = 30s;      ///< whole seconds
    int priority = 10;       ///< the lowest first
    int weight = 100;        ///< of SRV, times that of the instance
    std::string location;    ///< the view that it is for; empty: all
    bool operator==(const DnsEntry&) const = default;
};

struct FleetSpec {
    FleetName name;
    std::vector<Listener> listeners;       ///< sorted by name
    std::vector<FleetInstance> instances;  ///< sorted by id
    InstanceHealth health;
    std::vector<DnsEntry> dns;  ///< sorted by name and location
    std::optional<ScalingSpec> scaling;
    std::optional<FleetProvider> provider;  ///< beside it no instances are listed
    bool operator==(const FleetSpec&) const = default;
};

/// Where the listeners lead: each group with the names of the listeners that lead there.
[[nodiscard]] std::map<GroupName, std::set<std::string>> groups_of(const FleetSpec& fleet);

}  // namespace muster::config
