// What a node's settings may not say of DNS, each with its place and the reason.
#include "common/config/node_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace muster::config {
namespace {

using testing::HasSubstr;

constexpr const char* etcd = "etcd: {endpoints: [\"http://a:1\"]}";
constexpr const char* server =
    "server: \"192.0.2.53:53\", zones: [a.test], key: k, secret_file: /s";

std::string with_etcd(const std::string& more) {
    return std::string("{") + etcd + ", " + more + "}";
}
std::string in_etcd(const std::string& more) {
    return "{etcd: {endpoints: [\"http://a:1\"], " + more + "}}";
}
std::string endpoint(const std::string& url) {
    return "{etcd: {endpoints: [\"" + url + "\"]}}";
}
std::string tls(const std::string& fields) {
    return "{etcd: {endpoints: [\"https://a:1\"], tls: " + fields + "}}";
}
std::string in_server(const std::string& more) {
    return std::string("{rfc2136: [{") + server + ", " + more + "}]}";
}
std::string update_server(const std::string& fields) {
    return "{rfc2136: [{" + fields + "}]}";
}

/// `dns`: its value, on line 2. `says`: a part of "path: what" of the only problem.
void refused(const std::string& name, const std::string& dns, const std::string& says) {
    SCOPED_TRACE(name);
    const DecodedNodeSettings decoded = decode_node_settings("node: n1\ndns: " + dns + "\n");
    std::string all;
    for (const Problem& problem : decoded.problems) {
        EXPECT_EQ(problem.line, 2) << to_string(problem);
        all += problem.path + ": " + problem.what + "\n";
    }
    // "is the text": it stands in quotes.
    for (std::size_t at = all.find("the text "); at != std::string::npos;
         at = all.find("the text "))
        all.erase(at, std::string_view("the text ").size());
    EXPECT_EQ(decoded.problems.size(), 1U) << all;
    EXPECT_THAT(all, HasSubstr(says));
}

TEST(BadDnsSettings, AreRefusedAtTheirPlaceWithTheReason) {
    refused("nothing", "{}", "dns: has no store; must have etcd, rfc2136, or both");
    refused("a text", "etcd", "dns: ");
    refused("another store",
            "{route53: {}, " + std::string(etcd) + "}",
            "dns.route53: is not a field here");
    refused("no endpoints", "{etcd: {}}", "dns.etcd.endpoints: is missing; must be a list");
    refused("an empty list", "{etcd: {endpoints: []}}", "dns.etcd.endpoints: is an empty list");
    const std::string right = "must be http://host:port or https://host:port";
    for (const char* url : {"ftp://a:1",
                            "a:1",
                            "http://a",
                            "http://a:0",
                            "http://a:65536",
                            "https://a:1/v3",
                            "http://u@a:1"})
        refused(
            url, endpoint(url), "dns.etcd.endpoints[0]: is \"" + std::string(url) + "\"; " + right);
    refused("twice",
            "{etcd: {endpoints: [\"http://a:1\", \"http://a:1\"]}}",
            "dns.etcd.endpoints[1]: is http://a:1 a second time");
    refused("a user alone", in_etcd("user: u"), "dns.etcd: has one of user and password_file");
    refused("a password alone",
            in_etcd("password_file: /p"),
            "dns.etcd: has one of user and password_file");
    refused("a root of two labels",
            in_etcd("root: /a/b"),
            "dns.etcd.root: is \"/a/b\"; must be / and one label");
    refused("a root without a slash",
            in_etcd("root: skydns"),
            "dns.etcd.root: is \"skydns\"; must be / and one label");
    refused("a reserved root",
            in_etcd("root: /dns"),
            "dns.etcd.root: is \"/dns\"; must be / and one label");
    refused("a short time-out",
            in_etcd("timeout: 99ms"),
            "dns.etcd.timeout: is 99ms; must be a duration from 100ms to 30s");
    refused("an unknown field", in_etcd("prefix: /a"), "dns.etcd.prefix: is not a field here");
}

TEST(BadDnsSettings, OfTlsAreRefused) {
    refused("without https",
            in_etcd("tls: {ca: /ca}"),
            "dns.etcd.tls: stands without an endpoint that begins with https://");
    refused("a certificate alone",
            tls("{certificate: /c}"),
            "dns.etcd.tls: has one of certificate and key");
    refused("a key alone", tls("{key: /k}"), "dns.etcd.tls: has one of certificate and key");
    refused(
        "an unknown field", tls("{insecure: true}"), "dns.etcd.tls.insecure: is not a field here");
    refused("no map", tls("/ca.pem"), "dns.etcd.tls: ");
    refused("no name",
            tls("{server_name: \"a b\"}"),
            "dns.etcd.tls.server_name: is \"a b\"; must be a host name or an IP address");
    refused("an empty path", tls("{ca: \"\"}"), "dns.etcd.tls.ca: ");
}

TEST(BadDnsSettings, OfZonesServersAndAddressesAreRefused) {
    refused("upper case",
            with_etcd("zones: [Example.org]"),
            "dns.zones[0]: is \"Example.org\"; must be a domain name in lower case");
    refused("a last dot",
            with_etcd("zones: [example.org.]"),
            "dns.zones[0]: is \"example.org.\"; must be a domain name");
    refused("reserved",
            with_etcd("zones: [_muster.test]"),
            "dns.zones[0]: is \"_muster.test\"; must not begin with _muster");
    refused("twice", with_etcd("zones: [a.test, a.test]"), "dns.zones[1]: is a.test a second time");
    refused("a text", with_etcd("zones: a.test"), "dns.zones: ");
    for (const char* address :
         {"ns.example.org:53", "192.0.2.53", "192.0.2.53:0", "0.0.0.0:53", "224.0.0.1:53"})
        refused(address,
                with_etcd("servers: [\"" + std::string(address) + "\"]"),
                "dns.servers[0]: is \"" + std::string(address) +
                    "\"; must be the IP address of a server and a port");
    for (const char* block : {"10.0.0.0", "10.0.0/8", "lb.example.org/8"})
        refused(block,
                with_etcd("allowed_addresses: [\"" + std::string(block) + "\"]"),
                "dns.allowed_addresses[0]: is \"" + std::string(block) +
                    "\"; must be an IP address and a number of bits");
    refused("too many bits",
            with_etcd("allowed_addresses: [10.0.0.0/33]"),
            "dns.allowed_addresses[0]: is \"10.0.0.0/33\"; must have 0 to 32 bits");
    refused("too many bits of IPv6",
            with_etcd("allowed_addresses: [\"::/129\"]"),
            "must have 0 to 128 bits");
    refused("bits beyond",
            with_etcd("allowed_addresses: [10.0.0.1/8]"),
            "dns.allowed_addresses[0]: is \"10.0.0.1/8\"; must be the first address of its block");
    for (const char* block :
         {"224.0.0.0/4", "239.0.0.0/8", "ff02::/16", "255.255.255.255/32", "0.0.0.0/32", "::/128"})
        refused(block,
                with_etcd("allowed_addresses: [\"" + std::string(block) + "\"]"),
                "must have addresses that something can be at");
    refused("none",
            with_etcd("allowed_addresses: []"),
            "dns.allowed_addresses: is an empty list, which would publish nothing");
    refused("twice",
            with_etcd("allowed_addresses: [10.0.0.0/8, 10.0.0.0/8]"),
            "dns.allowed_addresses[1]: is 10.0.0.0/8 a second time");
}

TEST(BadDnsSettings, OfUpdateServersAreRefused) {
    refused("none", "{rfc2136: []}", "dns.rfc2136: is an empty list; must name a server");
    refused("a map", "{rfc2136: {a: b}}", "dns.rfc2136: is a map; must be a list");
    refused("no server",
            update_server("zones: [a.test], key: k, secret_file: /s"),
            "dns.rfc2136[0].server: is missing");
    refused("no zones",
            update_server("server: \"192.0.2.53:53\", key: k, secret_file: /s"),
            "dns.rfc2136[0].zones: is missing");
    refused("empty zones",
            update_server("server: \"192.0.2.53:53\", zones: [], key: k, secret_file: /s"),
            "dns.rfc2136[0].zones: is an empty list");
    refused("no key",
            update_server("server: \"192.0.2.53:53\", zones: [a.test], secret_file: /s"),
            "dns.rfc2136[0].key: is missing");
    refused("no secret",
            update_server("server: \"192.0.2.53:53\", zones: [a.test], key: k"),
            "dns.rfc2136[0].secret_file: is missing");
    refused("a name for a server",
            update_server("server: \"ns.a.test:53\", zones: [a.test], key: k, secret_file: /s"),
            "dns.rfc2136[0].server: is \"ns.a.test:53\"; must be the IP address");
    refused(
        "a key in upper case",
        update_server("server: \"192.0.2.53:53\", zones: [a.test], key: Muster, secret_file: /s"),
        "dns.rfc2136[0].key: is \"Muster\"; must be the name of a key");
    refused("another algorithm",
            in_server("algorithm: hmac-md5"),
            "dns.rfc2136[0].algorithm: is \"hmac-md5\"; must be hmac-sha256");
    refused("a secret in the settings",
            in_server("secret: c2VjcmV0"),
            "dns.rfc2136[0].secret: is not a field here");
    refused("a long time-out",
            in_server("timeout: 31s"),
            "dns.rfc2136[0].timeout: is 31s; must be a duration from 100ms to 30s");
    refused("a secondary's name",
            in_server("servers: [\"ns:53\"]"),
            "dns.rfc2136[0].servers[0]: is \"ns:53\"; must be the IP address");
    const std::string zone =
        std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(59, 'c');
    refused(
        "a long zone",
        update_server("server: \"192.0.2.53:53\", zones: [" + zone + "], key: k, secret_file: /s"),
        "must be at most 180 bytes long");
    refused("a zone of a server twice",
            std::string("{rfc2136: [{") + server + "}, {" + server + "}]}",
            "dns.rfc2136[1]: publishes in a.test of 192.0.2.53:53 a second time; the first is "
            "dns.rfc2136[0]");
    refused("etcd's zones without etcd",
            std::string("{zones: [a.test], rfc2136: [{") + server + "}]}",
            "dns.zones: stands without etcd");
    refused("etcd's servers without etcd",
            std::string("{servers: [\"192.0.2.1:53\"], rfc2136: [{") + server + "}]}",
            "dns.servers: stands without etcd");
    std::string many;
    for (int number = 0; number < 25; ++number) many += "z" + std::to_string(number) + ".test, ";
    refused("25 zones",
            update_server("server: \"192.0.2.53:53\", zones: [" + many.substr(0, many.size() - 2) +
                          "], key: k, secret_file: /s"),
            "dns.rfc2136: has 25 zones in all; may have 24 at most");
}

TEST(DnsSettings, MayHaveUpdateServersAlone) {
    const DecodedNodeSettings decoded = decode_node_settings(R"(
node: n1
dns:
  rfc2136:
    - {server: "192.0.2.53:53", zones: [a.test, b.test], key: muster, secret_file: /etc/tsig}
    - {server: "[2001:db8::53]:53", zones: [a.test], key: muster, secret_file: /etc/tsig,
       algorithm: hmac-sha256, servers: ["192.0.2.54:53"], timeout: 1s}
  allowed_addresses: [10.0.0.0/8, "2001:db8::/32"]
)");
    for (const Problem& problem : decoded.problems) ADD_FAILURE() << to_string(problem);
    ASSERT_TRUE(decoded.settings.dns);
    const DnsSettings& dns = *decoded.settings.dns;
    EXPECT_FALSE(dns.etcd);
    ASSERT_EQ(dns.rfc2136.size(), 2U);
    EXPECT_EQ(dns.rfc2136[1],
              (DnsUpdateServer{.server = "[2001:db8::53]:53",
                               .zones = {"a.test"},
                               .key = "muster",
                               .secret_file = "/etc/tsig",
                               .servers = {"192.0.2.54:53"},
                               .timeout = std::chrono::seconds(1)}));
    EXPECT_EQ(dns.allowed_addresses.size(), 2U);
}

}  // namespace
}  // namespace muster::config
