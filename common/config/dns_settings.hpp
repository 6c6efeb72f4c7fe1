#pragma once

#include "common/base/tls_files.hpp"
#include "common/config/address_block.hpp"
#include "common/config/decode.hpp"
#include "common/config/value.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// What a node's settings say of the stores of DNS records, beside etcd's addresses.
namespace muster::config {

/// A primary server that takes dynamic updates (RFC 2136), and the zones of it that we publish in.
struct DnsUpdateServer {
    std::string server;              ///< ip:port
    std::vector<std::string> zones;  ///< at least one
    std::string key;                 ///< the name of its TSIG key
    std::string secret_file;         ///< the key's secret in base64, mode 0600
    std::string algorithm = "hmac-sha256";
    std::vector<std::string> servers;  ///< ip:port, asked instead of `server` what they answer
    Duration timeout = std::chrono::seconds(3);  ///< of one message and its reply
    bool operator==(const DnsUpdateServer&) const = default;
};

/// Zones of all of them together, each of which is a store of its own.
inline constexpr std::size_t max_update_zones = 24;

[[nodiscard]] std::vector<DnsUpdateServer> decode_update_servers(const Value& list);

/// `allowed_addresses`.
void read_allowed_addresses(const Fields& fields, std::vector<AddressBlock>& into);

/// "192.0.2.53:53".
[[nodiscard]] std::string_view dns_server(std::string_view text);

/// `tls` of etcd. `endpoints`: of the same etcd; without an https:// among them it is refused.
[[nodiscard]] TlsFiles decode_tls_files(const Value& value,
                                        const std::vector<std::string>& endpoints);

}  // namespace muster::config
