#pragma once

#include "common/config/probe_model.hpp"

#include <chrono>
#include <string>

namespace muster::agent {

/// Where one Envoy's files are. It is started by others; its bootstrap names
/// <directory>/clusters.json as `dynamic_resources.cds_config.path_config_source.path`.
struct EnvoySettings {
    std::string directory = "/etc/envoy/muster";  ///< absolute; made when it isn't there
    std::string admin;       ///< its admin listener, "127.0.0.1:9901"; empty: it is not asked
    int capacity = 100'000;  ///< of a cluster: connections and requests at a time, each
    int retry_percent = 20;  ///< of a cluster's requests that may be retries, at a time
    config::Duration lookup_timeout = std::chrono::seconds(5);  ///< of a server's host name
    config::Duration answer_timeout = std::chrono::seconds(5);  ///< of each question in check()

    bool operator==(const EnvoySettings&) const = default;
};

}  // namespace muster::agent
