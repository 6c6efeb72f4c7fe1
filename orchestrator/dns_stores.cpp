#include "orchestrator/dns_stores.hpp"

#include "dnsupdate/etcd_provider.hpp"
#include "dnsupdate/rfc2136_provider.hpp"
#include "orchestrator/dns_wishes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
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

DnsStore etcd_store(Clock& clock,
                    const DnsDutySettings& settings,
                    const config::DnsView& view,
                    const std::string& owner) {
    const config::DnsEtcdSettings& etcd = *settings.dns.etcd;
    dnsupdate::EtcdLayout layout{.root = view.root, .owner = owner};
    for (const std::string& zone : settings.dns.zones) layout.zones.emplace_back(zone);
    auto client = std::make_unique<dnsupdate::etcd::Client>(
        clock,
        dnsupdate::etcd::ClientSettings{.endpoints = etcd.endpoints,
                                        .user = etcd.user,
                                        .password = settings.password,
                                        .timeout = etcd.timeout,
                                        .tls = etcd.tls});
    auto provider = std::make_unique<dnsupdate::EtcdProvider>(
        *client, std::move(layout), settings.cluster, store_name(view));
    return {.etcd = std::move(client),
            .provider = std::move(provider),
            .servers = endpoints_of(view.servers),
            .holding = {.view = view.name,
                        .zones = {.zones = settings.dns.zones},
                        .canary = settings.dns.canary}};
}

/// Zones of the same server that lie within `zone`: there they are cut out of it.
std::vector<std::string> zones_within(const config::DnsSettings& dns,
                                      const std::string& server,
                                      const std::string& zone) {
    std::vector<std::string> within;
    for (const config::DnsUpdateServer& other : dns.rfc2136) {
        if (other.server != server) continue;
        for (const std::string& inner : other.zones) {
            if (inner != zone && is_in_zone(inner, zone)) within.push_back(inner);
        }
    }
    return within;
}

}  // namespace

std::vector<config::DnsView> views_of(const config::DnsSettings& dns) {
    std::vector<config::DnsView> views{
        {.root = dns.etcd ? dns.etcd->root : "", .servers = dns.servers}};
    views.insert(views.end(), dns.views.begin(), dns.views.end());
    return views;
}

bool holds(const DnsZones& zones, const std::string& name) {
    const auto in_zone = [&](const std::string& zone) { return is_in_zone(name, zone); };
    return (zones.zones.empty() || std::ranges::any_of(zones.zones, in_zone)) &&
           std::ranges::none_of(zones.except, in_zone);
}

dnsupdate::DesiredRecords share_of(const DnsZones& zones, dnsupdate::DesiredRecords wishes) {
    std::erase_if(wishes.desired.sets,
                  [&](const auto& one) { return !holds(zones, one.first.str()); });
    return wishes;
}

std::vector<DnsStore> make_dns_stores(Clock& clock,
                                      const DnsDutySettings& settings,
                                      const std::string& uuid) {
    const std::string owner = "muster/" + uuid;
    std::vector<DnsStore> stores;
    // One fence for all views: the first that claims it puts it there, the others find it.
    if (settings.dns.etcd)
        for (const config::DnsView& view : views_of(settings.dns))
            stores.push_back(etcd_store(clock, settings, view, owner));
    for (std::size_t i = 0; i < settings.dns.rfc2136.size(); ++i) {
        const config::DnsUpdateServer& server = settings.dns.rfc2136[i];
        const auto address = config::parse_endpoint(server.server);
        if (!address) continue;  // the settings' decoder takes none
        for (const std::string& zone : server.zones) {
            auto provider = std::make_unique<dnsupdate::Rfc2136Provider>(
                clock,
                dnsupdate::Rfc2136Settings{.server = *address,
                                           .zone = dnsupdate::DnsName(zone),
                                           .key_name = server.key,
                                           .secret = settings.key_secrets.at(i),
                                           .timeout = server.timeout,
                                           .transfer_timeout = 10 * server.timeout},
                owner,
                fmt::format("rfc2136:{}:{}", server.server, zone));
            stores.push_back({.provider = std::move(provider),
                              .servers = server.servers.empty() ? std::vector{*address}
                                                                : endpoints_of(server.servers),
                              .holding = {.zones = {.zones = {zone},
                                                    .except = zones_within(
                                                        settings.dns, server.server, zone)}}});
        }
    }
    return stores;
}

std::vector<std::string> published_zones(const config::DnsSettings& dns) {
    if (dns.etcd && dns.zones.empty()) return {};
    std::set<std::string> zones(dns.zones.begin(), dns.zones.end());
    for (const config::DnsUpdateServer& server : dns.rfc2136)
        zones.insert(server.zones.begin(), server.zones.end());
    return {zones.begin(), zones.end()};
}

}  // namespace muster::orchestrator
