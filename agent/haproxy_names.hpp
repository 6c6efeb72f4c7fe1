#pragma once

#include "agent/lb_hash.hpp"
#include "agent/lb_state.hpp"
#include "agent/lb_uses.hpp"

#include <string>
#include <string_view>
#include <vector>

// What our things are called in HAProxy, whose names consist of A-Z a-z 0-9 . : _ - alone. Pure.
namespace muster::agent {

/// Any other byte becomes _ and two capital hexadecimal digits, "[::1]:80" is _5B::1_5D:80. So does
/// a _ at the beginning, and one that would read as such: different names stay different, and none
/// begins with _ and a small letter (those are ours: _404, _stats, _leaving).
[[nodiscard]] std::string haproxy_name(std::string_view name);

/// A backend that nobody is sent to, and its one server: while that is ready, responses tell
/// clients to open another connection (LbState::leaving). What else can be switched at run time, by
/// commands that are not experimental, is no part of the configuration.
inline constexpr std::string_view leaving_backend = "_leaving";
inline constexpr std::string_view leaving_server = "clients";

[[nodiscard]] std::string server_name(const BackendId& id);
[[nodiscard]] std::string frontend_name(const config::Listener& listener);
/// "web:http": a pool has one backend for each mode in which listeners use it.
[[nodiscard]] std::string backend_name(const GroupName& group, config::ListenMode mode);

/// 0..1000 on HAProxy's 0..256. A positive weight stays positive.
[[nodiscard]] int haproxy_weight(int weight);

/// Numbers for the servers of a pool, in their order: 1 to 2^20 - 1, from the hash of the id, so
/// that consistent hashes (which see the number, and of it these bits alone) put a server at the
/// same place in every LB, whenever it was added. Ids that meet take the next free number.
[[nodiscard]] std::vector<int> server_numbers(const std::vector<Server>& servers);
[[nodiscard]] int next_number(int number);

}  // namespace muster::agent
