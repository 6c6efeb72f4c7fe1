#include "common/config/probe_codec.hpp"

#include "common/config/enum_words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <variant>

namespace muster::config {

template <>
struct EnumWords<CloseMode> {
    static constexpr std::array<std::pair<CloseMode, std::string_view>, 3> words = {{
        {CloseMode::automatic, "auto"},
        {CloseMode::reset, "reset"},
        {CloseMode::fin, "fin"},
    }};
};

template <>
struct EnumWords<ProxyProtocol> {
    static constexpr std::array<std::pair<ProxyProtocol, std::string_view>, 3> words = {{
        {ProxyProtocol::none, "none"},
        {ProxyProtocol::v1, "v1"},
        {ProxyProtocol::v2, "v2"},
    }};
};

namespace {

struct Codec {
    std::string_view name;
    ProbeKind (*decode)(const Value&);
    json::object (*encode)(const ProbeKind&, Verbosity);
};

template <class Kind, Kind (*Decode)(const Value&)>
constexpr Codec codec() {
    return {.name = probe_kind_name<Kind>(),
            .decode = [](const Value& value) -> ProbeKind { return Decode(value); },
            .encode =
                [](const ProbeKind& kind, Verbosity verbosity) {
                    return config::encode(std::get<Kind>(kind), verbosity);
                }};
}

constexpr Codec codecs[] = {
    codec<HttpCheck, decode_http>(),
    codec<TcpCheck, decode_tcp>(),
    codec<GrpcCheck, decode_grpc>(),
    codec<WebSocketCheck, decode_websocket>(),
    codec<UdpCheck, decode_udp>(),
    codec<DnsCheck, decode_dns>(),
    codec<PingCheck, decode_ping>(),
    codec<RedisCheck, decode_redis>(),
    codec<PostgresCheck, decode_postgres>(),
    codec<MysqlCheck, decode_mysql>(),
    codec<SmtpCheck, decode_smtp>(),
    codec<LdapCheck, decode_ldap>(),
    codec<CommandCheck, decode_command>(),
    codec<PluginCheck, decode_plugin>(),
    codec<CompositeCheck, decode_composite>(),
};

constexpr std::string_view around_tcp[] = {
    "tls", "proxy_protocol", "close", "reuse", "all_addresses"};

/// One connection, around which other things can be. A plug-in that is compiled in has one.
bool is_over_tcp(const ProbeKind& kind) {
    const auto* const dns = std::get_if<DnsCheck>(&kind);
    return !std::holds_alternative<UdpCheck>(kind) && !std::holds_alternative<PingCheck>(kind) &&
           !std::holds_alternative<CommandCheck>(kind) &&
           !std::holds_alternative<CompositeCheck>(kind) && (dns == nullptr || dns->tcp);
}

/// Of HTTP/1.1 alone: all others have a conversation that ends with the probe.
bool can_reuse(const ProbeKind& kind) {
    const auto* const http = std::get_if<HttpCheck>(&kind);
    return http != nullptr && http->version == HttpVersion::http1;
}

}  // namespace

std::vector<std::string_view> probe_fields() {
    std::vector<std::string_view> names;
    for (const Codec& codec : codecs) names.push_back(codec.name);
    names.insert(names.end(), std::begin(around_tcp), std::end(around_tcp));
    return names;
}

std::vector<std::string_view> with_probe_fields(std::vector<std::string_view> others) {
    std::vector<std::string_view> names = probe_fields();
    names.insert(names.end(), others.begin(), others.end());
    return names;
}

ProbeSpec decode_probe(const Fields& check) {
    std::optional<ProbeSpec> probe;
    std::string_view first;
    for (const Codec& codec : codecs) {
        const auto value = check.find(codec.name);
        if (!value) continue;
        if (probe) {
            value->refuse(fmt::format("stands beside {}; a check has one kind of probe", first));
            continue;
        }
        first = codec.name;
        probe.emplace();
        probe->kind = codec.decode(*value);
    }
    if (!probe) probe.emplace();
    if (const auto tls = check.find("tls")) probe->tls = decode_tls(*tls);
    read_enum(check, "proxy_protocol", probe->proxy);
    read_enum(check, "close", probe->close);
    read_bool(check, "reuse", probe->reuse);
    read_bool(check, "all_addresses", probe->all_addresses);
    if (!is_over_tcp(probe->kind)) {
        for (const std::string_view name : around_tcp) {
            if (const auto value = check.find(name))
                value->refuse(fmt::format("stands beside {}, which is not over TCP", first));
        }
    } else if (probe->reuse && !can_reuse(probe->kind)) {
        check.find("reuse")->refuse("is true; only http of version 1.1 can keep its connection");
    }
    return std::move(*probe);
}

void encode_probe(const ProbeSpec& probe, Verbosity verbosity, FieldWriter& check) {
    for (const Codec& codec : codecs) {
        if (codec.name != probe_kind_name(probe.kind)) continue;
        json::object fields = codec.encode(probe.kind, verbosity);
        // The default kind needs no words.
        if (!fields.empty() || probe.kind.index() != ProbeKind().index())
            check.put(codec.name, std::move(fields));
    }
    if (probe.tls) {
        json::object tls = encode(*probe.tls, verbosity);
        check.put("tls", tls.empty() ? json::value(true) : json::value(std::move(tls)));
    }
    if (probe.proxy != ProxyProtocol::none)
        check.put("proxy_protocol", json::string(word_of(probe.proxy)));
    if (probe.close != CloseMode::automatic) check.put("close", json::string(word_of(probe.close)));
    if (probe.reuse) check.put("reuse", true);
    if (probe.all_addresses) check.put("all_addresses", true);
}

}  // namespace muster::config
