#include "orchestrator/dns_mark.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <set>
#include <string>

namespace muster::orchestrator {
namespace {

const znodes::Stamp stamp{.cluster = "c-1", .token = 5, .writer = "node-a", .sequence = 1};

/// With last good sets of about so many bytes.
dnsupdate::StoreMark mark_with(std::size_t bytes) {
    dnsupdate::StoreMark mark{.born = true, .revision = 7};
    for (std::size_t i = 0; i < bytes / 100; ++i) {
        dnsupdate::RecordSet& set =
            mark.last_good[dnsupdate::DnsName("n" + std::to_string(i) + ".example.org")];
        set.ttl = std::chrono::seconds(30);
        set.members[dnsupdate::MemberId("lb-1")] = {.address = "192.0.2.1", .port = 80};
    }
    return mark;
}

bool can_be_read(const znodes::DnsState& state) {
    return znodes::decode<znodes::DnsState>(znodes::encode(state), "c-1").has_value();
}

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
    EXPECT_EQ(mark_in(state, "etcd", {}).longest_ttl, std::chrono::seconds(30));
    EXPECT_EQ(mark_in(state, "zone", {}), dnsupdate::StoreMark{});
    EXPECT_EQ(mark_in(state, "zone", {}).longest_ttl, dnsupdate::DnsDrain::longest_possible);
}

TEST(DnsMark, OfAViewHasWhatTheOthersKnowOfTheFence) {
    const znodes::DnsState state{
        .stores = {{"etcd", {.born = true, .revision = 7, .term = 2, .longest_ttl = 30}},
                   {"etcd-lan", {.born = true, .revision = 9, .term = 3, .longest_ttl = 60}},
                   {"gone", {.born = true, .revision = 99}}}};
    const std::set<std::string> views{"etcd", "etcd-lan", "etcd-new"};
    EXPECT_EQ(mark_in(state, "etcd-new", views),
              (dnsupdate::StoreMark{.born = true, .revision = 9, .term = 3}));
    EXPECT_EQ(
        mark_in(state, "etcd", views),
        (dnsupdate::StoreMark{
            .born = true, .revision = 9, .term = 3, .longest_ttl = std::chrono::seconds(30)}));
    EXPECT_FALSE(mark_in(state, "zone", views).born);
    EXPECT_FALSE(mark_in({}, "etcd-new", views).born);
}

TEST(DnsMark, IsWrittenOnlyWhenItIsAnother) {
    const dnsupdate::StoreMark mark{.born = true, .revision = 7};
    const znodes::DnsState before{.stamp = stamp,
                                  .stores = {{"etcd", {.born = true, .revision = 9}}}};
    const auto written = with_mark(before, "zone", mark, {});
    ASSERT_TRUE(written);
    EXPECT_EQ(written->stores.at("etcd"), before.stores.at("etcd"));
    EXPECT_EQ(mark_of(written->stores.at("zone")), mark);
    EXPECT_FALSE(with_mark(*written, "zone", mark, {}));
    EXPECT_TRUE(with_mark(*written, "zone", {.born = true, .revision = 8}, {}));
}

TEST(DnsMark, OfManyStoresCanBeReadAgain) {
    std::set<std::string> configured;
    for (int i = 0; i < 41; ++i) configured.insert("zone-" + std::to_string(i));
    znodes::DnsState state{.stamp = stamp};
    for (const std::string& store : configured)
        state = with_mark(state, store, mark_with(48UZ << 10U), configured).value();
    EXPECT_TRUE(can_be_read(state));
    EXPECT_EQ(state.stores.size(), 41U);
    for (const auto& [name, store] : state.stores) EXPECT_EQ(store.revision, 7) << name;
}

TEST(DnsMark, OfAStoreThatLeftTheSettingsGoesFirstWhenThereIsNoRoom) {
    znodes::DnsState state{.stamp = stamp};
    const std::set<std::string> configured{"etcd"};
    for (int i = 0; i < 64; ++i) {
        const std::string old = "old-" + std::to_string(i);
        state = with_mark(state, old, {.born = true}, configured).value();
    }
    EXPECT_EQ(state.stores.size(), 64U) << "it may come back, and another node may have it still";
    const auto full = with_mark(state, "etcd", mark_with(10'000), configured).value();
    EXPECT_TRUE(can_be_read(full));
    ASSERT_EQ(full.stores.size(), 1U);
    EXPECT_EQ(full.stores.at("etcd").last_good.size(), 100U);
}

TEST(DnsMark, TheOthersAreWrittenBackWhereTheZnodeIsGarbage) {
    const znodes::DnsState known{.stamp = stamp,
                                 .stores = {{"etcd", {.born = true}}, {"zone", {.born = true}}}};
    const Result<znodes::DnsState> garbage = znodes::decode<znodes::DnsState>("garbage", "c-1");
    const auto next =
        with_mark(state_to_extend(garbage, known, "zone"), "zone", {.born = true}, {});
    ASSERT_TRUE(next) << "also when this store's is as it was";
    EXPECT_EQ(next->stores, known.stores);
    EXPECT_EQ(state_to_extend(znodes::DnsState{}, known, "zone"), znodes::DnsState{});
}

}  // namespace
}  // namespace muster::orchestrator
