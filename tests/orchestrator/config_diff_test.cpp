#include "orchestrator/config_diff.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace muster::orchestrator {
namespace {

using Texts = std::vector<std::string>;

config::FleetSpec edge() {
    return {.name = FleetName("edge"),
            .listeners = {{.name = "web",
                           .port = 80,
                           .routes = {{.host = "a.org", .path = "/p", .group = GroupName("a")},
                                      {.path = "/q", .group = GroupName("b")}},
                           .group = GroupName("web")}}};
}

TEST(FleetDiff, OfEqualFleetsIsEmpty) {
    EXPECT_EQ(describe_changes(edge(), edge()), Texts{});
}

TEST(FleetDiff, TellsOfListenersThatCameAndWent) {
    config::FleetSpec after = edge();
    after.listeners[0].name = "other";
    EXPECT_EQ(describe_changes(edge(), after),
              (Texts{"listener web removed", "listener other added"}));
}

TEST(FleetDiff, TellsOfFieldsByTheirPath) {
    config::FleetSpec after = edge();
    after.listeners[0].port = 8080;
    after.listeners[0].limits.connections = 100;
    after.listeners[0].tls.certificates = {"/a.pem"};
    EXPECT_EQ(describe_changes(edge(), after),
              (Texts{R"(listener web: bind: ":80" -> ":8080")",
                     "listener web: limits.connections: 0 -> 100",
                     R"(listener web: tls.certificates: (absent) -> ["/a.pem"])",
                     R"(listener web: tls.minimum: (absent) -> "1.2")"}));
}

TEST(FleetDiff, TellsOfRoutesOneByOne) {
    config::FleetSpec after = edge();
    after.listeners[0].routes[1].group = GroupName("c");
    EXPECT_EQ(
        describe_changes(edge(), after),
        (Texts{"listener web: route */q to b removed", "listener web: route */q to c added"}));
}

TEST(FleetDiff, TellsOfInstancesAndTheirHealth) {
    config::FleetSpec before = edge();
    before.instances = {{.id = InstanceId("lb1"), .address = "192.0.2.1", .port = 80},
                        {.id = InstanceId("lb2"), .address = "192.0.2.2", .port = 80}};
    config::FleetSpec after = before;
    after.instances[0].weight = 50;
    after.instances[1].id = InstanceId("lb3");
    after.health.agent_port = 9710;
    after.health.fall = 5;
    EXPECT_EQ(describe_changes(before, after),
              (Texts{"instance lb1: weight: 100 -> 50",
                     "instance lb2 removed",
                     "instance lb3 added",
                     "health.agent_port: (absent) -> 9710",
                     "health.fall: 3 -> 5"}));
}

TEST(FleetDiff, TellsOfPublishedNames) {
    config::FleetSpec before = edge();
    before.dns = {{.name = "a.example.org"},
                  {.name = "a.example.org", .location = "lab"},
                  {.name = "b.example.org"}};
    config::FleetSpec after = before;
    after.dns[1].priority = 20;
    after.dns[2].name = "c.example.org";
    EXPECT_EQ(describe_changes(before, after),
              (Texts{"dns a.example.org for lab: priority: 10 -> 20",
                     "dns b.example.org removed",
                     "dns c.example.org added"}));
}

TEST(FleetDiff, TellsOfAnotherOrder) {
    config::FleetSpec after = edge();
    std::swap(after.listeners[0].routes[0], after.listeners[0].routes[1]);
    EXPECT_EQ(describe_changes(edge(), after), Texts{"listener web: routes in another order"});
}

TEST(FleetDiff, IsBounded) {
    config::FleetSpec after = edge();
    for (int i = 0; i < 200; ++i)
        after.listeners[0].routes.push_back(
            {.host = fmt::format("{}.org", i), .group = GroupName("c")});
    const Texts changes = describe_changes(edge(), after);
    EXPECT_EQ(changes.size(), max_told_changes);
    EXPECT_EQ(changes.back(), "and 151 more changes");
}

}  // namespace
}  // namespace muster::orchestrator
