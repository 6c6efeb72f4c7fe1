#include "agent/lb_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using znodes::Letter;

constexpr WallTime noon{1'767'225'600s};
const FleetName edge("edge");
const GroupName web("web");

config::Backend backend(const char* id) {
    return {.id = BackendId(id), .address = std::string("10.0.0.") + (id + 1), .port = 80};
}

/// Fleet "edge" on group "web", whose backends b1, b2, b3 are in the slots 2, 1 and 0.
follow::ClusterView view_of(std::vector<config::Backend> backends, std::vector<Letter> letters) {
    follow::ClusterView view;
    follow::FleetView& fleet = view.fleets[edge];
    fleet.spec = std::make_shared<config::FleetSpec>(
        config::FleetSpec{.name = edge,
                          .listeners = {{.name = "main",
                                         .port = 80,
                                         .routes = {{.host = "api.example.org", .group = web}},
                                         .group = web}}});
    fleet.spec_generation = 5;
    follow::GroupView& group = view.groups[web];
    group.head.emplace().value.uid = "uid";
    group.spec = std::make_shared<config::GroupSpec>(
        config::GroupSpec{.name = web, .backends = std::move(backends), .panic_enter_percent = 0});
    group.spec_generation = 7;
    group.index.emplace().value = {.group_uid = "uid", .shards = 1};
    follow::ShardView& shard = group.shards[0];
    shard.members.emplace().value = {.group_uid = "uid",
                                     .slots = {{.backend = BackendId("b3")},
                                               {.backend = BackendId("b2")},
                                               {.backend = BackendId("b1")}}};
    shard.status.emplace().value = {
        .stamp = {.writer = "n1"}, .group_uid = "uid", .time = noon, .letters = std::move(letters)};
    return view;
}

std::vector<config::Backend> three() {
    return {backend("b1"), backend("b2"), backend("b3")};
}

std::vector<Server> servers_of(const follow::ClusterView& view) {
    return plan_lb(view, edge, {}, noon)->state.pools.at(0).servers;
}

TEST(LbPlan, IsNothingWhileTheFleetIsNotKnown) {
    EXPECT_FALSE(plan_lb({}, edge, {}, noon));
    follow::ClusterView view = view_of(three(), {});
    view.fleets[edge].spec = nullptr;
    EXPECT_FALSE(plan_lb(view, edge, {}, noon));
}

TEST(LbPlan, TellsAnLbWhatItsListenersNeed) {
    const auto plan =
        plan_lb(view_of(three(), {Letter::up, Letter::up, Letter::up}), edge, {}, noon);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->fleet_generation, 5);
    EXPECT_THAT(plan->generations, ElementsAre(std::pair(web, 7)));
    EXPECT_THAT(plan->problems, IsEmpty());
    ASSERT_EQ(plan->state.pools.size(), 1U);
    EXPECT_THAT(plan->state.pools[0].servers,
                ElementsAre(Server{.id = BackendId("b1"), .address = "10.0.0.1", .port = 80},
                            Server{.id = BackendId("b2"), .address = "10.0.0.2", .port = 80},
                            Server{.id = BackendId("b3"), .address = "10.0.0.3", .port = 80}));
}

TEST(LbPlan, FindsABackendsVerdictByItsSlot) {
    const auto servers = servers_of(view_of(three(), {Letter::down, Letter::up, Letter::up}));
    EXPECT_EQ(servers[0].state, ServerState::ready);
    EXPECT_EQ(servers[2].state, ServerState::maintenance);
    EXPECT_EQ(servers[2].weight, 0);
}

TEST(LbPlan, TellsApartWhatTakesABackendOut) {
    auto backends = three();
    backends[0].admin = config::Admin::drain;
    backends[1].admin = config::Admin::maintenance;
    backends[2].weight = 0;
    const auto servers = servers_of(view_of(backends, {Letter::up, Letter::up, Letter::up}));
    EXPECT_EQ(servers[0].state, ServerState::drain);
    EXPECT_EQ(servers[1].state, ServerState::maintenance);
    EXPECT_EQ(servers[2].state, ServerState::drain);
}

TEST(LbPlan, HoldsAStatusOfAnotherLayoutForNothing) {
    follow::ClusterView view = view_of(three(), {Letter::down, Letter::down, Letter::down});
    view.groups[web].shards[0].status->value.layout = 2;
    for (const Server& server : servers_of(view)) EXPECT_EQ(server.state, ServerState::ready);
    view.groups[web].shards[0].status.reset();
    for (const Server& server : servers_of(view)) EXPECT_EQ(server.state, ServerState::ready);
}

TEST(LbPlan, HasNoServersOfAGroupThatIsGoneOrUnknown) {
    follow::ClusterView view = view_of(three(), {});
    view.groups[web].head->value.deleted = true;
    const auto gone = plan_lb(view, edge, {}, noon);
    EXPECT_THAT(gone->state.pools.at(0).servers, IsEmpty());
    EXPECT_THAT(gone->problems, ElementsAre("group web: not known"));
    view.groups.clear();
    EXPECT_EQ(plan_lb(view, edge, {}, noon)->state, gone->state);
}

TEST(LbPlan, ServesNoNewGroupBeforeItsRolloutIsRead) {
    const follow::ClusterView view = view_of(three(), {Letter::up, Letter::up, Letter::up});
    GenerationSource source{.instance = InstanceId("lb1"), .unread = {web}};
    const auto waiting = plan_lb(view, edge, {}, noon, source);
    EXPECT_THAT(waiting->state.pools.at(0).servers, IsEmpty());
    EXPECT_THAT(waiting->problems, ElementsAre("group web: not known"));
    // One that the LB serves already goes on.
    source.applied = {
        {web, {.group_uid = "uid", .generation = 7, .spec = view.groups.at(web).spec}}};
    EXPECT_EQ(plan_lb(view, edge, {}, noon, source)->state.pools.at(0).servers.size(), 3U);
}

TEST(LbPlan, LeavesOnceNobodyIsSentToItAnyMore) {
    using enum znodes::InstancePhase;
    follow::ClusterView view = view_of(three(), {Letter::up, Letter::up, Letter::up});
    view.fleets.at(edge).head.emplace().value.uid = "life";
    const InstanceId own("edge-1-1");
    const auto leaves = [&] {
        return plan_lb(view, edge, {}, noon, {.instance = own, .applied = {}, .unread = {}})
            ->state.leaving;
    };
    EXPECT_FALSE(leaves()) << "started by people";
    const struct {
        znodes::InstancePhase phase;
        std::optional<WallTime> deadline;
        bool leaves;
    } rows[] = {{serving, std::nullopt, false},
                {warming, noon, false},
                {draining, std::nullopt, false},
                {draining, noon, true},
                {deleting, std::nullopt, true}};
    for (const auto& row : rows) {
        auto& record = view.managed[edge].instances[own];
        record.value = {.fleet_uid = "life", .phase = row.phase, .deadline = row.deadline};
        EXPECT_EQ(leaves(), row.leaves) << to_string(row.phase);
        record.gone = record.garbage = true;
        EXPECT_EQ(leaves(), row.leaves) << "what was known last holds";
        record.value.fleet_uid = "an earlier life";
        EXPECT_FALSE(leaves());
        view.managed[edge].instances[InstanceId("edge-1-2")] = std::move(record);
        view.managed[edge].instances.erase(own);
        EXPECT_FALSE(leaves()) << "another LB";
    }
}

TEST(LbPlan, KeepsAPanicUntilItsEnd) {
    follow::ClusterView view = view_of(three(), {Letter::down, Letter::down, Letter::up});
    config::GroupSpec spec = *view.groups[web].spec;
    spec.panic_enter_percent = 30;
    spec.panic_exit_percent = 60;
    view.groups[web].spec = std::make_shared<config::GroupSpec>(spec);
    EXPECT_THAT(plan_lb(view, edge, {}, noon)->panicking, IsEmpty());
    const auto still = plan_lb(view, edge, {web}, noon);
    EXPECT_THAT(still->panicking, ElementsAre(web));
    for (const Server& server : still->state.pools.at(0).servers)
        EXPECT_EQ(server.state, ServerState::ready);
}

TEST(LbPlan, KnowsWhenTimeAloneWillChangeIt) {
    follow::ClusterView view = view_of(three(), {Letter::up, Letter::up, Letter::up});
    EXPECT_FALSE(plan_lb(view, edge, {}, noon)->moves_with_time);
    auto& details = view.groups[web].shards[0].status->value.details;
    details[2].intents =
        znodes::Intents{.reply = znodes::LeasedIntent{
                            .intent = {.weight_percent = 50, .maxconn = 9}, .until = noon + 5s}};
    const auto leased = plan_lb(view, edge, {}, noon);
    EXPECT_TRUE(leased->moves_with_time);
    EXPECT_EQ(leased->state.pools[0].servers[0].weight, 50);
    EXPECT_EQ(leased->state.pools[0].servers[0].max_connections, 9);
    const auto later = plan_lb(view, edge, {}, noon + 5s);
    EXPECT_FALSE(later->moves_with_time);
    EXPECT_EQ(later->state.pools[0].servers[0].weight, 100);
}

}  // namespace
}  // namespace muster::agent
