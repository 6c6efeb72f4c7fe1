#include "orchestrator/dns_gauges.hpp"
#include "tests/api/api_case.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using dnsupdate::DnsName;
using dnsupdate::MemberId;
using test::ApiCase;
using test::at;
using test::request;
using testing::HasSubstr;

const DnsName name("api.example.org");

/// A master that has just removed lb-2, which its server does not show yet.
dnsupdate::UpdaterStatus publishing() {
    auto round = std::make_shared<dnsupdate::Round>();
    round->time = WallTime(1'767'225'600s);
    round->desired.desired.complete = true;
    round->desired.problems = {"x is in none of the zones example.org"};
    dnsupdate::DesiredSet& set = round->desired.desired.sets[name];
    set.records.members[MemberId("edge-lb-1")] = {.address = "192.0.2.1", .port = 80};
    set.left_out[MemberId("edge-lb-2")] = "down (L4CON)";
    auto& there = round->observed.sets[name].members;
    there[MemberId("edge-lb-1")].member = {.address = "192.0.2.1", .port = 80};
    there[MemberId("edge-lb-2")].member = {.address = "2001:db8::2", .port = 80};
    round->observed.strays = {{.key = "/skydns/x", .version = "1", .what = "is not ours"}};
    round->lines = {{.act = dnsupdate::PlanLine::Act::hold,
                     .name = name,
                     .what = "edge-lb-2",
                     .why = "enough is removed"}};
    round->removals_held = 1;
    return {.provider = "etcd",
            .stage = dnsupdate::Stage::publishing,
            .token = {.era = 1, .epoch = 7},
            .claim = dnsupdate::Claim::raise,
            .round = round,
            .servers = {{.address = "192.0.2.53:53",
                         .asked = true,
                         .wrong = "api.example.org A: still answers 192.0.2.2",
                         .shown = 250ms,
                         .canary = {.health = dnsupdate::CanaryState::Health::down,
                                    .failures = 2,
                                    .wrong = "no answer in time"}}},
            .leaving = {{MemberId("edge-lb-3"), {.why = "caches may hold it", .left = 34s}}},
            .counters = {.rounds = 4, .added = 2, .removed = 1}};
}

Snapshot with(Snapshot snapshot, std::vector<dnsupdate::UpdaterStatus> stores) {
    auto row = std::make_shared<DnsRow>();
    row->zones = {"example.org"};
    row->stores = std::move(stores);
    snapshot.dns = row;
    return snapshot;
}

TEST(Dns, SaysWhatIsPublishedWhatIsHeldAndWhatServersAnswer) {
    ApiCase api;
    api.publish(with(*api.slot.newest(), {publishing()}));
    const auto body = api.json(request("GET", "/api/v1/dns"));
    EXPECT_EQ(at(body, "/configured"), "true");
    EXPECT_EQ(at(body, "/zones"), R"(["example.org"])");
    EXPECT_EQ(
        at(body, "/names/0"),
        R"j({"name":"api.example.org","store":"etcd","ttl":30,)j"
        R"j("desired":[{"member":"edge-lb-1","address":"192.0.2.1:80"}],)j"
        R"j("observed":[{"member":"edge-lb-1","address":"192.0.2.1:80"},)j"
        R"j({"member":"edge-lb-2","address":"[2001:db8::2]:80"}],"same":false,)j"
        R"j("left_out":{"edge-lb-2":"down (L4CON)"},"held":["edge-lb-2: enough is removed"]})j");
    EXPECT_EQ(at(body, "/stores/0/stage"), R"("publishing")");
    EXPECT_EQ(at(body, "/stores/0/claim"), R"("raise")");
    EXPECT_EQ(at(body, "/stores/0/epoch"), "7");
    EXPECT_EQ(at(body, "/stores/0/removals_held"), "1");
    EXPECT_EQ(at(body, "/stores/0/strays/0/key"), R"("/skydns/x")");
    EXPECT_EQ(at(body, "/stores/0/servers/0/visible_after_seconds"), "2.5E-1");
    EXPECT_EQ(at(body, "/stores/0/servers/0/canary"),
              R"({"health":"down","since":null,"wrong":"no answer in time",)"
              R"("answered_in_seconds":null})");
    EXPECT_THAT(at(body, "/stores/0/servers/0/wrong"), HasSubstr("still answers"));
    EXPECT_EQ(at(body, "/stores/0/leaving"),
              R"([{"member":"edge-lb-3","why":"caches may hold it","at_least_seconds":3.4E1}])");
    EXPECT_THAT(at(body, "/stores/0/problems/0"), HasSubstr("none of the zones"));
}

TEST(Dns, SaysWhoPublishesWhereThisNodeDoesNot) {
    ApiCase api;
    auto body = api.json(request("GET", "/api/v1/dns"));
    EXPECT_EQ(at(body, "/configured"), "false");
    EXPECT_EQ(at(body, "/names"), "[]");
    api.publish(with(*api.slot.newest(), {}));
    body = api.json(request("GET", "/api/v1/dns"));
    EXPECT_EQ(at(body, "/configured"), "true");
    EXPECT_EQ(at(body, "/is_master"), "false");
    EXPECT_EQ(at(body, "/master"), R"({"node":"n2","api_address":"127.0.0.1:9700"})");
}

TEST(DnsGauges, CountOnThroughTermsOfOfficeAndFallToZeroWithoutOne) {
    metrics::Registry registry;
    DnsGauges gauges(registry);
    gauges.take(with({}, {publishing()}));
    EXPECT_THAT(registry.text(), HasSubstr("muster_dns_publishing{store=\"etcd\"} 1"));
    EXPECT_THAT(registry.text(), HasSubstr("muster_dns_names_differing{store=\"etcd\"} 1"));
    EXPECT_THAT(registry.text(), HasSubstr("muster_dns_rounds_total{store=\"etcd\"} 4"));
    EXPECT_THAT(registry.text(),
                HasSubstr("muster_dns_server_up{server=\"192.0.2.53:53\",store=\"etcd\"} 0"));
    EXPECT_THAT(registry.text(),
                HasSubstr("muster_dns_server_right{server=\"192.0.2.53:53\",store=\"etcd\"} 0"));
    gauges.take(with({}, {}));
    EXPECT_THAT(registry.text(), HasSubstr("muster_dns_publishing{store=\"etcd\"} 0"));
    dnsupdate::UpdaterStatus next = publishing();
    next.counters.rounds = 1;
    gauges.take(with({}, {next}));
    EXPECT_THAT(registry.text(), HasSubstr("muster_dns_rounds_total{store=\"etcd\"} 5"));
}

}  // namespace
}  // namespace muster::orchestrator
