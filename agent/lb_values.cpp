#include "agent/lb_values.hpp"

#include "common/config/endpoint.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace muster::agent {
namespace {

using config::Duration;
using config::Listener;
using config::ListenMode;

/// HAProxy keeps times in 31 bits of milliseconds; nobody needs longer ones elsewhere.
constexpr Duration longest = std::chrono::hours(24 * 24);

bool consists_of(std::string_view text, std::string_view also) {
    return std::ranges::all_of(text, [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               also.contains(c);
    });
}

/// For a message: one line, at most 80 bytes of the value.
std::string shown(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 80)) {
        if (c >= ' ' && c < 127) {
            out += c;
        } else {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    return text.size() > 80 ? out + "..." : out;
}

bool is_tls_version(std::string_view text) {
    return std::ranges::find(tls_versions, text) != tls_versions.end();
}

/// Words are made for the one that fails alone: there may be many thousands.
Result<void> check_server(const std::string& of, const Server& server, std::error_code refused) {
    const std::string& id = server.id.str();
    const bool named = config::rules::name(id).empty() || config::parse_endpoint(id).has_value();
    if (!named || id.size() > 300) {
        ValueCheck check(of, refused);
        check.must(false, "server", id, "must have a name or host:port as its id");
        return check.result();
    }
    const bool placed = config::is_ipv4(server.address) || config::is_ipv6(server.address) ||
                        config::is_host_name(server.address);
    const bool in_range = server.port > 0 && server.weight >= 0 && server.weight <= 1000 &&
                          server.max_connections.value_or(1) >= 1;
    if (placed && in_range) return {};
    ValueCheck check(fmt::format("{}server '{}': ", of, id), refused);
    check.must(placed,
               "address",
               server.address,
               "must be an IP address (IPv6 without brackets) or a host name");
    check.number("port", server.port, 1, 65535);
    check.number("weight", server.weight, 0, 1000);
    check.number("max_connections", server.max_connections.value_or(1), 1, most_of_anything);
    return check.result();
}

Result<void> check_lb(const std::string& of,
                      const config::LbSettings& lb,
                      std::error_code refused) {
    ValueCheck check(of, refused);
    const bool known = lb.algorithm >= config::Algorithm::round_robin &&
                       lb.algorithm <= config::Algorithm::random_two_choices;
    check.must(known, "algorithm", fmt::format("{}", static_cast<int>(lb.algorithm)), "is none");
    check.must(lb.sticky_cookie.size() <= 64 && consists_of(lb.sticky_cookie, "._-"),
               "sticky cookie",
               lb.sticky_cookie,
               "must be 1 to 64 of A-Z a-z 0-9 . _ -");
    check.number("retries", lb.retries, 0, 100);
    check.span("connect timeout", lb.connect_timeout);
    check.span("server timeout", lb.server_timeout);
    return check.result();
}

Result<void> check_pool(const Pool& pool, std::error_code refused) {
    ValueCheck check("", refused);
    check.word("group", pool.group.str());
    if (const auto right = check.result(); !right) return right;
    const std::string of = fmt::format("group '{}': ", pool.group.str());
    if (const auto right = check_lb(of, pool.lb, refused); !right) return right;
    std::set<std::string_view> ids;
    for (const Server& server : pool.servers) {
        if (const auto right = check_server(of, server, refused); !right) return right;
        if (ids.insert(server.id.str()).second) continue;
        ValueCheck repeated(of, refused);
        repeated.must(false, "server", server.id.str(), "is there twice");
        return repeated.result();
    }
    return {};
}

void check_route(ValueCheck& check, const config::Route& route) {
    check.word("route to group", route.group.str());
    const std::string_view host = route.host;
    const std::string_view domain = host.starts_with("*.") ? host.substr(2) : host;
    check.must(host.empty() || config::is_host_name(domain) || config::is_ipv4(host),
               "route for host",
               host,
               "must be a host name, or *. and one");
    const std::string_view path = route.path;
    const bool clean =
        path.starts_with('/') && path.size() <= 1024 && consists_of(path, "/-._~%!&()*+,:=@");
    check.must(path.empty() || clean,
               "route for path",
               path,
               "must begin with / and consist of A-Z a-z 0-9 / - . _ ~ % ! & ( ) * + , : = @");
}

Result<void> check_listener(const Listener& listener, std::error_code refused) {
    ValueCheck name("", refused);
    name.word("listener", listener.name);
    if (const auto right = name.result(); !right) return right;
    ValueCheck check(fmt::format("listener '{}': ", listener.name), refused);
    const bool placed = listener.address.empty() || config::is_ipv4(listener.address) ||
                        config::is_ipv6(listener.address);
    check.must(placed,
               "address",
               listener.address,
               "must be an IP address (IPv6 without brackets), or empty");
    check.number("port", listener.port, 1, 65535);
    check.must(listener.mode == ListenMode::http || listener.mode == ListenMode::tcp,
               "mode",
               fmt::format("{}", static_cast<int>(listener.mode)),
               "is none");
    for (const std::string& file : listener.tls.certificates) check.file("certificate", file);
    // Who puts files in their place has not: without them the listener would not speak TLS at all.
    check.must(listener.tls.secrets.empty(), "secret", "", "is not a file");
    check.must(is_tls_version(listener.tls.minimum),
               "oldest TLS version",
               listener.tls.minimum,
               "must be 1.0, 1.1, 1.2 or 1.3");
    for (const config::Route& route : listener.routes) check_route(check, route);
    const bool tcp = listener.mode == ListenMode::tcp;
    check.must(!tcp || listener.routes.empty(), "mode", "tcp", "has no routes");
    check.must(!tcp || !listener.group.empty(), "mode", "tcp", "needs a group");
    if (!listener.group.empty()) check.word("group", listener.group.str());
    check.span("client timeout", listener.client_timeout);
    check.span("tunnel timeout", listener.tunnel_timeout);
    check.number("limit of connections", listener.limits.connections, 0, most_of_anything);
    check.number("limit of connections per client",
                 listener.limits.connections_per_client,
                 0,
                 most_of_anything);
    check.number(
        "limit of requests per client", listener.limits.requests_per_client, 0, most_of_anything);
    check.span("period", listener.limits.period);
    return check.result();
}

}  // namespace

void ValueCheck::must(bool right,
                      std::string_view field,
                      std::string_view value,
                      std::string_view rule) {
    if (right || complaint_) return;
    complaint_ = Error{.code = refused_,
                       .context = fmt::format("{}{} '{}' {}", of_, field, shown(value), rule)};
}

void ValueCheck::word(std::string_view field, std::string_view value) {
    must(config::rules::name(value).empty(), field, value, config::rules::name(value));
}

void ValueCheck::number(std::string_view field, long value, long least, long most) {
    if (value >= least && value <= most) return;
    must(false, field, std::to_string(value), fmt::format("must be {} to {}", least, most));
}

void ValueCheck::span(std::string_view field, Duration value) {
    constexpr Duration least = std::chrono::milliseconds(1);
    if (value >= least && value <= longest) return;
    must(false, field, fmt::format("{} ns", value.count()), "must be 1 ms to 24 days");
}

void ValueCheck::file(std::string_view field, std::string_view value) {
    must(value.starts_with('/') && value.size() <= 1024 && consists_of(value, "/._@+=-"),
         field,
         value,
         "must be an absolute path of A-Z a-z 0-9 / . _ @ + = - alone");
}

Result<void> ValueCheck::result() const {
    if (complaint_) return tl::unexpected(*complaint_);
    return {};
}

Result<void> check_state(const LbState& state, std::error_code refused) {
    std::set<std::string_view> names;
    std::set<std::pair<std::string_view, std::uint16_t>> places;
    for (const Listener& listener : state.listeners) {
        if (const auto right = check_listener(listener, refused); !right) return right;
        ValueCheck once("", refused);
        once.must(names.insert(listener.name).second, "listener", listener.name, "is there twice");
        once.must(places.emplace(listener.address, listener.port).second,
                  fmt::format("listener '{}': port", listener.name),
                  std::to_string(listener.port),
                  "is another listener's already");
        if (const auto right = once.result(); !right) return right;
    }
    std::set<std::string_view> groups;
    for (const Pool& pool : state.pools) {
        if (const auto right = check_pool(pool, refused); !right) return right;
        ValueCheck once("", refused);
        once.must(
            groups.insert(pool.group.str()).second, "group", pool.group.str(), "is there twice");
        if (const auto right = once.result(); !right) return right;
    }
    return {};
}

}  // namespace muster::agent
