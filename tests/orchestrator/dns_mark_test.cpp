#include "orchestrator/dns_mark.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace muster::orchestrator {
namespace {

TEST(DnsMark, ComesBackAsItWent) {
    dnsupdate::StoreMark mark{.born = true, .revision = 7, .term = 2};
    dnsupdate::RecordSet& set = mark.last_good[dnsupdate::DnsName("api.example.org")];
    set.ttl = std::chrono::seconds(5);
    set.members[dnsupdate::MemberId("lb-1")] = {
        .address = "2001:db8::1", .port = 443, .priority = 20, .weight = 33};
    EXPECT_EQ(mark_of(kept_form(mark)), mark);
}

TEST(DnsMark, LeavesOutWhatNobodyCouldPublish) {
    const znodes::DnsSetKept good{.members = {{"lb-1", {.address = "192.0.2.1"}}}};
    znodes::DnsStore kept{.born = true,
                          .last_good = {{"api.example.org", good},
                                        {"UP.example.org", good},
                                        {"any.example.org", good},
                                        {"a..b", good},
                                        {"", good},
                                        {"none.example.org", {}}}};
    kept.last_good["api.example.org"].members["../x"] = {.address = "192.0.2.2"};
    kept.last_good["api.example.org"].members["lb-3"] = {.address = "0.0.0.0"};
    kept.last_good["api.example.org"].members["lb-4"] = {.address = "not an address"};
    const dnsupdate::StoreMark mark = mark_of(kept);
    ASSERT_EQ(mark.last_good.size(), 1U);
    EXPECT_EQ(mark.last_good.begin()->second.members.size(), 1U);
}

TEST(DnsMark, OfAStoreThatIsNotThereKnowsNothing) {
    const znodes::DnsState state{.stores = {{"etcd", {.born = true, .longest_ttl = 30}}}};
    EXPECT_EQ(mark_in(state, "etcd").longest_ttl, std::chrono::seconds(30));
    EXPECT_EQ(mark_in(state, "zone"), dnsupdate::StoreMark{});
    EXPECT_EQ(mark_in(state, "zone").longest_ttl, dnsupdate::DnsDrain::longest_possible);
}

TEST(DnsMark, IsWrittenOnlyWhenItIsAnother) {
    const dnsupdate::StoreMark mark{.born = true, .revision = 7};
    const znodes::DnsState before{.stores = {{"etcd", {.born = true, .revision = 9}}}};
    const auto written = with_mark(before, "zone", mark);
    ASSERT_TRUE(written);
    EXPECT_EQ(written->stores.at("etcd"), before.stores.at("etcd"));
    EXPECT_EQ(mark_of(written->stores.at("zone")), mark);
    EXPECT_FALSE(with_mark(*written, "zone", mark));
    EXPECT_TRUE(with_mark(*written, "zone", {.born = true, .revision = 8}));
}

}  // namespace
}  // namespace muster::orchestrator
