#pragma once

#include <string_view>

// What texts of a document must look like. Each answers a complaint ("must ..."), or nothing when
// all is well (TextRule of value.hpp).
namespace muster::config::rules {

/// Groups, backends and clusters: they become znode names, metric labels and HAProxy servers.
[[nodiscard]] std::string_view name(std::string_view text);
[[nodiscard]] std::string_view zone(std::string_view text);
/// host:port, as parse_endpoint() reads it.
[[nodiscard]] std::string_view endpoint(std::string_view text);
[[nodiscard]] std::string_view label_key(std::string_view text);
[[nodiscard]] std::string_view label_value(std::string_view text);

[[nodiscard]] std::string_view http_method(std::string_view text);
[[nodiscard]] std::string_view http_path(std::string_view text);
[[nodiscard]] std::string_view http_host(std::string_view text);
[[nodiscard]] std::string_view header_name(std::string_view text);
[[nodiscard]] std::string_view header_value(std::string_view text);
[[nodiscard]] std::string_view body_match(std::string_view text);
[[nodiscard]] std::string_view request_body(std::string_view text);
/// A header's name in a reply: any.
[[nodiscard]] std::string_view field_name(std::string_view text);
/// A regular expression that RE2 takes, and in bounded memory.
[[nodiscard]] std::string_view pattern(std::string_view text);
/// The name that TLS asks for: of a host, or an address.
[[nodiscard]] std::string_view server_name(std::string_view text);
[[nodiscard]] std::string_view alpn_protocol(std::string_view text);
[[nodiscard]] std::string_view grpc_service(std::string_view text);
/// Of a DNS query: a name in ASCII, or the root.
[[nodiscard]] std::string_view dns_name(std::string_view text);
/// That a fleet is published under: lower case, no address, no label that begins with `_muster`, no
/// `any` and no `dns`, which CoreDNS takes for more
/// than labels.
[[nodiscard]] std::string_view published_name(std::string_view text);
[[nodiscard]] std::string_view published_label(std::string_view text);
/// Of a server's account or database.
[[nodiscard]] std::string_view user(std::string_view text);
[[nodiscard]] std::string_view distinguished_name(std::string_view text);
/// Of a TCP script.
[[nodiscard]] std::string_view script_text(std::string_view text);
[[nodiscard]] std::string_view hex_bytes(std::string_view text);
/// RFC 6901.
[[nodiscard]] std::string_view json_pointer(std::string_view text);
[[nodiscard]] std::string_view cookie_name(std::string_view text);

/// Of a fleet's listeners. They become words of an LB's configuration, so none holds what any LB
/// takes for more than itself.
[[nodiscard]] std::string_view bind(std::string_view text);
/// "www.example.org", "*.example.org", "10.0.0.1".
[[nodiscard]] std::string_view route_host(std::string_view text);
[[nodiscard]] std::string_view route_path(std::string_view text);
[[nodiscard]] std::string_view certificate_path(std::string_view text);

/// That a command is given in the place of one of its placeholders.
[[nodiscard]] std::string_view argument(std::string_view text);

[[nodiscard]] std::string_view file_path(std::string_view text);
[[nodiscard]] std::string_view absolute_path(std::string_view text);
/// Of a registered program; may have placeholders such as {host}.
[[nodiscard]] std::string_view program_argument(std::string_view text);

}  // namespace muster::config::rules
