#pragma once

#include "common/config/probe_model.hpp"

#include <algorithm>
#include <string_view>

// What a check wants of TLS.
namespace muster::checker {

/// On the way, when the dialogue asks for it; else, if at all, from the beginning.
[[nodiscard]] inline bool starts_tls_itself(const config::ProbeKind& kind) {
    const auto* const smtp = std::get_if<config::SmtpCheck>(&kind);
    const auto* const ldap = std::get_if<config::LdapCheck>(&kind);
    const auto* const tcp = std::get_if<config::TcpCheck>(&kind);
    const bool always = std::holds_alternative<config::PostgresCheck>(kind) ||
                        std::holds_alternative<config::MysqlCheck>(kind);
    return always || (smtp != nullptr && smtp->start_tls) || (ldap != nullptr && ldap->start_tls) ||
           (tcp != nullptr && config::starts_tls(*tcp));
}

/// Whether a probe makes handshakes, be it in a part.
[[nodiscard]] inline bool makes_handshakes(const config::ProbeSpec& probe) {
    const auto* const all = std::get_if<config::CompositeCheck>(&probe.kind);
    return probe.tls.has_value() ||
           (all != nullptr &&
            std::ranges::any_of(all->parts, [](const config::CompositePart& part) {
                return part.probe.tls.has_value();
            }));
}

/// The protocol that the kind itself needs; empty = none.
[[nodiscard]] inline std::string_view alpn_of(const config::ProbeKind& kind) {
    const auto* const http = std::get_if<config::HttpCheck>(&kind);
    const bool h2 = std::holds_alternative<config::GrpcCheck>(kind) ||
                    (http != nullptr && http->version == config::HttpVersion::http2);
    return h2 ? "h2" : "";
}

[[nodiscard]] inline const config::TlsSettings& tls_settings_of(const config::ProbeSpec& probe) {
    static const config::TlsSettings standard;
    return probe.tls ? *probe.tls : standard;
}

}  // namespace muster::checker
