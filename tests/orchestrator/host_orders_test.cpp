// What a host is to make and remove for a fleet, by the tree alone.
#include "orchestrator/actuator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::orchestrator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using znodes::InstancePhase;

const FleetName edge("edge");
const NodeId host("n1");

follow::ManagedFleet managed() {
    follow::ManagedFleet fleet{.made = true};
    fleet.state = follow::Versioned<znodes::FleetState>{.value = {.fleet_uid = "u1"}};
    return fleet;
}

void record(follow::ManagedFleet& fleet, const char* id, InstancePhase phase) {
    fleet.instances[InstanceId(id)] = {.value = {.fleet_uid = "u1",
                                                 .phase = phase,
                                                 .token = "u1.x",
                                                 .provider = "local",
                                                 .host = host.str()}};
}

HostOrders orders(const follow::ManagedFleet& fleet, const std::vector<scaler::Machine>& here) {
    return orders_of(fleet, edge, "u1", host, "local", {}, here);
}

TEST(HostOrders, AreWhatRecordsSay) {
    follow::ManagedFleet fleet = managed();
    record(fleet, "edge-1-1", InstancePhase::creating);
    record(fleet, "edge-1-2", InstancePhase::deleting);
    record(fleet, "edge-1-3", InstancePhase::serving);
    const HostOrders found = orders(fleet,
                                    {{.id = InstanceId("edge-1-2"), .token = "u1.x"},
                                     {.id = InstanceId("edge-1-3"), .token = "u1.x"}});
    ASSERT_EQ(found.create.size(), 1U);
    EXPECT_EQ(found.create[0].id.str(), "edge-1-1");
    EXPECT_EQ(found.create[0].token, "u1.x");
    EXPECT_THAT(found.remove, ElementsAre(InstanceId("edge-1-2")));
    EXPECT_THAT(orders(fleet, {{.id = InstanceId("edge-1-2"), .token = "u1.other"}}).remove,
                IsEmpty())
        << "its name, and another life";
}

/// A master may have condemned by the name alone.
TEST(HostOrders, RemoveACondemnedMachineOnlyIfItsTokenIsTheFleets) {
    follow::ManagedFleet fleet = managed();
    const InstanceId stray("edge-7-1");
    fleet.state->value.orphans[stray] = {.condemned = WallTime{}};
    for (const auto& [token, removed] :
         {std::pair{"u1.x", true}, {"u2.x", false}, {"u1", false}, {"u11.x", false}, {"", false}})
        EXPECT_EQ(orders(fleet, {{.id = stray, .token = token}}).remove.size(), removed ? 1U : 0U)
            << token;
    fleet.state->value.orphans[stray].condemned.reset();
    EXPECT_THAT(orders(fleet, {{.id = stray, .token = "u1.x"}}).remove, IsEmpty());
}

}  // namespace
}  // namespace muster::orchestrator
