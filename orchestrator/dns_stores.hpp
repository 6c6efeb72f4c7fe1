#pragma once

#include "common/base/clock.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/node_settings.hpp"
#include "dnsupdate/dns_provider.hpp"
#include "dnsupdate/etcd_client.hpp"

#include <memory>
#include <string>
#include <vector>

namespace muster::orchestrator {

struct DnsDutySettings {
    config::DnsSettings dns;
    std::string cluster;   ///< its name
    std::string password;  ///< of etcd
};

/// One store that this node publishes to while it is master.
struct DnsStore {
    std::unique_ptr<dnsupdate::etcd::Client> etcd;     ///< of the provider; null: it needs none
    std::unique_ptr<dnsupdate::DnsProvider> provider;  ///< its name is unique among the stores
    std::vector<config::Endpoint> servers;             ///< asked whether they answer what it holds
    std::string view{};                                ///< whose answers it holds
};

/// The one for all other clients, and those of the settings.
[[nodiscard]] std::vector<config::DnsView> views_of(const config::DnsSettings& dns);

/// All of the settings; `uuid` is the cluster's. The clock outlives them.
[[nodiscard]] std::vector<DnsStore> make_dns_stores(Clock& clock,
                                                    const DnsDutySettings& settings,
                                                    const std::string& uuid);

}  // namespace muster::orchestrator
