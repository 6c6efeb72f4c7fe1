#include "dnsupdate/dns_drain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

const DnsName api("api.muster.test");
const DnsName www("www.muster.test");
const MemberId one("lb-1");
const MemberId two("lb-2");

SteadyTime at(std::chrono::nanoseconds since_start) {
    return SteadyTime(since_start);
}

std::string address(const MemberId& id) {
    return id == one ? "10.0.0.1" : "10.0.0.2";
}

Observed holds(const std::map<DnsName, std::vector<MemberId>>& sets, Ttl ttl = 30s) {
    Observed store;
    for (const auto& [name, ids] : sets) {
        for (const MemberId& id : ids)
            store.sets[name].members[id] = {.member = {.address = address(id)}, .ttl = ttl};
    }
    return store;
}

std::vector<DnsRecord> a(const std::vector<MemberId>& ids) {
    std::vector<DnsRecord> records;
    for (const MemberId& id : ids)
        records.push_back({.owner = api.str(), .type = "A", .ttl = 30, .data = address(id)});
    return records;
}

/// One name and two servers; begun long ago, so that nothing of an earlier master is left.
class DnsDrainTest : public testing::Test {
 protected:
    static DnsDrain begun(DrainPolicy policy = {}, Ttl ttl = 30s) {
        policy.cache_floor = 5s;
        policy.servers = {"ns1", "ns2"};
        DnsDrain drain(std::move(policy), 0s);
        drain.read(holds({{api, {one, two}}}, ttl), at(0s));
        for (const char* const server : {"ns1", "ns2"})
            drain.answered(server, api, a({one, two}), at(1s));
        return drain;
    }
    static bool out(const DnsDrain& drain, std::chrono::nanoseconds now) {
        return drain.out(two, at(now)).out;
    }
};

TEST_F(DnsDrainTest, IsOverWhenEveryServerHasDroppedItAndTheCachesHaveRunOut) {
    DnsDrain drain = begun();
    EXPECT_THAT(drain.out(two, at(90s)).why, HasSubstr("api.muster.test has its record"));
    drain.read(holds({{api, {one}}}), at(100s));
    EXPECT_THAT(drain.out(two, at(100s)).why, HasSubstr("ns1 has not answered without it"));
    drain.answered("ns1", api, a({one}), at(100'100ms));
    EXPECT_THAT(drain.out(two, at(101s)).why, HasSubstr("ns2 has not answered without it"));
    drain.answered("ns2", api, a({one, two}), at(101s));
    drain.answered("ns2", api, a({one}), at(124s));
    EXPECT_EQ(
        drain.out(two, at(125s)),
        (OutOfDns{.why = "api.muster.test: caches may hold it for another 34 s", .left = 34s}));
    EXPECT_FALSE(out(drain, 159s - 1ns));
    EXPECT_TRUE(out(drain, 159s));
    EXPECT_THAT(drain.out(one, at(159s)).why, HasSubstr("has its record"));
}

TEST_F(DnsDrainTest, CountsFromTheAnswerThatCameAfterTheRemoval) {
    DnsDrain drain = begun();
    drain.answered("ns1", api, a({one}), at(99s));
    drain.read(holds({{api, {one}}}), at(100s));
    drain.answered("ns2", api, a({one}), at(100s));
    EXPECT_THAT(drain.out(two, at(200s)).why, HasSubstr("ns1")) << "that was asked before";
}

TEST_F(DnsDrainTest, BeginsAgainWhenAServerAnswersItAgain) {
    DnsDrain drain = begun();
    drain.read(holds({{api, {one}}}), at(100s));
    for (const char* const server : {"ns1", "ns2"}) drain.answered(server, api, a({one}), at(101s));
    drain.answered("ns2", api, a({two}), at(110s));
    EXPECT_THAT(drain.out(two, at(140s)).why, HasSubstr("ns2"));
    drain.answered("ns2", api, a({one}), at(120s));
    EXPECT_FALSE(out(drain, 154s));
    EXPECT_TRUE(out(drain, 155s));
}

TEST_F(DnsDrainTest, KnowsItInServicesToo) {
    DnsDrain drain = begun();
    drain.read(holds({{api, {one}}}), at(100s));
    const DnsRecord srv{
        .owner = api.str(), .type = "SRV", .data = "10 50 80 lb-2.api.muster.test."};
    for (const char* const server : {"ns1", "ns2"}) drain.answered(server, api, {srv}, at(101s));
    EXPECT_FALSE(out(drain, 1h));
}

TEST_F(DnsDrainTest, TakesTheLongestTtlThatItHadWhileItWasIn) {
    DnsDrain drain = begun({}, 300s);
    drain.read(holds({{api, {one, two}}}, 30s), at(50s));
    drain.read(holds({{api, {one}}}, 30s), at(100s));
    for (const char* const server : {"ns1", "ns2"}) drain.answered(server, api, a({one}), at(101s));
    EXPECT_FALSE(out(drain, 405s));
    EXPECT_TRUE(out(drain, 406s));
    EXPECT_EQ(drain.longest(at(406s)), 300s) << "the other one is in, and was with 300 s";
}

TEST_F(DnsDrainTest, NeedsAllItsNames) {
    DrainPolicy policy{.servers = {"ns1"}, .cache_floor = 5s};
    DnsDrain drain(policy, 0s);
    drain.read(holds({{api, {two}}, {www, {one, two}}}), at(0s));
    drain.answered("ns1", api, {}, at(1s));
    drain.answered("ns1", www, {}, at(1s));
    drain.read(holds({{www, {one, two}}}), at(10s));
    drain.answered("ns1", api, {}, at(11s));
    EXPECT_THAT(drain.out(two, at(1h)).why, HasSubstr("www.muster.test has its record"));
    drain.read(holds({{www, {one}}}), at(2h));
    drain.answered("ns1", www, {}, at(2h + 1s));
    EXPECT_FALSE(out(drain, 2h + 35s));
    EXPECT_TRUE(out(drain, 2h + 36s));
}

TEST_F(DnsDrainTest, WaitsWhileAServerMayAnswerStale) {
    DnsDrain drain = begun();
    drain.read(holds({{api, {one}}}), at(100s));
    for (const char* const server : {"ns1", "ns2"}) drain.answered(server, api, a({one}), at(101s));
    drain.note_server("ns1", true, at(110s));
    EXPECT_TRUE(out(drain, 136s + 1h)) << "then even what was stale has run out";
    EXPECT_FALSE(out(drain, 136s));
    EXPECT_THAT(drain.out(two, at(136s)).why, HasSubstr("ns1 does not answer from its store"));
    drain.note_server("ns1", false, at(140s));
    EXPECT_FALSE(out(drain, 144s)) << "a stale answer has the caches' floor for its TTL";
    EXPECT_TRUE(out(drain, 145s));
}

TEST_F(DnsDrainTest, WaitsTheWindowOutWhereServersAnswerStaleAtOnce) {
    DnsDrain drain = begun({.stale_window = 10min, .stale_always = true});
    drain.read(holds({{api, {one}}}), at(1h));
    for (const char* const server : {"ns1", "ns2"})
        drain.answered(server, api, a({one}), at(1h + 1s));
    EXPECT_FALSE(out(drain, 1h + 36s + 10min - 1ns));
    EXPECT_TRUE(out(drain, 1h + 36s + 10min));
}

TEST_F(DnsDrainTest, OfOneThatComesBackIsForgotten) {
    DnsDrain drain = begun({}, 300s);
    drain.read(holds({{api, {one}}}, 30s), at(100s));
    drain.read(holds({{api, {one, two}}}, 30s), at(110s));
    EXPECT_THAT(drain.leaving(at(111s), 10), IsEmpty());
    EXPECT_FALSE(out(drain, 1h));
    drain.read(holds({{api, {one}}}, 30s), at(120s));
    for (const char* const server : {"ns1", "ns2"}) drain.answered(server, api, a({one}), at(121s));
    EXPECT_FALSE(out(drain, 425s)) << "the caches' 300 s are not over";
    EXPECT_TRUE(out(drain, 426s));
}

TEST_F(DnsDrainTest, IsNotDeceivedByAnotherWithItsAddress) {
    DnsDrain drain = begun();
    Observed store = holds({{api, {one}}});
    store.sets[api].members[MemberId("lb-3")] = {.member = {.address = address(two)}, .ttl = 30s};
    drain.read(store, at(100s));
    for (const char* const server : {"ns1", "ns2"})
        drain.answered(server, api, a({one, two}), at(101s));
    EXPECT_TRUE(out(drain, 136s)) << "that address is lb-3 now";
}

TEST_F(DnsDrainTest, OfWhatAnEarlierMasterRemovedWaitsForItsTtls) {
    DnsDrain drain({.servers = {"ns1"}, .cache_floor = 5s}, 300s);
    EXPECT_THAT(drain.out(two, at(0s)).why, HasSubstr("not been read"));
    drain.read(holds({{api, {one}}}), at(10s));
    EXPECT_THAT(drain.out(two, at(1h)).why, HasSubstr("ns1 has not been asked for all names"));
    drain.answered("ns1", api, a({one}), at(9s));
    EXPECT_THAT(drain.out(two, at(1h)).why, HasSubstr("ns1")) << "asked before the reading";
    drain.answered("ns1", api, a({one}), at(12s));
    EXPECT_EQ(drain.longest(at(200s)), 300s);
    EXPECT_FALSE(out(drain, 316s));
    EXPECT_TRUE(out(drain, 317s));
    EXPECT_EQ(drain.longest(at(317s)), 30s);
}

TEST_F(DnsDrainTest, TellsWhichAnswersItStillNeeds) {
    DnsDrain drain({.servers = {"ns1", "ns2"}, .cache_floor = 5s}, 0s);
    EXPECT_THAT(drain.open("ns1"), IsEmpty());
    drain.read(holds({{api, {one, two}}, {www, {one}}}), at(0s));
    EXPECT_EQ(drain.open("ns1"), (std::set<DnsName>{api, www}));
    for (const char* const server : {"ns1", "ns2"}) {
        drain.answered(server, api, a({one, two}), at(1s));
        drain.answered(server, www, a({one}), at(1s));
    }
    EXPECT_THAT(drain.open("ns1"), IsEmpty());
    drain.read(holds({{api, {one, two}}}), at(2s));
    drain.answered("ns2", www, {}, at(3s));
    EXPECT_EQ(drain.open("ns1"), (std::set<DnsName>{www}));
    EXPECT_THAT(drain.open("ns2"), IsEmpty());
    EXPECT_THAT(drain.open("ns3"), IsEmpty());
}

TEST_F(DnsDrainTest, WithoutServersGoesByTheStoreAlone) {
    DnsDrain drain({.cache_floor = 5s}, 0s);
    drain.read(holds({{api, {one, two}}}), at(0s));
    drain.read(holds({{api, {one}}}), at(100s));
    EXPECT_FALSE(out(drain, 134s));
    EXPECT_TRUE(out(drain, 135s));
}

TEST_F(DnsDrainTest, TellsWhoIsLeaving) {
    DnsDrain drain = begun();
    EXPECT_THAT(drain.leaving(at(50s), 10), IsEmpty());
    drain.read(holds({{api, {}}, {www, {one}}}), at(100s));
    const auto leaving = drain.leaving(at(100s), 10);
    ASSERT_EQ(leaving.size(), 2U);
    EXPECT_THAT(leaving.at(two).why, HasSubstr("ns1"));
    EXPECT_THAT(leaving.at(one).why, HasSubstr("www.muster.test has its record"));
    EXPECT_EQ(drain.leaving(at(100s), 1).size(), 1U);
}

}  // namespace
}  // namespace muster::dnsupdate
