#pragma once

#include "agent/certificate_settings.hpp"
#include "agent/envoy_settings.hpp"
#include "agent/haproxy_settings.hpp"
#include "agent/nginx_settings.hpp"
#include "common/base/id.hpp"
#include "common/config/decode.hpp"
#include "common/config/settings_overrides.hpp"
#include "common/observe/log.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace muster::agent {

/// How one agent runs: a file read at its start, each field also from the environment.
struct AgentSettings {
    std::string cluster = "main";        ///< /muster/<cluster> in ZooKeeper
    std::vector<std::string> zookeeper;  ///< host:port
    config::Duration session_timeout = std::chrono::seconds(10);
    std::string zookeeper_auth_file;  ///< holds user:password, mode 0600; empty = no digest auth
    FleetName fleet;
    InstanceId instance;       ///< unique in the fleet, stable over restarts
    std::string bind_address;  ///< IP, of listeners that have none of their own; empty: all
    std::string address;       ///< at which clients reach the LB; for people and DNS
    std::string listen = "127.0.0.1:9710";  ///< /healthz, /metrics, /state: ip:port, 0 = any free
    std::string state_dir = "/var/lib/muster-agent";
    CertificateSettings tls;
    std::variant<HaproxySettings, NginxSettings, EnvoySettings> lb;
    log::Settings log;
};

struct DecodedAgentSettings {
    AgentSettings settings;  ///< only to be used when there are no problems
    std::vector<config::Problem> problems;
};

/// "haproxy", "nginx", "envoy".
[[nodiscard]] std::string_view lb_kind(const AgentSettings& settings);

/// Where Prometheus finds "/metrics" of the "agent", which listens on `port`, and of the "lb" where
/// it has one. Of what listens on all addresses: the host of `address`; where there is none, it is
/// left out.
[[nodiscard]] std::map<std::string, std::string> exporters_of(const AgentSettings& settings,
                                                              std::uint16_t port);

/// The fields that the environment can set; log.level is MUSTER_AGENT_LOG_LEVEL.
[[nodiscard]] std::span<const config::SettingName> setting_names();
[[nodiscard]] std::vector<config::Override> overrides_from_environment(
    const config::Environment& environment);

/// Reads one YAML or JSON map of these fields, as strictly as all that users write. `zookeeper`,
/// `fleet`, `instance` and one of `haproxy`, `nginx` and `envoy` have no default. Pure.
[[nodiscard]] DecodedAgentSettings decode_agent_settings(
    std::string_view text, const std::vector<config::Override>& overrides = {});

}  // namespace muster::agent
