#include "agent/nginx_words.hpp"

#include "agent/lb_values.hpp"
#include "agent/nginx_errc.hpp"
#include "common/config/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster::agent {
namespace {

bool is_capital(char c) {
    return c >= 'A' && c <= 'Z';
}

char small(char c) {
    return is_capital(c) ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || is_capital(c) || (c >= '0' && c <= '9') || c == '/' ||
           c == '-' || c == '_' || c == '~';
}

int hex_digit(char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    const std::size_t at = digits.find(small(c));
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

/// The byte that begins at `at`; moves on behind it.
char decoded(std::string_view path, std::size_t& at) {
    const char first = path[at++];
    if (first != '%' || at + 1 >= path.size()) return first;
    const int high = hex_digit(path[at]);
    const int low = hex_digit(path[at + 1]);
    if (high < 0 || low < 0) return first;
    at += 2;
    return static_cast<char>(high * 16 + low);
}

}  // namespace

Result<void> check_for_nginx(const LbState& state, const NginxSettings& settings) {
    ValueCheck check("settings: ", NginxErrc::hostile_value);
    check.file("program", settings.program);
    check.file("config file", settings.config_file);
    check.file("pid file", settings.pid_file);
    if (!settings.error_log.empty()) check.file("error log", settings.error_log);
    check.file("http file", settings.http_file);
    if (!settings.stream_file.empty()) check.file("stream file", settings.stream_file);
    check.must(settings.stream_file != settings.http_file,
               "stream file",
               settings.stream_file,
               "is the http file");
    check.number("idle connections", settings.idle_connections, 0, 1'000'000);
    if (settings.passive_checks) {
        check.number("passive checks: failures", settings.passive_checks->failures, 1, 1000);
        check.span("passive checks: timeout", settings.passive_checks->timeout);
    }
    if (const auto right = check.result(); !right) return right;
    return check_state(state, NginxErrc::hostile_value);
}

std::string nginx_name(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (is_capital(c) || c == '_') out += '_';
        out += small(c);
    }
    return out;
}

std::string upstream_name(const Use& use) {
    const auto& [group, mode] = use;
    return fmt::format(
        "muster_{}_{}", mode == config::ListenMode::http ? "http" : "tcp", nginx_name(group.str()));
}

std::string path_pattern(std::string_view path) {
    std::string pattern = "^";
    for (std::size_t at = 0; at < path.size();) {
        const char c = decoded(path, at);
        if (is_plain(c)) {
            pattern += c;
        } else {
            fmt::format_to(std::back_inserter(pattern), "\\x{:02X}", static_cast<unsigned char>(c));
        }
    }
    return pattern;
}

std::string server_name_of(std::string_view host) {
    std::string name(host);
    std::ranges::transform(name, name.begin(), small);
    return name;
}

std::string nginx_time(config::Duration span) {
    return fmt::format("{}ms", std::chrono::ceil<std::chrono::milliseconds>(span).count());
}

std::string nginx_place(std::string_view address, std::uint16_t port) {
    return config::is_ipv6(address) ? fmt::format("[{}]:{}", address, port)
                                    : fmt::format("{}:{}", address, port);
}

long rate_per_minute(int count, config::Duration period) {
    constexpr double most = 60e6;  // beyond it nginx's own arithmetic ends
    const double minutes = std::chrono::duration<double, std::ratio<60>>(period).count();
    return static_cast<long>(std::clamp(count / minutes + 0.5, 1.0, most));
}

}  // namespace muster::agent
