#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// What a probe says and expects, as values with their defaults; one struct a kind. Part of the
// model in model.hpp; what a field means for people is in docs/probes.md.
//
// Nothing here names a file, a program or a secret by path: only by names that a node looks up on
// its own disk (NodeSettings), since these values come through the API.
namespace muster::config {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// Inclusive.
struct StatusRange {
    int first = 200;
    int last = 200;
    bool operator==(const StatusRange&) const = default;
};

struct Header {
    std::string name;
    std::string value;
    bool operator==(const Header&) const = default;
};

/// A text that must be there, or must not.
struct TextMatch {
    std::string text;
    bool regex = false;  ///< RE2's syntax: linear time whatever the input; else a plain substring
    bool negate = false;
    bool operator==(const TextMatch&) const = default;
};

/// Of a reply's header: present (no match given), absent, or with a value that matches.
struct HeaderMatch {
    std::string name;
    std::optional<TextMatch> value;
    bool absent = false;
    bool operator==(const HeaderMatch&) const = default;
};

/// Of a reply's body: the value at an RFC 6901 pointer, there or not, or compared with a literal.
struct JsonMatch {
    enum class Compare { exists, absent, equals, differs, less, at_most, more, at_least };
    std::string pointer;
    Compare compare = Compare::exists;
    std::string value;  ///< JSON text of a number, string, boolean or null; of the first two none
    bool operator==(const JsonMatch&) const = default;
};

enum class HttpVersion { http1, http2 };

/// HTTP/1.1 (RFC 9112) or HTTP/2 (RFC 9113): over TLS by ALPN, else with prior knowledge.
struct HttpCheck {
    std::string method = "GET";
    std::string path = "/";  ///< origin-form: path and query
    std::string host;        ///< Host header; empty = the backend's address
    std::vector<Header> headers;
    std::string body;
    HttpVersion version = HttpVersion::http1;
    int redirects = 0;  ///< followed at most, over HTTP/1.1, and only to the backend itself
    std::vector<StatusRange> expect_status = {{.first = 200, .last = 399}};
    std::vector<StatusRange> expect_not_status;  ///< beside it expect_status is empty
    std::string expect_status_regex;  ///< of all three digits; beside it both lists are empty
    std::vector<HeaderMatch> expect_headers;
    std::vector<TextMatch> expect_body;  ///< in the first 64 KiB of the body; all must hold
    std::vector<JsonMatch> expect_json;  ///< of a body of at most 64 KiB; all must hold
    bool operator==(const HttpCheck&) const = default;
};

/// One step of a TCP script: sends, reads until it matches, or begins TLS (once in a script).
struct ScriptStep {
    enum class Kind { send, expect, start_tls };
    Kind kind = Kind::send;
    std::string bytes;  ///< of send: what; of expect: what must be seen
    bool regex = false;
    bool operator==(const ScriptStep&) const = default;
};

/// Connect; then the script, if there is one. With TLS and no script: a handshake and no more.
struct TcpCheck {
    std::vector<ScriptStep> script;
    bool operator==(const TcpCheck&) const = default;
};
[[nodiscard]] inline bool starts_tls(const TcpCheck& tcp) {
    return std::ranges::any_of(tcp.script, [](const ScriptStep& step) {
        return step.kind == ScriptStep::Kind::start_tls;
    });
}

/// gRPC health checking protocol v1: SERVING is healthy.
struct GrpcCheck {
    std::string service;    ///< empty = the server as a whole
    std::string authority;  ///< empty = the backend's address
    bool operator==(const GrpcCheck&) const = default;
};

/// An opening handshake (RFC 6455, section 4), then a close.
struct WebSocketCheck {
    std::string path = "/";
    std::string host;
    std::vector<Header> headers;
    std::string subprotocol;  ///< asked for and expected; empty = none
    bool operator==(const WebSocketCheck&) const = default;
};

/// A datagram, and the answer. ICMP errors count as refused.
struct UdpCheck {
    std::string send;                 ///< bytes
    std::optional<TextMatch> expect;  ///< none: silence is healthy, only an ICMP error is not
    bool operator==(const UdpCheck&) const = default;
};

/// A query to the backend as a DNS server.
struct DnsCheck {
    std::string name = ".";
    std::string type = "SOA";  ///< A, AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT
    std::vector<std::string> rcodes = {"NOERROR"};
    std::vector<TextMatch> answers;  ///< each must match some record's text; none = not looked at
    bool tcp = false;
    bool recursion = true;
    bool operator==(const DnsCheck&) const = default;
};

/// ICMP echo, v4 or v6.
struct PingCheck {
    int size = 56;  ///< bytes of payload
    bool operator==(const PingCheck&) const = default;
};

struct RedisCheck {
    std::string user;
    std::string secret;  ///< name of the password on the node's disk; empty = no AUTH
    std::string role;    ///< "master" or "replica": expected of ROLE; empty = PING only
    bool operator==(const RedisCheck&) const = default;
};

/// Start-up packet: a server that asks for a password is as alive as one that lets us in; "starting
/// up" and "shutting down" are failures.
struct PostgresCheck {
    std::string user = "muster";
    std::string database;  ///< empty = as the user
    bool operator==(const PostgresCheck&) const = default;
};

/// Greeting, and a login without password where a user is named.
struct MysqlCheck {
    std::string user;
    bool operator==(const MysqlCheck&) const = default;
};

struct SmtpCheck {
    std::string helo = "muster.invalid";
    bool start_tls = false;
    bool operator==(const SmtpCheck&) const = default;
};

/// An anonymous or simple bind.
struct LdapCheck {
    std::string dn;
    std::string secret;
    bool start_tls = false;
    bool operator==(const LdapCheck&) const = default;
};

/// A program that is registered on the nodes' own disks, with Nagios exit codes.
struct CommandCheck {
    std::string name;
    std::map<std::string, std::string> arguments;  ///< for the placeholders it was registered with
    bool operator==(const CommandCheck&) const = default;
};

/// A long-lived plug-in process that is registered on the nodes' own disks.
struct PluginCheck {
    std::string name;
    std::string settings;  ///< JSON, passed on as it is
    bool operator==(const PluginCheck&) const = default;
};

/// HAProxy's agent-check protocol. Written as the `agent` of an intent source, never as a check's
/// own kind.
struct AgentCheck {
    std::string send;
    bool operator==(const AgentCheck&) const = default;
};

struct CompositePart;
/// Several probes of one backend, and how many must succeed.
struct CompositeCheck {
    CompositeCheck();
    CompositeCheck(const CompositeCheck&);
    CompositeCheck(CompositeCheck&&) noexcept;
    CompositeCheck& operator=(const CompositeCheck&);
    CompositeCheck& operator=(CompositeCheck&&) noexcept;
    ~CompositeCheck();

    std::vector<CompositePart> parts;
    int need = 0;       ///< 0 = all
    std::string fleet;  ///< of an LB's own check: its fleet's name; each part has an `of_lb`
    bool operator==(const CompositeCheck& other) const;
};

using ProbeKind = std::variant<HttpCheck,
                               TcpCheck,
                               GrpcCheck,
                               WebSocketCheck,
                               UdpCheck,
                               DnsCheck,
                               PingCheck,
                               RedisCheck,
                               PostgresCheck,
                               MysqlCheck,
                               SmtpCheck,
                               LdapCheck,
                               CommandCheck,
                               PluginCheck,
                               CompositeCheck,
                               AgentCheck>;

/// The key under which a kind stands in a check, and what nodes announce as theirs.
template <class Kind>
constexpr std::string_view probe_kind_name() {
    constexpr std::string_view names[] = {"http",
                                          "tcp",
                                          "grpc",
                                          "websocket",
                                          "udp",
                                          "dns",
                                          "ping",
                                          "redis",
                                          "postgres",
                                          "mysql",
                                          "smtp",
                                          "ldap",
                                          "command",
                                          "plugin",
                                          "composite",
                                          "agent"};
    static_assert(std::size(names) == std::variant_size_v<ProbeKind>);
    constexpr auto index = []<std::size_t... I>(std::index_sequence<I...>) {
        std::size_t found = 0;
        ((std::is_same_v<Kind, std::variant_alternative_t<I, ProbeKind>> ? found = I : 0), ...);
        return found;
    }(std::make_index_sequence<std::variant_size_v<ProbeKind>>());
    return names[index];
}
[[nodiscard]] constexpr std::string_view probe_kind_name(const ProbeKind& kind) {
    return std::visit([]<class Kind>(const Kind&) { return probe_kind_name<Kind>(); }, kind);
}

enum class TlsVersion { tls12, tls13 };

struct TlsSettings {
    std::string sni;  ///< and the name that the certificate must have; empty = the backend's name
    bool verify = true;
    std::string ca;           ///< name of a bundle on the node's disk; empty = the system's
    std::string certificate;  ///< name of a client certificate with key on the node's disk
    TlsVersion min_version = TlsVersion::tls12;
    std::vector<std::string> alpn;
    int expires_degraded_days = 0;  ///< a certificate with less to live: degraded; 0 = never
    int expires_failed_days = 0;    ///< and with less than this: a failure
    bool resume = false;            ///< sessions: up to 15 probes in a row by a short handshake
    bool operator==(const TlsSettings&) const = default;
};

/// The PROXY protocol's header before everything else: LOCAL in version 2, UNKNOWN in version 1,
/// which is how a health check announces itself.
enum class ProxyProtocol { none, v1, v2 };

/// How a connection is left. automatic: by reset where nobody minds, in order (FIN) where servers
/// log what ends without a good-bye.
enum class CloseMode { automatic, reset, fin };

struct ProbeSpec {
    ProbeSpec() = default;
    template <class Kind>
        requires std::constructible_from<ProbeKind, Kind>
    ProbeSpec(Kind one) : kind(std::move(one)) {}

    ProbeKind kind = HttpCheck{};
    std::optional<TlsSettings> tls;  ///< around kinds over TCP; none = plain
    ProxyProtocol proxy = ProxyProtocol::none;
    CloseMode close = CloseMode::automatic;
    bool reuse = false;          ///< keep the connection for the next probe, where the kind can
    bool all_addresses = false;  ///< of a name: each must succeed; else the first that connects
    bool operator==(const ProbeSpec&) const = default;
};

/// What a part of an LB's own check is for. Derived from its fleet, never written by users.
struct LbPart {
    enum class Kind {
        listener,  ///< the listener alone: connect, and TLS where it speaks that
        request,   ///< through the listener to a group
        agent,     ///< the agent's /healthz
    };
    Kind kind = Kind::listener;
    std::string listener;
    std::string group;
    bool operator==(const LbPart&) const = default;
};

struct CompositePart {
    std::string name;
    ProbeSpec probe;
    std::optional<std::uint16_t> port;
    std::optional<LbPart> of_lb;
    bool operator==(const CompositePart&) const = default;
};
// Only here are its parts a complete type.
inline CompositeCheck::CompositeCheck() = default;
inline CompositeCheck::CompositeCheck(const CompositeCheck&) = default;
inline CompositeCheck::CompositeCheck(CompositeCheck&&) noexcept = default;
inline CompositeCheck& CompositeCheck::operator=(const CompositeCheck&) = default;
inline CompositeCheck& CompositeCheck::operator=(CompositeCheck&&) noexcept = default;
inline CompositeCheck::~CompositeCheck() = default;
inline bool CompositeCheck::operator==(const CompositeCheck& other) const = default;

}  // namespace muster::config
