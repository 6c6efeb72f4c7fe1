#include "common/config/enum_words.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/hex.hpp"
#include "common/config/match_codec.hpp"
#include "common/config/probe_codec.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace muster::config {

namespace {

constexpr std::array<std::string_view, 9> record_types = {
    "A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"};
constexpr std::array<std::string_view, 6> response_codes = {
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMPL", "REFUSED"};
constexpr std::array<std::string_view, 2> redis_roles = {"master", "replica"};

/// One of a list of words, kept as it is written.
template <std::size_t n>
std::optional<std::string> read_word(const Value& value,
                                     const std::array<std::string_view, n>& words) {
    const Node& node = value.node();
    if (node.is_scalar() && std::ranges::find(words, node.text) != words.end()) return node.text;
    value.refuse_type(fmt::format("one of {}", fmt::join(words, ", ")));
    return std::nullopt;
}

template <std::size_t n>
void read_word(const Fields& fields,
               std::string_view name,
               std::string& into,
               const std::array<std::string_view, n>& words) {
    if (const auto value = fields.find(name)) into = read_word(*value, words).value_or(into);
}

void read_rcodes(const Fields& fields, std::vector<std::string>& into) {
    const auto value = fields.find("rcodes");
    if (!value) return;
    if (value->node().kind == Node::Kind::list && value->node().items.empty())
        value->refuse("is an empty list; must have at least one code, such as NOERROR");
    std::vector<std::string> codes;
    for (const Value& element : elements_of(*value, response_codes.size())) {
        if (auto code = read_word(element, response_codes)) codes.push_back(std::move(*code));
    }
    if (!codes.empty()) into = std::move(codes);
}

}  // namespace

GrpcCheck decode_grpc(const Value& value) {
    GrpcCheck grpc;
    const Fields fields(value, {"service", "authority"});
    read_text(fields, "service", grpc.service, rules::grpc_service);
    read_text(fields, "authority", grpc.authority, rules::http_host);
    return grpc;
}

json::object encode(const GrpcCheck& grpc, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    writer.optional("service", grpc.service);
    writer.optional("authority", grpc.authority);
    return writer.take();
}

WebSocketCheck decode_websocket(const Value& value) {
    WebSocketCheck websocket;
    const Fields fields(value, {"path", "host", "headers", "subprotocol"});
    read_text(fields, "path", websocket.path, rules::http_path);
    read_text(fields, "host", websocket.host, rules::http_host);
    websocket.headers = read_request_headers(fields);
    read_text(fields, "subprotocol", websocket.subprotocol, rules::field_name);
    return websocket;
}

json::object encode(const WebSocketCheck& websocket, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    writer.field("path", websocket.path, WebSocketCheck().path);
    writer.optional("host", websocket.host);
    writer.map("headers", encode_request_headers(websocket.headers));
    writer.optional("subprotocol", websocket.subprotocol);
    return writer.take();
}

UdpCheck decode_udp(const Value& value) {
    UdpCheck udp;
    const Fields fields(value, {"send", "send_hex", "expect"});
    const auto text = fields.find("send");
    const auto hex = fields.find("send_hex");
    if (text && hex) hex->refuse("stands beside send; write one of them");
    if (text) {
        udp.send = read_text(*text, rules::script_text).value_or("");
    } else if (hex) {
        if (const auto digits = read_text(*hex, rules::hex_bytes)) udp.send = bytes_of(*digits);
    } else {
        (void)fields.require("send", "what to send, as text, or send_hex");
    }
    if (const auto expect = fields.find("expect")) {
        std::vector<TextMatch> matches = decode_texts(*expect);
        if (matches.size() > 1) {
            expect->refuse("is a list; one datagram has one match");
        } else if (!matches.empty()) {
            udp.expect = std::move(matches.front());
        }
    }
    return udp;
}

json::object encode(const UdpCheck& udp, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    if (is_readable(udp.send)) {
        writer.put("send", json::string(udp.send));
    } else {
        writer.put("send_hex", json::string(hex_of(udp.send)));
    }
    if (udp.expect) writer.put("expect", encode_texts({*udp.expect}));
    return writer.take();
}

DnsCheck decode_dns(const Value& value) {
    DnsCheck dns;
    const Fields fields(value, {"name", "type", "rcodes", "answers", "tcp", "recursion"});
    read_text(fields, "name", dns.name, rules::dns_name);
    read_word(fields, "type", dns.type, record_types);
    read_rcodes(fields, dns.rcodes);
    if (const auto answers = fields.find("answers")) dns.answers = decode_texts(*answers);
    read_bool(fields, "tcp", dns.tcp);
    read_bool(fields, "recursion", dns.recursion);
    return dns;
}

json::object encode(const DnsCheck& dns, Verbosity verbosity) {
    const DnsCheck standard;
    FieldWriter writer(verbosity);
    writer.field("name", dns.name, standard.name);
    writer.field("type", dns.type, standard.type);
    json::array codes;
    for (const std::string& code : dns.rcodes) codes.emplace_back(code);
    if (verbosity == Verbosity::full || dns.rcodes != standard.rcodes)
        writer.put("rcodes", std::move(codes));
    if (!dns.answers.empty()) writer.put("answers", encode_texts(dns.answers));
    writer.field("tcp", dns.tcp, standard.tcp);
    writer.field("recursion", dns.recursion, standard.recursion);
    return writer.take();
}

PingCheck decode_ping(const Value& value) {
    PingCheck ping;
    read_int(Fields(value, {"size"}), "size", ping.size, bounds::ping_bytes);
    return ping;
}

json::object encode(const PingCheck& ping, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    writer.field("size", ping.size, PingCheck().size);
    return writer.take();
}

RedisCheck decode_redis(const Value& value) {
    RedisCheck redis;
    const Fields fields(value, {"user", "secret", "role"});
    read_text(fields, "user", redis.user, rules::user);
    read_text(fields, "secret", redis.secret, rules::name);
    read_word(fields, "role", redis.role, redis_roles);
    if (!redis.user.empty() && redis.secret.empty())
        fields.find("user")->refuse("stands without secret; name the user's password, too");
    return redis;
}

json::object encode(const RedisCheck& redis, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    writer.optional("user", redis.user);
    writer.optional("secret", redis.secret);
    writer.optional("role", redis.role);
    return writer.take();
}

PostgresCheck decode_postgres(const Value& value) {
    PostgresCheck postgres;
    const Fields fields(value, {"user", "database"});
    read_text(fields, "user", postgres.user, rules::user);
    read_text(fields, "database", postgres.database, rules::user);
    return postgres;
}

json::object encode(const PostgresCheck& postgres, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    writer.field("user", postgres.user, PostgresCheck().user);
    writer.optional("database", postgres.database);
    return writer.take();
}

MysqlCheck decode_mysql(const Value& value) {
    MysqlCheck mysql;
    read_text(Fields(value, {"user"}), "user", mysql.user, rules::user);
    return mysql;
}

json::object encode(const MysqlCheck& mysql, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    writer.optional("user", mysql.user);
    return writer.take();
}

SmtpCheck decode_smtp(const Value& value) {
    SmtpCheck smtp;
    const Fields fields(value, {"helo", "start_tls"});
    read_text(fields, "helo", smtp.helo, rules::server_name);
    read_bool(fields, "start_tls", smtp.start_tls);
    return smtp;
}

json::object encode(const SmtpCheck& smtp, Verbosity verbosity) {
    const SmtpCheck standard;
    FieldWriter writer(verbosity);
    writer.field("helo", smtp.helo, standard.helo);
    writer.field("start_tls", smtp.start_tls, standard.start_tls);
    return writer.take();
}

LdapCheck decode_ldap(const Value& value) {
    LdapCheck ldap;
    const Fields fields(value, {"dn", "secret", "start_tls"});
    read_text(fields, "dn", ldap.dn, rules::distinguished_name);
    read_text(fields, "secret", ldap.secret, rules::name);
    read_bool(fields, "start_tls", ldap.start_tls);
    // A name without a password would be an unauthenticated bind, which proves nothing of the name.
    if (ldap.dn.empty() != ldap.secret.empty())
        fields.find(ldap.dn.empty() ? "secret" : "dn")
            ->refuse("stands alone; a simple bind needs dn and secret");
    return ldap;
}

json::object encode(const LdapCheck& ldap, Verbosity verbosity) {
    const LdapCheck standard;
    FieldWriter writer(verbosity);
    writer.optional("dn", ldap.dn);
    writer.optional("secret", ldap.secret);
    writer.field("start_tls", ldap.start_tls, standard.start_tls);
    return writer.take();
}

}  // namespace muster::config
