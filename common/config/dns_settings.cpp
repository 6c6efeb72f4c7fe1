#include "common/config/dns_settings.hpp"

#include "common/config/endpoint.hpp"
#include "common/config/settings_fields.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace muster::config {

namespace {

/// Names of ours stand before the zone's: marks and instances.
constexpr std::size_t longest_zone = 180;

std::string_view update_zone(std::string_view text) {
    if (text.size() > longest_zone)
        return "must be at most 180 bytes long, so that the names in it are no longer than DNS "
               "allows";
    return rules::published_name(text);
}

std::string_view key_name(std::string_view text) {
    if (rules::published_name(text).empty()) return "";
    return "must be the name of a key as the server has it, in lower case and without a last dot";
}

/// None of its addresses could be published.
bool is_in_vain(const AddressBlock& block) {
    const std::string first = to_string(block).substr(0, to_string(block).find('/'));
    const bool multicast = block.is_v6 ? block.bytes[0] == 0xff && block.bits >= 8
                                       : block.bytes[0] >> 4U == 0xe && block.bits >= 4;
    return multicast || (block.bits == (block.is_v6 ? 128 : 32) && !is_destination(first));
}

std::string_view address_block(std::string_view text) {
    const auto block = parse_address_block(text);
    if (!block) return block.error();
    if (is_in_vain(*block))
        return "must have addresses that something can be at: not multicast, broadcast or "
               "unspecified";
    return "";
}

std::string_view server_name(std::string_view text) {
    if (is_host_name(text) || is_ipv4(text) || is_ipv6(text)) return "";
    return "must be a host name or an IP address, as in the server's certificate";
}

std::string_view algorithm(std::string_view text) {
    if (text == "hmac-sha256") return "";
    return "must be hmac-sha256, the only one that there is";
}

void read_zones(const Fields& fields, std::vector<std::string>& zones) {
    const auto list = fields.require("zones", "a list of the server's zones to publish in");
    read_list(fields, "zones", update_zone, zones);
    if (list && list->node().kind == Node::Kind::list && list->node().items.empty())
        list->refuse("is an empty list; must name a zone");
}

DnsUpdateServer decode_update_server(const Value& value) {
    DnsUpdateServer server;
    const Fields fields(
        value, {"server", "zones", "key", "secret_file", "algorithm", "servers", "timeout"});
    if (const auto address = fields.require("server", "the primary's IP address and port"))
        server.server = read_text(*address, dns_server).value_or("");
    read_zones(fields, server.zones);
    if (const auto key = fields.require("key", "the name of the TSIG key"))
        server.key = read_text(*key, key_name).value_or("");
    if (const auto secret = fields.require("secret_file", "the file of the key's secret"))
        server.secret_file = read_text(*secret, rules::file_path).value_or("");
    read_text(fields, "algorithm", server.algorithm, algorithm);
    read_list(fields, "servers", dns_server, server.servers);
    using namespace std::chrono_literals;
    read_duration(fields, "timeout", server.timeout, {100ms, 30s});
    return server;
}

}  // namespace

std::string_view dns_server(std::string_view text) {
    const auto endpoint = parse_endpoint(text);
    const bool is_ip = endpoint && (is_ipv4(endpoint->host) || is_ipv6(endpoint->host));
    if (is_ip && is_destination(endpoint->host)) return "";
    return "must be the IP address of a server and a port, such as 192.0.2.53:53";
}

void read_allowed_addresses(const Fields& fields, std::vector<AddressBlock>& into) {
    std::vector<std::string> blocks;
    read_list(fields, "allowed_addresses", address_block, blocks);
    for (const std::string& block : blocks) into.push_back(*parse_address_block(block));
    const auto list = fields.find("allowed_addresses");
    if (list && list->node().kind == Node::Kind::list && list->node().items.empty())
        list->refuse(
            "is an empty list, which would publish nothing; must have a block, or be "
            "left out");
}

std::vector<DnsUpdateServer> decode_update_servers(const Value& list) {
    constexpr std::size_t most_servers = 16;
    std::vector<DnsUpdateServer> servers;
    std::map<std::pair<std::string, std::string>, std::string> known;  // and where it was first
    for (const Value& element : elements_of(list, most_servers)) {
        DnsUpdateServer server = decode_update_server(element);
        for (const std::string& zone : server.zones) {
            const auto [first, is_new] =
                known.emplace(std::pair(server.server, zone), element.path());
            if (!is_new && !server.server.empty())
                element.refuse(fmt::format("publishes in {} of {} a second time; the first is {}",
                                           zone,
                                           server.server,
                                           first->second));
        }
        servers.push_back(std::move(server));
    }
    if (known.size() > max_update_zones)
        list.refuse(fmt::format(
            "has {} zones in all; may have {} at most", known.size(), max_update_zones));
    if (list.node().kind == Node::Kind::list && list.node().items.empty())
        list.refuse("is an empty list; must name a server, or leave rfc2136 out");
    return servers;
}

TlsFiles decode_tls_files(const Value& value, const std::vector<std::string>& endpoints) {
    TlsFiles tls;
    const Fields fields(value, {"ca", "certificate", "key", "server_name"});
    read_text(fields, "ca", tls.ca, rules::file_path);
    read_text(fields, "certificate", tls.certificate, rules::file_path);
    read_text(fields, "key", tls.key, rules::file_path);
    read_text(fields, "server_name", tls.server_name, server_name);
    if (tls.certificate.empty() != tls.key.empty())
        value.refuse("has one of certificate and key; must have both or none");
    const bool any =
        std::ranges::any_of(endpoints, [](const auto& one) { return one.starts_with("https://"); });
    if (!any && !endpoints.empty())
        value.refuse("stands without an endpoint that begins with https://");
    return tls;
}

}  // namespace muster::config
