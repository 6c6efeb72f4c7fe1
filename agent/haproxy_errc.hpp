#pragma once

#include <system_error>

namespace muster::agent {

enum class HaproxyErrc {
    hostile_value = 1,  ///< can't stand in a configuration or a command
    bad_answer,         ///< its socket said something that we don't know
    command_failed,     ///< it refused a command of ours
    no_process,         ///< nothing answers at its socket
    bad_config,         ///< `haproxy -c` rejects what we rendered
    reload_failed,      ///< no new worker came up
    not_applied,        ///< reading back shows something else than was told
};
const std::error_category& haproxy_category();
inline std::error_code make_error_code(HaproxyErrc code) {
    return {static_cast<int>(code), haproxy_category()};
}

}  // namespace muster::agent

template <>
struct std::is_error_code_enum<muster::agent::HaproxyErrc> : std::true_type {};
