#include "agent/agent_settings.hpp"

#include <array>

namespace muster::agent {

namespace {

using enum config::SettingForm;

constexpr std::array<config::SettingName, 59> names = {{
    {"cluster"},
    {"zookeeper", list},
    {"session_timeout"},
    {"zookeeper_auth_file"},
    {"fleet"},
    {"instance"},
    {"address"},
    {"bind_address"},
    {"listen"},
    {"state_dir"},
    {"haproxy.program"},
    {"haproxy.config_file"},
    {"haproxy.stats_socket"},
    {"haproxy.master_socket"},
    {"haproxy.state_file"},
    {"haproxy.peers_socket"},
    {"haproxy.user"},
    {"haproxy.group"},
    {"haproxy.log"},
    {"haproxy.stats_address"},
    {"haproxy.stats_port", plain},
    {"haproxy.max_connections", plain},
    {"haproxy.hard_stop_after"},
    {"haproxy.cookie_key"},
    {"haproxy.own_checks.interval"},
    {"haproxy.own_checks.rise", plain},
    {"haproxy.own_checks.fall", plain},
    {"haproxy.sticky_time"},
    {"haproxy.answer_timeout"},
    {"haproxy.check_timeout"},
    {"haproxy.reload_timeout"},
    {"haproxy.reload_retry"},
    {"haproxy.file_interval"},
    {"haproxy.removal_timeout"},
    {"nginx.program"},
    {"nginx.config_file"},
    {"nginx.pid_file"},
    {"nginx.error_log"},
    {"nginx.http_file"},
    {"nginx.stream_file"},
    {"nginx.ipv6", plain},
    {"nginx.idle_connections", plain},
    {"nginx.passive_checks.failures", plain},
    {"nginx.passive_checks.timeout"},
    {"nginx.reload_interval"},
    {"nginx.test_timeout"},
    {"nginx.reload_timeout"},
    {"nginx.refused_retry"},
    {"nginx.lookup_timeout"},
    {"nginx.answer_timeout"},
    {"envoy.directory"},
    {"envoy.admin"},
    {"envoy.capacity", plain},
    {"envoy.retry_percent", plain},
    {"envoy.lookup_timeout"},
    {"envoy.answer_timeout"},
    {"log.level"},
    {"log.format"},
    {"log.file"},
}};

}  // namespace

std::span<const config::SettingName> setting_names() {
    return names;
}

std::vector<config::Override> overrides_from_environment(const config::Environment& environment) {
    return config::overrides_from(environment, "MUSTER_AGENT_", names);
}

}  // namespace muster::agent
