#include "orchestrator/scrape_targets.hpp"

#include "common/follow/instance_group.hpp"

#include <gtest/gtest.h>

namespace muster::orchestrator {
namespace {

follow::AgentId lb(const char* name) {
    return {FleetName("edge"), InstanceId(name)};
}

void registers(follow::ClusterView& view, const char* name) {
    view.agents[lb(name)] = {.value = {.fleet = FleetName("edge"),
                                       .instance = InstanceId(name),
                                       .incarnation = "life",
                                       .exporters = {{"lb", std::string(name) + ".test:80"}}}};
}

void is_member(follow::ClusterView& view, std::initializer_list<const char*> names) {
    follow::GroupView& group = view.groups[follow::instance_group(FleetName("edge"))];
    group.head = follow::Versioned<znodes::GroupHead>{.value = {.uid = "u"}};
    znodes::ShardMembers members{.group_uid = "u"};
    for (const char* const name : names)
        members.slots.push_back({.backend = BackendId(name), .address = "192.0.2.1:80"});
    group.index = follow::Versioned<znodes::GroupIndex>{.value = {.group_uid = "u", .shards = 1}};
    group.shards[0].members = follow::Versioned<znodes::ShardMembers>{.value = members};
}

std::vector<std::string> names(const std::vector<ScrapeTarget>& targets) {
    std::vector<std::string> names;
    for (const ScrapeTarget& target : targets) names.push_back(target.instance.str());
    return names;
}

using Names = std::vector<std::string>;

TEST(ScrapeTargets, StayWithoutTheirAgentForAsLongAsTheLbIsAMember) {
    ScrapeTargets targets;
    follow::ClusterView view;
    registers(view, "lb-1");
    registers(view, "lb-2");
    EXPECT_EQ(names(targets.update(view)), (Names{"lb-1", "lb-2"}));
    is_member(view, {"lb-1"});
    view.agents.clear();
    EXPECT_EQ(names(targets.update(view)), Names{"lb-1"});
    EXPECT_EQ(names(targets.update(view)), Names{"lb-1"});
    is_member(view, {});
    EXPECT_EQ(names(targets.update(view)), Names{});
    is_member(view, {"lb-1"});
    EXPECT_EQ(names(targets.update(view)), Names{}) << "where it was is forgotten";
}

TEST(ScrapeTargets, AreWhereTheAgentSaidLast) {
    ScrapeTargets targets;
    follow::ClusterView view;
    registers(view, "lb-1");
    (void)targets.update(view);
    view.agents[lb("lb-1")].value.exporters = {{"agent", "192.0.2.1:9710"}};
    EXPECT_EQ(targets.update(view),
              (std::vector<ScrapeTarget>{{.fleet = FleetName("edge"),
                                          .instance = InstanceId("lb-1"),
                                          .exporter = "agent",
                                          .address = "192.0.2.1:9710"}}));
    view.agents[lb("lb-1")].value.incarnation.clear();
    EXPECT_EQ(targets.update(view).size(), 1U) << "rubbish says nothing";
}

}  // namespace
}  // namespace muster::orchestrator
