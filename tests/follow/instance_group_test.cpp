#include "common/follow/instance_group.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace muster::follow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const FleetName edge("edge");
const GroupName at_edge("@edge");

config::FleetSpec edge_fleet() {
    return {.name = edge,
            .listeners = {{.name = "main", .port = 80, .group = GroupName("web")},
                          {.name = "own",
                           .address = "10.0.0.2",
                           .port = 81,
                           .mode = config::ListenMode::tcp,
                           .group = GroupName("web")}}};
}

Instance at(const std::string& id, const std::string& address) {
    return {.id = BackendId(id), .address = address, .port = 80};
}

/// Fleet "edge" of generation 3, whose members are these slots.
ClusterView view_of(std::vector<znodes::Slot> slots) {
    ClusterView view;
    FleetView& fleet = view.fleets[edge];
    fleet.head.emplace().value = {.uid = "u1", .generation = 3, .spec = "{}", .chunks = {"c"}};
    fleet.spec = std::make_shared<config::FleetSpec>(edge_fleet());
    fleet.spec_generation = 3;
    view.groups[at_edge].shards[0].members.emplace().value = {.group_uid = "u1",
                                                              .slots = std::move(slots)};
    return view;
}

TEST(InstanceGroup, IsNamedByItsFleet) {
    EXPECT_EQ(instance_group(edge), at_edge);
    EXPECT_EQ(fleet_of(at_edge), edge);
    EXPECT_EQ(fleet_of(GroupName("edge")), std::nullopt);
}

TEST(InstanceGroup, HasTheInstancesAsTheFleetListsThem) {
    config::FleetSpec fleet = edge_fleet();
    fleet.instances = {{.id = InstanceId("b"),
                        .address = "192.0.2.1",
                        .port = 443,
                        .weight = 5,
                        .zone = "z",
                        .admin = config::Admin::drain}};
    const config::GroupSpec group =
        spec_of_instances(fleet, {at("b", "10.0.0.9"), at("a", "10.0.0.1")});
    EXPECT_EQ(group.name, at_edge);
    ASSERT_THAT(group.backends, SizeIs(2));
    EXPECT_EQ(group.backends[0],
              (config::Backend{.id = BackendId("a"), .address = "10.0.0.1", .port = 80}));
    EXPECT_EQ(group.backends[1],
              (config::Backend{.id = BackendId("b"),
                               .address = "192.0.2.1",
                               .port = 443,
                               .weight = 5,
                               .zone = "z",
                               .admin = config::Admin::drain,
                               .listed = true}));
}

TEST(InstanceGroup, GivesTheOneThatAListenerIsBoundToACheckOfItsOwn) {
    const config::GroupSpec group =
        spec_of_instances(edge_fleet(), {at("a", "10.0.0.1"), at("b", "10.0.0.2")});
    EXPECT_FALSE(group.backends[0].check);
    ASSERT_TRUE(group.backends[1].check);
    const auto parts = [](const config::CheckSpec& check) {
        return std::get<config::CompositeCheck>(check.probe.kind).parts.size();
    };
    EXPECT_EQ(parts(group.check), 1U);
    EXPECT_EQ(parts(group.backends[1].check->check), 2U);
}

TEST(InstanceGroup, FollowsFromHeadAndMembers) {
    ClusterView view =
        view_of({{.backend = BackendId("a"), .address = "10.0.0.1:80"},
                 {.backend = BackendId("gone"), .address = "10.0.0.3:80", .tombstone = true},
                 {.backend = BackendId("b"), .address = "[2001:db8::1]:80"}});
    derive_instance_groups(view);
    const GroupView& group = view.groups.at(at_edge);
    ASSERT_TRUE(group.live());
    EXPECT_EQ(group.head->value.uid, "u1");
    EXPECT_THAT(group.head->value.chunks, IsEmpty());
    EXPECT_EQ(group.spec_generation, 3);
    EXPECT_THAT(instances_of(group), ElementsAre(at("a", "10.0.0.1"), at("b", "2001:db8::1")));
    EXPECT_THAT(group.spec->backends, SizeIs(2));
    // The same object, for as long as it is the same: nobody begins anew.
    const auto before = group.spec;
    derive_instance_groups(view);
    EXPECT_EQ(group.spec, before);
}

TEST(InstanceGroup, MakesNothingOfRubbishAmongTheMembers) {
    ClusterView view = view_of({{.backend = BackendId("a"), .address = "10.0.0.1:80"},
                                {.backend = BackendId("a"), .address = "10.0.0.2:80"},
                                {.backend = BackendId("b"), .address = "?"},
                                {.backend = BackendId("c"), .address = ""}});
    derive_instance_groups(view);
    EXPECT_THAT(instances_of(view.groups.at(at_edge)), ElementsAre(at("a", "10.0.0.1")));
    // Those of an earlier fleet of that name are none of this one.
    view.fleets.at(edge).head->value.uid = "u2";
    derive_instance_groups(view);
    EXPECT_THAT(instances_of(view.groups.at(at_edge)), IsEmpty());
}

TEST(InstanceGroup, EndsWithItsFleetAndStaysWithoutAWordOnIt) {
    ClusterView view = view_of({{.backend = BackendId("a"), .address = "10.0.0.1:80"}});
    derive_instance_groups(view);
    const FleetView fleet = view.fleets.at(edge);
    view.fleets.clear();
    derive_instance_groups(view);
    EXPECT_TRUE(view.groups.at(at_edge).live());
    view.fleets[edge] = fleet;
    view.fleets[edge].head->value.deleted = true;
    derive_instance_groups(view);
    EXPECT_FALSE(view.groups.at(at_edge).live());
    EXPECT_TRUE(view.groups.at(at_edge).head->value.deleted);
}

}  // namespace
}  // namespace muster::follow
