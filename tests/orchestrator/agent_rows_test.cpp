#include "orchestrator/agent_rows.hpp"

#include "tests/orchestrator/one_shard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr WallTime noon{1'767'225'600s};

/// Fleet "edge" of generation 4 on group "web" of generation 7, and one agent that has applied it.
follow::ClusterView view_with_an_agent() {
    follow::ClusterView view = view_of_one_shard(3);
    const FleetName edge("edge");
    follow::FleetView& fleet = view.fleets[edge];
    fleet.head.emplace();
    fleet.spec = std::make_shared<config::FleetSpec>(config::FleetSpec{
        .name = edge, .listeners = {{.name = "main", .port = 80, .group = web_shard.group}}});
    fleet.spec_generation = 4;
    view.groups[web_shard.group].shards[web_shard.number].status.emplace().value.time = noon;
    view.agents[{edge, InstanceId("lb1")}].value = {.fleet = edge,
                                                    .instance = InstanceId("lb1"),
                                                    .incarnation = "first",
                                                    .lb = "haproxy",
                                                    .accepting = true,
                                                    .fleet_generation = 4,
                                                    .generations = {{web_shard.group, 7}},
                                                    .status_time = noon};
    return view;
}

TEST(AgentRows, AreNotBehindWhenAllIsApplied) {
    const auto rows = agents_of(view_with_an_agent(), noon + 1h);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_TRUE(rows[0].accepting);
    EXPECT_THAT(rows[0].behind, IsEmpty());
    EXPECT_EQ(rows[0].behind_since, WallTime{});
    EXPECT_EQ(rows[0].newest_fleet_generation, 4);
    EXPECT_THAT(rows[0].groups,
                ElementsAre(AgentGroupRow{.name = web_shard.group, .generation = 7, .newest = 7}));
}

TEST(AgentRows, SayWhatIsNotAppliedYet) {
    follow::ClusterView view = view_with_an_agent();
    znodes::AgentReport& report = view.agents.begin()->second.value;
    report.fleet_generation = 3;
    report.generations.clear();
    report.status_time = noon - 1s;
    view.fleets.begin()->second.head->value.time = noon + 1s;
    view.groups.begin()->second.head->value.time = noon - 2s;
    EXPECT_THAT(agents_of(view, noon + 10s).at(0).behind,
                ElementsAre("fleet edge: has generation 3 of 4",
                            "group web: has generation 0 of 7",
                            "the newest status is not applied"));
    EXPECT_EQ(agents_of(view, noon + 10s).at(0).behind_since, noon - 2s) << "the oldest";
    EXPECT_THAT(agents_of(view, noon + 10s).at(0).groups,
                ElementsAre(AgentGroupRow{.name = web_shard.group, .generation = 0, .newest = 7}));
    // It may be on its way.
    EXPECT_EQ(agents_of(view, noon + 2s).at(0).behind.size(), 2U);
}

TEST(AgentRows, AreNotBehindForLongerThanTheAgentIsThere) {
    follow::ClusterView view = view_with_an_agent();
    znodes::AgentReport& report = view.agents.begin()->second.value;
    report.generations.clear();
    report.time = noon + 1h;
    view.groups.begin()->second.head->value.time = noon;
    EXPECT_EQ(agents_of(view, noon + 1h).at(0).behind_since, noon + 1h);
    report.generations[web_shard.group] = 6;
    EXPECT_EQ(agents_of(view, noon + 1h).at(0).behind_since, noon) << "it is there for long";
}

TEST(AgentRows, AreNotBehindWhatARolloutKeepsFromThem) {
    follow::ClusterView view = view_with_an_agent();
    znodes::Rollout& rollout = view.rollouts[web_shard.group].value;
    rollout = {.stamp = {.cluster = "uuid"}, .group_uid = "uid", .stable = 6, .candidate = 7};
    znodes::AgentReport& report = view.agents.begin()->second.value;
    report.generations[web_shard.group] = 6;
    EXPECT_THAT(agents_of(view, noon).at(0).behind, IsEmpty());
    EXPECT_EQ(agents_of(view, noon).at(0).groups.at(0).newest, 7);
    report.generations[web_shard.group] = 7;
    EXPECT_THAT(agents_of(view, noon).at(0).behind,
                ElementsAre("group web: has generation 7 of 6"));
    report.generations[web_shard.group] = 6;
    rollout.stable = 7;
    EXPECT_EQ(agents_of(view, noon).at(0).behind.size(), 1U) << "it is complete";
    rollout.group_uid = "an earlier one";
    EXPECT_EQ(agents_of(view, noon).at(0).behind.size(), 1U);
}

TEST(AgentRows, LeaveOutWhatHasNeverSaidWhoItIs) {
    follow::ClusterView view = view_with_an_agent();
    view.agents.begin()->second.value = {};
    EXPECT_THAT(agents_of(view, noon), IsEmpty());
}

}  // namespace
}  // namespace muster::orchestrator
