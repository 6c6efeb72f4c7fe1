#pragma once

#include "common/config/field_writer.hpp"
#include "common/config/probe_model.hpp"
#include "common/config/value.hpp"

#include <optional>
#include <string_view>
#include <vector>

// The probe of a check: its kind under the kind's name (`http: {...}`, at most one of them), and
// what is common to kinds (`tls: {...}`). A kind has a pair of functions here, a line in
// probe_codec.cpp, a place in the schema and a section in docs/probes.md.
namespace muster::config {

/// The fields of a check: those of its probe, and the `others`.
[[nodiscard]] std::vector<std::string_view> with_probe_fields(std::vector<std::string_view> others);
[[nodiscard]] ProbeSpec decode_probe(const Fields& check);
void encode_probe(const ProbeSpec& probe, Verbosity verbosity, FieldWriter& check);

/// The kinds, and what may stand around them.
[[nodiscard]] std::vector<std::string_view> probe_fields();

/// A map of settings, or true for the default ones.
[[nodiscard]] std::optional<TlsSettings> decode_tls(const Value& value);
[[nodiscard]] json::object encode(const TlsSettings& tls, Verbosity verbosity);

[[nodiscard]] HttpCheck decode_http(const Value& value);
[[nodiscard]] json::object encode(const HttpCheck& http, Verbosity verbosity);
[[nodiscard]] TcpCheck decode_tcp(const Value& value);
[[nodiscard]] json::object encode(const TcpCheck& tcp, Verbosity verbosity);
[[nodiscard]] GrpcCheck decode_grpc(const Value& value);
[[nodiscard]] json::object encode(const GrpcCheck& grpc, Verbosity verbosity);
[[nodiscard]] WebSocketCheck decode_websocket(const Value& value);
[[nodiscard]] json::object encode(const WebSocketCheck& websocket, Verbosity verbosity);
[[nodiscard]] UdpCheck decode_udp(const Value& value);
[[nodiscard]] json::object encode(const UdpCheck& udp, Verbosity verbosity);
[[nodiscard]] DnsCheck decode_dns(const Value& value);
[[nodiscard]] json::object encode(const DnsCheck& dns, Verbosity verbosity);
[[nodiscard]] PingCheck decode_ping(const Value& value);
[[nodiscard]] json::object encode(const PingCheck& ping, Verbosity verbosity);
[[nodiscard]] RedisCheck decode_redis(const Value& value);
[[nodiscard]] json::object encode(const RedisCheck& redis, Verbosity verbosity);
[[nodiscard]] PostgresCheck decode_postgres(const Value& value);
[[nodiscard]] json::object encode(const PostgresCheck& postgres, Verbosity verbosity);
[[nodiscard]] MysqlCheck decode_mysql(const Value& value);
[[nodiscard]] json::object encode(const MysqlCheck& mysql, Verbosity verbosity);
[[nodiscard]] SmtpCheck decode_smtp(const Value& value);
[[nodiscard]] json::object encode(const SmtpCheck& smtp, Verbosity verbosity);
[[nodiscard]] LdapCheck decode_ldap(const Value& value);
[[nodiscard]] json::object encode(const LdapCheck& ldap, Verbosity verbosity);
[[nodiscard]] CommandCheck decode_command(const Value& value);
[[nodiscard]] json::object encode(const CommandCheck& command, Verbosity verbosity);
[[nodiscard]] PluginCheck decode_plugin(const Value& value);
[[nodiscard]] json::object encode(const PluginCheck& plugin, Verbosity verbosity);
[[nodiscard]] CompositeCheck decode_composite(const Value& value);
[[nodiscard]] json::object encode(const CompositeCheck& composite, Verbosity verbosity);

}  // namespace muster::config
