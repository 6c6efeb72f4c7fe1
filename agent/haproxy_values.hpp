#pragma once

#include "agent/haproxy_settings.hpp"
#include "agent/lb_state.hpp"
#include "common/base/result.hpp"

#include <string_view>

// Nothing reaches a configuration file or a command line of HAProxy that has not passed here. Pure.
namespace muster::agent {

/// HaproxyErrc::hostile_value, as by check_state() of lb_values.hpp.
[[nodiscard]] Result<void> check_values(const LbState& state);
[[nodiscard]] Result<void> check_settings(const HaproxySettings& settings);

/// HAProxy's word for the oldest TLS version: "TLSv1.2"; empty: no such version.
[[nodiscard]] std::string_view tls_word(std::string_view version);

}  // namespace muster::agent
