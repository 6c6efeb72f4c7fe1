#include "common/config/endpoint.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace muster::config {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter_or_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// inet_pton takes no leading zeros, no missing parts, no zones: the strict form that we want.
template <class Address>
std::optional<Address> parse_ip(int family, std::string_view text) {
    Address address{};
    // inet_pton() would read up to a NUL and say nothing of what comes after it.
    if (text.size() >= INET6_ADDRSTRLEN || text.contains('\0')) return std::nullopt;
    if (inet_pton(family, std::string(text).c_str(), &address) != 1) return std::nullopt;
    return address;
}

std::optional<std::uint16_t> parse_port(std::string_view text, int least) {
    int port = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    const bool whole = error == std::errc{} && rest == text.data() + text.size();
    const bool leading_zero = text.size() > 1 && text[0] == '0';
    if (!whole || leading_zero || text[0] == '-' || port < least || port > 65535)
        return std::nullopt;
    return static_cast<std::uint16_t>(port);
}

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

/// "10.0.0", "10.0.0.300": whoever wrote that meant an address, so it is no host name.
bool looks_like_ipv4(std::string_view text) {
    const std::string_view last = text.substr(text.rfind('.') + 1);
    return !last.empty() && std::ranges::all_of(last, is_digit);
}

tl::unexpected<std::string_view> wrong(std::string_view right) {
    return tl::unexpected<std::string_view>(right);
}

}  // namespace

bool is_ipv4(std::string_view text) {
    return parse_ip<in_addr>(AF_INET, text).has_value();
}

bool is_ipv6(std::string_view text) {
    return parse_ip<in6_addr>(AF_INET6, text).has_value();
}

bool is_host_name(std::string_view text) {
    if (text.empty() || text.size() > 253 || looks_like_ipv4(text)) return false;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t end = std::min(text.find('.', start), text.size());
        if (!is_label(text.substr(start, end - start))) return false;
        start = end + 1;
    }
    return text.back() != '.';
}

bool is_destination(std::string_view host) {
    if (const auto v4 = parse_ip<in_addr>(AF_INET, host)) {
        const std::uint32_t address = ntohl(v4->s_addr);
        return address != 0 && address >> 28U != 0xe && address != 0xffffffff;
    }
    if (const auto v6 = parse_ip<in6_addr>(AF_INET6, host)) {
        const auto& bytes = v6->s6_addr;
        return bytes[0] != 0xff && std::ranges::any_of(bytes, [](auto byte) { return byte != 0; });
    }
    return true;
}

bool is_loopback(std::string_view ip) {
    if (const auto v4 = parse_ip<in_addr>(AF_INET, ip)) return ntohl(v4->s_addr) >> 24U == 127;
    if (const auto v6 = parse_ip<in6_addr>(AF_INET6, ip)) {
        const auto& bytes = v6->s6_addr;
        return bytes[15] == 1 &&
               std::all_of(bytes, bytes + 15, [](auto byte) { return byte == 0; });
    }
    return false;
}

tl::expected<Endpoint, std::string_view> parse_endpoint(std::string_view text, int least_port) {
    std::string_view host;
    std::string_view port;
    if (text.contains('/')) return wrong("must be host:port alone, without a scheme or a path");
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos || !text.substr(end + 1).starts_with(':'))
            return wrong("must be [IPv6]:port, such as [::1]:80");
        host = text.substr(1, end - 1);
        port = text.substr(end + 2);
        if (host.contains('%'))
            return wrong("must be an IPv6 address without a zone (%): it has no meaning on others");
        if (!is_ipv6(host)) return wrong("must have an IPv6 address in its brackets");
    } else {
        const std::size_t colon = text.rfind(':');
        if (colon == std::string_view::npos)
            return wrong("must be host:port, such as 10.0.0.1:80; the port is missing");
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (host.contains(':'))
            return wrong("must have its IPv6 address in brackets, such as [::1]:80");
        if (!is_ipv4(host) && looks_like_ipv4(host))
            return wrong("must have four numbers from 0 to 255, without leading zeros, as IPv4");
        if (!is_ipv4(host) && !is_host_name(host))
            return wrong("must have a host name (letters, digits, - and .) or an IP address");
    }
    const std::optional<std::uint16_t> number = parse_port(port, least_port);
    if (!number) return wrong("must have a port from 1 to 65535 after the last colon");
    return Endpoint{.host = std::string(host), .port = *number};
}

tl::expected<Endpoint, std::string_view> parse_bind(std::string_view text) {
    if (text.starts_with(':')) {
        const std::optional<std::uint16_t> port = parse_port(text.substr(1), 1);
        if (!port) return wrong("must have a port from 1 to 65535 after the colon");
        return Endpoint{.port = *port};
    }
    auto parsed = parse_endpoint(text);
    if (!parsed) return parsed;
    if (const auto v6 = parse_ip<in6_addr>(AF_INET6, parsed->host)) {
        std::array<char, INET6_ADDRSTRLEN> shortest{};
        parsed->host = inet_ntop(AF_INET6, &*v6, shortest.data(), shortest.size());
    } else if (!is_ipv4(parsed->host)) {
        return wrong("must be :port, IPv4:port or [IPv6]:port; names are not looked up");
    }
    const bool is_any = parsed->host == "0.0.0.0" || parsed->host == "::";
    if (!is_any && !is_destination(parsed->host))
        return wrong("must be :port, or an address that an instance can have");
    return parsed;
}

std::string to_string(const Endpoint& endpoint) {
    const bool brackets = endpoint.host.contains(':');
    return fmt::format(
        "{}{}{}:{}", brackets ? "[" : "", endpoint.host, brackets ? "]" : "", endpoint.port);
}

}  // namespace muster::config
