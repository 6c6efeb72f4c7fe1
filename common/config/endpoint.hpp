#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace muster::config {

/// Where something listens, as users write it: "10.0.0.1:80", "[::1]:80", "web-1.example.org:80".
struct Endpoint {
    std::string host;  ///< IPv4, IPv6 without brackets, or a host name; as written
    std::uint16_t port = 0;
    bool operator==(const Endpoint&) const = default;
};

/// Strict: IPv4 as four decimal numbers, IPv6 in brackets and without a zone, host names by RFC
/// 1123, a port from `least_port` up. On failure says what would be right: "must be host:port ...".
[[nodiscard]] tl::expected<Endpoint, std::string_view> parse_endpoint(std::string_view text,
                                                                      int least_port = 1);
[[nodiscard]] std::string to_string(const Endpoint& endpoint);

/// Where to listen: ":80" (host is empty: all addresses of both families), "10.0.0.1:80",
/// "[::1]:80"; no host names, no multicast or broadcast addresses. IPv6 comes out in its shortest
/// form. to_string() gives it back.
[[nodiscard]] tl::expected<Endpoint, std::string_view> parse_bind(std::string_view text);

[[nodiscard]] bool is_ipv4(std::string_view text);
[[nodiscard]] bool is_ipv6(std::string_view text);
[[nodiscard]] bool is_host_name(std::string_view text);
/// Can anything be reached there? Not at 0.0.0.0, ::, or a multicast or broadcast address.
[[nodiscard]] bool is_destination(std::string_view host);
/// 127.0.0.0/8 or ::1.
[[nodiscard]] bool is_loopback(std::string_view ip);

}  // namespace muster::config
