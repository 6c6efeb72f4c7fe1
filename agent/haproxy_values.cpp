#include "agent/haproxy_values.hpp"

#include "agent/haproxy_errc.hpp"
#include "agent/lb_values.hpp"
#include "common/config/endpoint.hpp"

#include <algorithm>
#include <array>

namespace muster::agent {

std::string_view tls_word(std::string_view version) {
    constexpr std::array<std::string_view, 4> words = {"TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
    const auto at = std::ranges::find_if(
        words, [&](std::string_view word) { return word.substr(4) == version; });
    return at == words.end() ? std::string_view() : *at;
}

Result<void> check_values(const LbState& state) {
    return check_state(state, HaproxyErrc::hostile_value);
}

Result<void> check_settings(const HaproxySettings& settings) {
    ValueCheck check("settings: ", HaproxyErrc::hostile_value);
    check.file("program", settings.program);
    check.file("config file", settings.config_file);
    check.file("stats socket", settings.stats_socket);
    check.file("master socket", settings.master_socket);
    check.file("state file", settings.state_file);
    if (!settings.peers_socket.empty()) check.file("peers socket", settings.peers_socket);
    if (!settings.log.empty()) check.file("log", settings.log);
    if (!settings.user.empty()) check.word("user", settings.user);
    if (!settings.group.empty()) check.word("group", settings.group);
    check.must(config::is_ipv4(settings.stats_address) || config::is_ipv6(settings.stats_address),
               "stats address",
               settings.stats_address,
               "must be an IP address");
    check.number("max_connections", settings.max_connections, 0, most_of_anything);
    check.span("hard stop", settings.hard_stop_after);
    check.word("cookie key", settings.cookie_key);
    if (settings.own_checks) {
        check.span("own checks: interval", settings.own_checks->interval);
        check.number("own checks: rise", settings.own_checks->rise, 1, 1000);
        check.number("own checks: fall", settings.own_checks->fall, 1, 1000);
    }
    check.number("sticky clients", static_cast<long>(settings.sticky_clients), 1, most_of_anything);
    check.span("sticky time", settings.sticky_time);
    return check.result();
}

}  // namespace muster::agent
