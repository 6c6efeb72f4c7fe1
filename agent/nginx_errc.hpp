#pragma once

#include <system_error>

namespace muster::agent {

enum class NginxErrc {
    hostile_value = 1,  ///< can't stand in a configuration
    no_process,         ///< the pid file names no master process of nginx
    bad_config,         ///< `nginx -t` rejects it
    reload_failed,      ///< the master kept its old workers
};
const std::error_category& nginx_category();
inline std::error_code make_error_code(NginxErrc code) {
    return {static_cast<int>(code), nginx_category()};
}

}  // namespace muster::agent

template <>
struct std::is_error_code_enum<muster::agent::NginxErrc> : std::true_type {};
