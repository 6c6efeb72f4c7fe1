#include "orchestrator/dns_stores.hpp"

#include "common/base/asio_clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::orchestrator {
namespace {

using dnsupdate::DnsName;
using testing::ElementsAre;
using testing::IsEmpty;

config::DnsSettings both() {
    config::DnsSettings dns;
    dns.etcd.emplace();
    dns.zones = {"muster.test"};
    dns.servers = {"192.0.2.1:53"};
    dns.rfc2136 = {{.server = "192.0.2.53:53",
                    .zones = {"muster.test", "eu.muster.test"},
                    .key = "muster",
                    .servers = {"192.0.2.54:53", "192.0.2.55:53"}},
                   {.server = "192.0.2.63:53", .zones = {"example.org"}, .key = "muster"}};
    return dns;
}

std::vector<DnsStore> stores(Clock& clock, const config::DnsSettings& dns) {
    const std::string secret = "bXVzdGVyLXRlc3RzLW11c3Rlci10ZXN0cy1tdXN0ZXI=";
    return make_dns_stores(
        clock, {.dns = dns, .cluster = "main", .key_secrets = {secret, secret}}, "c-1");
}

TEST(DnsStores, AreEtcdAndEachZoneOfEachServer) {
    AsioClock clock;
    std::vector<std::string> names;
    std::vector<std::size_t> asked;
    for (const DnsStore& store : stores(clock, both())) {
        names.push_back(store.provider->name());
        asked.push_back(store.servers.size());
    }
    EXPECT_THAT(names,
                ElementsAre("etcd",
                            "rfc2136:192.0.2.53:53:muster.test",
                            "rfc2136:192.0.2.53:53:eu.muster.test",
                            "rfc2136:192.0.2.63:53:example.org"));
    EXPECT_THAT(asked, ElementsAre(1U, 2U, 2U, 1U)) << "the primary where no others are named";
    config::DnsSettings without = both();
    without.etcd.reset();
    EXPECT_EQ(stores(clock, without).size(), 3U);
}

TEST(DnsStores, HoldTheNamesOfTheirZones) {
    AsioClock clock;
    dnsupdate::DesiredRecords wishes{.desired = {.complete = true}, .problems = {"one"}};
    for (const char* name : {"api.muster.test", "api.eu.muster.test", "www.example.org"})
        wishes.desired.sets[DnsName(name)];
    std::vector<std::vector<std::string>> held;
    for (const DnsStore& store : stores(clock, both())) {
        const dnsupdate::DesiredRecords share = share_of(store.holding.zones, wishes);
        EXPECT_TRUE(share.desired.complete);
        EXPECT_EQ(share.problems, wishes.problems);
        auto& names = held.emplace_back();
        for (const auto& [name, set] : share.desired.sets) names.push_back(name.str());
    }
    EXPECT_THAT(held,
                ElementsAre(ElementsAre("api.eu.muster.test", "api.muster.test"),
                            ElementsAre("api.muster.test"),
                            ElementsAre("api.eu.muster.test"),
                            ElementsAre("www.example.org")))
        << "a zone within a zone of the same server is cut out of it";
}

TEST(DnsStores, TogetherPublishInTheZonesOfAll) {
    EXPECT_THAT(published_zones(both()),
                ElementsAre("eu.muster.test", "example.org", "muster.test"));
    config::DnsSettings any = both();
    any.zones.clear();
    EXPECT_THAT(published_zones(any), IsEmpty()) << "etcd takes any";
    any.etcd.reset();
    EXPECT_THAT(published_zones(any), ElementsAre("eu.muster.test", "example.org", "muster.test"));
}

}  // namespace
}  // namespace muster::orchestrator
