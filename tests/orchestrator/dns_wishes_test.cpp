#include "orchestrator/dns_wishes.hpp"

#include "common/follow/instance_group.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace muster::orchestrator {
namespace {

using dnsupdate::DnsName;
using dnsupdate::MemberId;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const FleetName edge("edge");
const DnsName api("api.muster.test");

/// A fleet of two LBs in one shard, lb2 of them out of rotation.
struct World {
    World() {
        view.control = {.value = {.stamp = {.cluster = "c-1"}}};
        auto spec = std::make_shared<config::FleetSpec>();
        spec->name = edge;
        spec->dns = {{.name = api.str()}};
        follow::FleetView& fleet = view.fleets[edge];
        fleet.head = {.value = {.uid = "u1", .generation = 1}};
        fleet.spec = spec;

        follow::GroupView& group = view.groups[follow::instance_group(edge)];
        group.index = {.value = {.group_uid = "u1", .shards = 1, .shard_size = 16}};
        group.shards[0].members = {
            .value = {.group_uid = "u1",
                      .slots = {{.backend = BackendId("lb1"), .address = "192.0.2.1:80"},
                                {.backend = BackendId("lb2"), .address = "192.0.2.2:80"}}}};
        follow::derive_instance_groups(view);

        auto row = std::make_shared<GroupRow>();
        row->spec = group.spec;
        row->backends = {{.id = BackendId("lb1"), .in_rotation = true},
                         {.id = BackendId("lb2"),
                          .reason = "L4CON",
                          .in_rotation = false,
                          .rotation_reason = znodes::RotationReason::down}};
        snapshot.groups = {row};
    }

    [[nodiscard]] dnsupdate::DesiredRecords wishes(std::vector<std::string> zones = {},
                                                   bool settled = true,
                                                   AllowedAddresses allowed = {}) const {
        return dns_wishes(view, snapshot, zones, allowed, settled);
    }
    [[nodiscard]] std::size_t members(const dnsupdate::DesiredRecords& wishes) const {
        const auto set = wishes.desired.sets.find(api);
        return set == wishes.desired.sets.end() ? 0 : set->second.records.members.size();
    }

    follow::ClusterView view;
    Snapshot snapshot;
};

TEST(DnsWishes, AreTheInstancesInRotationAndWhyTheOthersAreNot) {
    const auto wishes = World().wishes();
    EXPECT_TRUE(wishes.desired.complete);
    const dnsupdate::DesiredSet& set = wishes.desired.sets.at(api);
    ASSERT_EQ(set.records.members.size(), 1U);
    EXPECT_EQ(set.records.members.at(MemberId("edge-lb1")).address, "192.0.2.1");
    EXPECT_THAT(set.left_out.at(MemberId("edge-lb2")), HasSubstr("down (L4CON)"));
    EXPECT_THAT(wishes.problems, IsEmpty());
}

TEST(DnsWishes, SayOfWhatIsInWhetherItServes) {
    for (const auto reason : {znodes::RotationReason::unproven,
                              znodes::RotationReason::panic,
                              znodes::RotationReason::eject_capped}) {
        World world;
        auto row = std::make_shared<GroupRow>(*world.snapshot.groups[0]);
        row->backends[0].rotation_reason = reason;
        world.snapshot.groups = {row};
        EXPECT_THAT(world.wishes().desired.sets.at(api).unproven,
                    ElementsAre(MemberId("edge-lb1")));
    }
    EXPECT_THAT(World().wishes().desired.sets.at(api).unproven, IsEmpty());
}

TEST(DnsWishes, TakeNothingAwayWhileNotAllLbsAreKnown) {
    World world;
    world.view.groups.at(follow::instance_group(edge)).index->value.shards = 2;
    const auto wishes = world.wishes();
    EXPECT_FALSE(wishes.desired.complete);
    EXPECT_TRUE(wishes.desired.sets.contains(api));
    EXPECT_EQ(world.members(wishes), 0U) << "the planner leaves such a name as it is";
    EXPECT_THAT(wishes.problems, ElementsAre(HasSubstr("not all known yet")));

    World other_life;
    other_life.view.groups.at(follow::instance_group(edge)).index->value.group_uid = "u0";
    EXPECT_EQ(other_life.members(other_life.wishes()), 0U);
    World without;
    without.view.groups.clear();
    EXPECT_EQ(without.members(without.wishes()), 0U);
    EXPECT_TRUE(without.wishes().desired.sets.contains(api));
}

TEST(DnsWishes, AreNotCompleteWhileAHeadIsUnread) {
    EXPECT_FALSE(World().wishes({}, false).desired.complete);
    World garbage;
    garbage.view.fleets[FleetName("other")].head =
        follow::Versioned<znodes::GroupHead>{.garbage = true};
    EXPECT_FALSE(garbage.wishes().desired.complete);
    EXPECT_EQ(garbage.members(garbage.wishes()), 1U) << "the other names go on";
    World gone;
    gone.view.fleets.at(edge).head->gone = true;
    EXPECT_FALSE(gone.wishes().desired.complete);
    World deleted;
    deleted.view.fleets.at(edge).head->value.deleted = true;
    EXPECT_TRUE(deleted.wishes().desired.complete);
    EXPECT_THAT(deleted.wishes().desired.sets, IsEmpty());
}

TEST(DnsWishes, LeaveOutAddressesThatMayNotBePublished) {
    World world;
    auto row = std::make_shared<GroupRow>(*world.snapshot.groups[0]);
    row->backends[1].in_rotation = true;
    row->backends[1].rotation_reason = znodes::RotationReason::healthy;
    world.snapshot.groups = {row};
    EXPECT_EQ(world.members(world.wishes()), 2U);
    const auto some = world.wishes({}, true, {*config::parse_address_block("192.0.2.1/32")});
    EXPECT_EQ(world.members(some), 1U) << "the rest of the name goes on";
    EXPECT_THAT(some.problems,
                ElementsAre("lb2 of fleet edge is not published as api.muster.test: 192.0.2.2 is "
                            "in none of dns.allowed_addresses (192.0.2.1/32)"));
    EXPECT_TRUE(some.desired.complete);
    const auto none = world.wishes({}, true, {*config::parse_address_block("10.0.0.0/8")});
    EXPECT_TRUE(none.desired.sets.contains(api));
    EXPECT_EQ(world.members(none), 0U) << "the planner leaves such a name as it is";
}

TEST(DnsWishes, DoNotPublishTheNameOfAnInstance) {
    World world;
    auto spec = std::make_shared<config::FleetSpec>(*world.view.fleets.at(edge).spec);
    for (const char* name : {"edge-lb1.api.muster.test", "edge-lb2.api.muster.test"})
        spec->dns.push_back({.name = name});
    world.view.fleets.at(edge).spec = spec;
    const auto wishes = world.wishes();
    EXPECT_EQ(world.members(wishes), 1U);
    EXPECT_THAT(wishes.problems,
                ElementsAre(HasSubstr("edge-lb1.api.muster.test is the name of an instance"),
                            HasSubstr("edge-lb2.api.muster.test is the name of an instance")));
    for (const char* name : {"edge-lb1.api.muster.test", "edge-lb2.api.muster.test"})
        EXPECT_THAT(wishes.desired.sets.at(DnsName(name)).records.members, IsEmpty());
}

TEST(DnsWishes, StayInTheZones) {
    const World world;
    EXPECT_EQ(world.members(world.wishes({"example.org", "muster.test"})), 1U);
    const auto outside = world.wishes({"example.org", "uster.test"});
    EXPECT_THAT(outside.desired.sets, IsEmpty());
    EXPECT_THAT(outside.problems, ElementsAre(HasSubstr("is in none of the zones")));
    EXPECT_TRUE(is_in_zone("muster.test", "muster.test"));
}

TEST(DnsWishes, HaveTheSharesOfATrafficShift) {
    World world;
    EXPECT_THAT(world.wishes().shared, IsEmpty());
    znodes::TrafficShifts shifts;
    shifts.names[api.str()] = {.to = {{"edge", 100}}, .now = {{"edge", 100}}};
    world.view.shifts = {.value = shifts};
    const dnsupdate::SharedName shared = world.wishes().shared.at(api);
    EXPECT_EQ(shared.asked, (znodes::Percents{{"edge", 100}}));
    EXPECT_EQ(shared.parties,
              (std::map<std::string, dnsupdate::Party>{
                  {"edge", {.known = 2, .good = 1, .percent = 100}}}));

    world.view.shifts->garbage = true;
    EXPECT_THAT(world.wishes().problems, ElementsAre(HasSubstr("can't be read")));
    EXPECT_EQ(world.wishes().shared.size(), 1U) << "the last good ones count";
    world.view.groups[follow::instance_group(edge)].shards.clear();
    EXPECT_THAT(world.wishes().shared, IsEmpty()) << "who is unread is not judged";
}

}  // namespace
}  // namespace muster::orchestrator
