#include "orchestrator/fleet_groups.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

using Texts = std::vector<std::string>;

config::FleetSpec edge() {
    return {.name = FleetName("edge"),
            .listeners = {{.name = "db", .mode = config::ListenMode::tcp, .group = GroupName("db")},
                          {.name = "secure",
                           .routes = {{.path = "/api", .group = GroupName("api")},
                                      {.path = "/a", .group = GroupName("api")}}},
                          {.name = "web",
                           .routes = {{.host = "a.org", .group = GroupName("api")}},
                           .group = GroupName("web")}}};
}

follow::ClusterView view_with(std::initializer_list<const char*> groups) {
    follow::ClusterView view;
    for (const char* name : groups) {
        follow::GroupView& group = view.groups[GroupName(name)];
        group.head.emplace();
        group.spec = std::make_shared<const config::GroupSpec>();
    }
    return view;
}

TEST(GroupsOfAFleet, ThatAreNotThereAreToldWithTheListenersThatLeadThere) {
    EXPECT_EQ(missing_groups(edge(), view_with({"web"})),
              (Texts{"there is no group api yet, to which listeners secure, web lead",
                     "there is no group db yet, to which listener db leads"}));
    EXPECT_EQ(missing_groups(edge(), view_with({"api", "db", "web"})), Texts{});
}

TEST(GroupsOfAFleet, ThatComeWithItAreThere) {
    EXPECT_EQ(missing_groups(edge(), view_with({"web"}), {GroupName("api"), GroupName("db")}),
              Texts{});
}

TEST(GroupsOfAFleet, ThatAreDeletedAreNotThere) {
    follow::ClusterView view = view_with({"api", "db", "web"});
    view.groups[GroupName("web")].head->value.deleted = true;
    EXPECT_EQ(missing_groups(edge(), view),
              Texts{"there is no group web yet, to which listener web leads"});
}

TEST(GroupsOfAFleet, AreLedToUntilTheFleetIsDeleted) {
    follow::ClusterView view;
    follow::FleetView& fleet = view.fleets[FleetName("edge")];
    fleet.head.emplace();
    fleet.spec = std::make_shared<const config::FleetSpec>(edge());
    EXPECT_EQ(fleets_leading_to(GroupName("api"), view),
              Texts{"fleet edge (listeners secure, web)"});
    EXPECT_EQ(fleets_leading_to(GroupName("other"), view), Texts{});
    fleet.head->value.deleted = true;
    EXPECT_EQ(fleets_leading_to(GroupName("api"), view), Texts{});
}

}  // namespace
}  // namespace muster::orchestrator
