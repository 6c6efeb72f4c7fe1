#include "orchestrator/dns_stores.hpp"

#include "dnsupdate/etcd_provider.hpp"

#include <utility>

namespace muster::orchestrator {

namespace {

std::vector<config::Endpoint> endpoints_of(const std::vector<std::string>& servers) {
    std::vector<config::Endpoint> endpoints;
    for (const std::string& server : servers) {
        if (const auto endpoint = config::parse_endpoint(server)) endpoints.push_back(*endpoint);
    }
    return endpoints;
}

dnsupdate::EtcdLayout etcd_layout(const config::DnsSettings& dns, const std::string& owner) {
    dnsupdate::EtcdLayout layout{.root = dns.etcd.root, .owner = owner};
    for (const std::string& zone : dns.zones) layout.zones.emplace_back(zone);
    return layout;
}

}  // namespace

std::vector<DnsStore> make_dns_stores(Clock& clock,
                                      const DnsDutySettings& settings,
                                      const std::string& uuid) {
    const config::DnsSettings& dns = settings.dns;
    const std::string owner = "muster/" + uuid;
    std::vector<DnsStore> stores;
    auto client = std::make_unique<dnsupdate::etcd::Client>(
        clock,
        dnsupdate::etcd::ClientSettings{.endpoints = dns.etcd.endpoints,
                                        .user = dns.etcd.user,
                                        .password = settings.password,
                                        .timeout = dns.etcd.timeout,
                                        .tls = dns.etcd.tls});
    auto provider = std::make_unique<dnsupdate::EtcdProvider>(
        *client, etcd_layout(dns, owner), settings.cluster);
    stores.push_back({.etcd = std::move(client),
                      .provider = std::move(provider),
                      .servers = endpoints_of(dns.servers)});
    return stores;
}

}  // namespace muster::orchestrator
