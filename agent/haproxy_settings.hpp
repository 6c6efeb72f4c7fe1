#pragma once

#include "common/config/probe_model.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace muster::agent {

/// HAProxy's own checks, as a second opinion beside muster's: it connects, no more.
struct OwnChecks {
    config::Duration interval = std::chrono::seconds(10);
    int rise = 2;
    int fall = 3;
    bool operator==(const OwnChecks&) const = default;
};

/// Where one HAProxy's files are, and what is the same for all that it serves. It is started by
/// others, as `haproxy -W -S <master_socket> -f <config_file>`. Paths are absolute.
struct HaproxySettings {
    std::string program = "/usr/sbin/haproxy";
    std::string config_file = "/etc/haproxy/haproxy.cfg";
    std::string stats_socket = "/run/haproxy/admin.sock";
    std::string master_socket = "/run/haproxy/master.sock";
    std::string state_file = "/var/lib/haproxy/state";
    std::string peers_socket;  ///< hands stick-tables over at a reload; empty: they are lost
    std::string user;          ///< it changes to, when started by root; empty: stays
    std::string group;
    std::string log;  ///< a syslog socket, "/dev/log"; empty: none

    std::string stats_address = "127.0.0.1";
    std::uint16_t stats_port = 0;  ///< /metrics for Prometheus and /stats for people; 0: none

    int max_connections = 0;  ///< 0: what its limit of descriptors allows
    config::Duration hard_stop_after = std::chrono::minutes(30);  ///< of an old worker
    std::string cookie_key = "muster";  ///< equal in all LBs of a fleet, or stickiness ends at one
    std::optional<OwnChecks> own_checks;
    std::size_t sticky_clients = 100'000;  ///< remembered by a pool, or counted by a listener
    config::Duration sticky_time = std::chrono::minutes(30);

    config::Duration answer_timeout = std::chrono::seconds(5);   ///< of one exchange
    config::Duration check_timeout = std::chrono::seconds(30);   ///< of `haproxy -c`
    config::Duration reload_timeout = std::chrono::seconds(10);  ///< until a new worker answers
    config::Duration reload_retry = std::chrono::seconds(30);    ///< of what was refused
    /// The file follows changes at run time at once, and then at most this often.
    config::Duration file_interval = std::chrono::seconds(2);
    /// How long a removed server may keep its connections.
    config::Duration removal_timeout = std::chrono::minutes(5);

    bool operator==(const HaproxySettings&) const = default;
};

}  // namespace muster::agent
