#include "orchestrator/agent_gauges.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr WallTime noon{1'767'225'600s};

void add_fleet(Snapshot& snapshot, const std::string& name) {
    snapshot.fleets.push_back({.spec = std::make_shared<const config::FleetSpec>(
                                   config::FleetSpec{.name = FleetName(name)})});
}

void add_agent(Snapshot& snapshot, const std::string& fleet, std::chrono::seconds lag) {
    snapshot.agents.push_back({.fleet = FleetName(fleet),
                               .instance = InstanceId("lb"),
                               .accepting = lag < 1min,
                               .behind_since = lag > 0s ? noon - lag : WallTime{}});
    if (lag > 0s) snapshot.agents.back().behind = {"group web: has generation 1 of 2"};
}

TEST(AgentGauges, SayHowFarTheLbsOfAFleetAre) {
    Snapshot snapshot{.time = noon};
    add_fleet(snapshot, "edge");
    add_fleet(snapshot, "empty");
    for (const auto lag : {0s, 10s, 11s, 61s}) add_agent(snapshot, "edge", lag);
    snapshot.agents[0].error = "haproxy -c fails";
    EXPECT_THAT(agents_by_fleet(snapshot, noon, 10),
                UnorderedElementsAre(Pair("", FleetAgents{}),
                                     Pair("edge",
                                          FleetAgents{.registered = 4,
                                                      .not_accepting = 1,
                                                      .failing = 1,
                                                      .behind = 2,
                                                      .most_behind = 61s}),
                                     Pair("empty", FleetAgents{})));
}

TEST(AgentGauges, AreNoMoreThanTheFleetsThatPeopleHaveApplied) {
    Snapshot snapshot{.time = noon};
    add_fleet(snapshot, "a");
    add_fleet(snapshot, "b");
    for (const char* fleet : {"b", "made-up-1", "made-up-2"}) add_agent(snapshot, fleet, 0s);
    EXPECT_THAT(
        agents_by_fleet(snapshot, noon, 1),
        UnorderedElementsAre(Pair("a", FleetAgents{}), Pair("", FleetAgents{.registered = 3})));
}

TEST(AgentGauges, OfAFleetThatHasGoneAreZero) {
    metrics::Registry registry;
    AgentGauges gauges(registry);
    Snapshot snapshot{.time = noon};
    add_fleet(snapshot, "edge");
    add_agent(snapshot, "edge", 30s);
    gauges.take(snapshot);
    EXPECT_THAT(registry.text(), HasSubstr("muster_agents{fleet=\"edge\"} 1\n"));
    EXPECT_THAT(registry.text(), HasSubstr("muster_agents_behind{fleet=\"edge\"} 1\n"));
    EXPECT_THAT(registry.text(), HasSubstr("muster_agents_lag_seconds{fleet=\"edge\"} 30\n"));
    EXPECT_THAT(registry.text(), Not(HasSubstr("muster_agents_failing{fleet=\"edge\"} 1")));
    gauges.take({.time = noon});
    EXPECT_THAT(registry.text(), HasSubstr("muster_agents{fleet=\"edge\"} 0\n"));
    EXPECT_THAT(registry.text(), HasSubstr("muster_agents_lag_seconds{fleet=\"edge\"} 0\n"));
}

TEST(AgentGauges, StayFewHoweverManyFleetsComeAndGo) {
    metrics::Registry registry;
    AgentGauges gauges(registry);
    for (int i = 0; i < 500; ++i) {
        Snapshot snapshot{.time = noon};
        add_fleet(snapshot, "f" + std::to_string(i));
        gauges.take(snapshot);
    }
    const std::string text = registry.text();
    int series = 0;
    for (std::size_t at = 0; (at = text.find("\nmuster_agents{", at)) != std::string::npos; ++at)
        ++series;
    EXPECT_EQ(series, 201) << "with the one of all others";
}

}  // namespace
}  // namespace muster::orchestrator
