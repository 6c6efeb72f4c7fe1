#pragma once

#include "common/base/clock.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/node_settings.hpp"
#include "dnsupdate/desired.hpp"
#include "dnsupdate/dns_provider.hpp"
#include "dnsupdate/etcd_client.hpp"

#include <memory>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// Which names a store holds.
struct DnsZones {
    std::vector<std::string> zones;   ///< only names in one of them; empty: all
    std::vector<std::string> except;  ///< none in these: zones of their own within the others
    bool operator==(const DnsZones&) const = default;
};
[[nodiscard]] bool holds(const DnsZones& zones, const std::string& name);
/// What of the wishes is for this store.
[[nodiscard]] dnsupdate::DesiredRecords share_of(const DnsZones& zones,
                                                 dnsupdate::DesiredRecords wishes);

struct DnsDutySettings {
    config::DnsSettings dns;
    std::string cluster;                   ///< its name
    std::string password;                  ///< of etcd
    std::vector<std::string> key_secrets;  ///< of the servers of `dns.rfc2136`, in their order
};

/// What of all that is published is in a store.
struct DnsHolding {
    std::string view{};  ///< whose answers
    DnsZones zones{};
    std::string canary{};  ///< a name; empty: none
};

/// One store that this node publishes to while it is master.
struct DnsStore {
    std::unique_ptr<dnsupdate::etcd::Client> etcd{};   ///< of the provider; null: it needs none
    std::unique_ptr<dnsupdate::DnsProvider> provider;  ///< its name is unique among the stores
    std::vector<config::Endpoint> servers{};           ///< asked whether they answer what it holds
    DnsHolding holding{};
};

/// The one for all other clients, and those of the settings.
[[nodiscard]] std::vector<config::DnsView> views_of(const config::DnsSettings& dns);

/// All of the settings; `uuid` is the cluster's. A zone of a server is a store of its own. The
/// clock outlives them.
[[nodiscard]] std::vector<DnsStore> make_dns_stores(Clock& clock,
                                                    const DnsDutySettings& settings,
                                                    const std::string& uuid);

/// In which zones names are published, in whatever store; empty: all are.
[[nodiscard]] std::vector<std::string> published_zones(const config::DnsSettings& dns);

}  // namespace muster::orchestrator
