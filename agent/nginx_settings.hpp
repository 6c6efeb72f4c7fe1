#pragma once

#include "common/config/probe_model.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace muster::agent {

/// nginx's own, passive checks: a server that failed so often within `timeout` gets nothing for as
/// long.
struct PassiveChecks {
    int failures = 3;
    config::Duration timeout = std::chrono::seconds(10);
    bool operator==(const PassiveChecks&) const = default;
};

/// Where one nginx's files are. It is started by others; its configuration includes http_file in
/// `http {}` and stream_file beside it, in `stream {}`. Paths are absolute.
struct NginxSettings {
    std::string program = "/usr/sbin/nginx";
    std::string config_file = "/etc/nginx/nginx.conf";  ///< of the operator: what `nginx -t` tests
    std::string pid_file = "/run/nginx.pid";
    std::string error_log;  ///< of `nginx -t`; empty: nginx's own
    std::string http_file = "/etc/nginx/muster/http.conf";
    std::string stream_file = "/etc/nginx/muster/stream.conf";  ///< empty: it has no `stream {}`

    bool ipv6 = true;          ///< a listener without an address listens on IPv6 as well
    int idle_connections = 0;  ///< kept to a pool's servers by each worker; 0: a new one each time
    std::optional<PassiveChecks> passive_checks;

    config::Duration reload_interval = std::chrono::seconds(2);  ///< from one to the next, at least
    config::Duration test_timeout = std::chrono::seconds(30);    ///< of `nginx -t`
    config::Duration reload_timeout = std::chrono::seconds(10);  ///< until new workers have it
    config::Duration refused_retry = std::chrono::seconds(30);   ///< of what was refused
    config::Duration lookup_timeout = std::chrono::seconds(5);   ///< of a server's host name
    config::Duration answer_timeout = std::chrono::seconds(5);   ///< of a listener, in check()

    bool operator==(const NginxSettings&) const = default;
};

}  // namespace muster::agent
