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

std::string store_name(const config::DnsView& view) {
    return view.name.empty() ? "etcd" : "etcd-" + view.name;
}

dnsupdate::EtcdLayout etcd_layout(const config::DnsSettings& dns,
                                  const config::DnsView& view,
                                  const std::string& owner) {
    dnsupdate::EtcdLayout layout{.root = view.root, .owner = owner};
    for (const std::string& zone : dns.zones) layout.zones.emplace_back(zone);
    return layout;
}

}  // namespace

std::vector<config::DnsView> views_of(const config::DnsSettings& dns) {
    std::vector<config::DnsView> views{{.root = dns.etcd.root, .servers = dns.servers}};
    views.insert(views.end(), dns.views.begin(), dns.views.end());
    return views;
}

std::vector<DnsStore> make_dns_stores(Clock& clock,
                                      const DnsDutySettings& settings,
                                      const std::string& uuid) {
    const config::DnsSettings& dns = settings.dns;
    const std::string owner = "muster/" + uuid;
    std::vector<DnsStore> stores;
    // One fence for all views: the first that claims it puts it there, the others find it.
    for (const config::DnsView& view : views_of(dns)) {
        auto client = std::make_unique<dnsupdate::etcd::Client>(
            clock,
            dnsupdate::etcd::ClientSettings{.endpoints = dns.etcd.endpoints,
                                            .user = dns.etcd.user,
                                            .password = settings.password,
                                            .timeout = dns.etcd.timeout,
                                            .tls = dns.etcd.tls});
        auto provider = std::make_unique<dnsupdate::EtcdProvider>(
            *client, etcd_layout(dns, view, owner), settings.cluster, store_name(view));
        stores.push_back({.etcd = std::move(client),
                          .provider = std::move(provider),
                          .servers = endpoints_of(view.servers),
                          .view = view.name});
    }
    return stores;
}

}  // namespace muster::orchestrator
