#pragma once

#include "agent/lb_uses.hpp"
#include "agent/nginx_settings.hpp"
#include "common/base/result.hpp"

#include <string>
#include <string_view>

// Our values as words of nginx's configuration. Pure.
namespace muster::agent {

/// Nothing reaches a file of nginx that has not passed here: NginxErrc::hostile_value, with the
/// words of check_state() of lb_values.hpp.
[[nodiscard]] Result<void> check_for_nginx(const LbState& state, const NginxSettings& settings);

/// nginx takes the names of upstreams without regard to case, ours differ by it: a capital letter
/// becomes _ and the small one, and a _ becomes two.
[[nodiscard]] std::string nginx_name(std::string_view name);
/// "muster_http_web".
[[nodiscard]] std::string upstream_name(const Use& use);

/// A regular expression for what begins with this path. nginx compares the decoded path, so this
/// is one, too: "/a%20b." is "^/a\x20b\x2E".
[[nodiscard]] std::string path_pattern(std::string_view path);

/// A host name as nginx compares them, in small letters.
[[nodiscard]] std::string server_name_of(std::string_view host);

[[nodiscard]] std::string nginx_time(config::Duration span);  ///< "1500ms"
[[nodiscard]] std::string nginx_place(std::string_view address, std::uint16_t port);

/// Requests (or 1) each minute, for `limit_req_zone`: the nearest to `count` within `period`.
[[nodiscard]] long rate_per_minute(int count, config::Duration period);

}  // namespace muster::agent
