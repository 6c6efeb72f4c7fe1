#include "orchestrator/fleet_orders.hpp"

#include "common/coordination/memory_tree.hpp"
#include "common/follow/instance_group.hpp"
#include "scaler/lifecycle_write.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using coordination::CreateOp;
using coordination::MemoryTree;
using coordination::Op;
using znodes::FleetPause;
using znodes::FleetPauseKind;

const FleetName edge("edge");

/// A live fleet that sizes itself, and the tree below it.
class FleetOrders : public testing::Test {
 protected:
    FleetOrders() {
        view.control =
            follow::Versioned<znodes::Control>{.value = {.stamp = {.cluster = "cluster-uuid"}}};
        auto spec = std::make_shared<config::FleetSpec>();
        spec->name = edge;
        spec->provider = config::FleetProvider{.name = "local"};
        spec->scaling = config::ScalingSpec{.min = 1, .max = 9};
        follow::FleetView& fleet = view.fleets[edge];
        fleet.head = follow::Versioned<znodes::GroupHead>{.value = {.uid = "u"}, .version = 0};
        fleet.spec = std::move(spec);
        std::vector<Op> ops;
        for (const std::string& path : {std::string("/muster"),
                                        paths.root(),
                                        paths.epoch(),
                                        paths.control(),
                                        paths.audit(),
                                        paths.config(),
                                        paths.heads(znodes::ConfigKind::fleet),
                                        paths.head(edge),
                                        paths.fleets()})
            ops.emplace_back(CreateOp{.path = path});
        EXPECT_TRUE(lands(std::move(ops)));
    }
    bool lands(std::vector<Op> ops) { return tree.apply(0, ops).applied(); }
    [[nodiscard]] ReadNode read(const std::string& path) const {
        const auto* const node = tree.find(path);
        if (node == nullptr) return std::nullopt;
        return coordination::Node{.data = node->data, .stat = node->stat};
    }
    Result<FleetPauseWrite> planned(const FleetPauseChange& change) const {
        return plan_fleet_pause(paths,
                                view,
                                change,
                                read(paths.fleet_pause(edge)),
                                tree.find(paths.fleet(edge)) != nullptr,
                                by);
    }
    [[nodiscard]] FleetPause pause() const {
        return znodes::decode<FleetPause>(read(paths.fleet_pause(edge))->data, view.cluster())
            .value();
    }

    follow::ClusterView view;
    znodes::Paths paths{"t"};
    MemoryTree tree;
    OrderedBy by{.author = {.name = "alice", .origin = "loopback"},
                 .writer = "n1",
                 .time = WallTime{10'000s}};
};

TEST_F(FleetOrders, APauseIsKeptWithItsReasonAndAudited) {
    const auto write =
        planned({.fleet = edge, .kind = FleetPauseKind::in, .reason = "sale", .lasts = 30min});
    ASSERT_TRUE(write) << write.error().message();
    ASSERT_TRUE(lands(write->ops)) << "also before the fleet has begun";
    EXPECT_EQ(pause().kind, FleetPauseKind::in);
    EXPECT_EQ(pause().by, "alice");
    EXPECT_EQ(pause().why, "sale");
    EXPECT_EQ(pause().until, by.time + 30min);
    const auto* const audit = tree.find(paths.audit());
    ASSERT_EQ(audit->children.size(), 1U);
    const auto entry = znodes::decode<znodes::AuditEntry>(
        tree.find(paths.audit() + "/" + *audit->children.begin())->data, view.cluster());
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->object, "fleet/edge");
    EXPECT_EQ(entry->detail, "pause: in, for 1800 s, sale");

    const auto over = planned({.fleet = edge, .kind = FleetPauseKind::none});
    ASSERT_TRUE(over && lands(over->ops));
    EXPECT_EQ(pause().kind, FleetPauseKind::none);
    EXPECT_EQ(pause().until, std::nullopt);
    EXPECT_EQ(pause().stamp.sequence, 2);
}

TEST_F(FleetOrders, OfTwoPausesFromOneReadOneLands) {
    const FleetPauseChange change{.fleet = edge, .kind = FleetPauseKind::all};
    ASSERT_TRUE(lands(planned(change)->ops));
    const auto one = planned(change);
    const auto other = planned({.fleet = edge, .kind = FleetPauseKind::none});
    EXPECT_TRUE(lands(one->ops));
    EXPECT_FALSE(lands(other->ops));
}

/// DESIGN.md, 8: what begins to take or give capacity is one transaction with the pause.
TEST_F(FleetOrders, NothingBeginsThatWasDecidedBeforeThePause) {
    ASSERT_TRUE(lands(planned({.fleet = edge, .kind = FleetPauseKind::none})->ops));
    const scaler::FleetVersions versions{
        .pause = 0, .fleet_is_there = true, .pause_is_there = true};
    scaler::FleetWrite write{.starts = true, .first = true};
    write.state = {.stamp = {.cluster = view.cluster()}, .fleet_uid = "u"};
    std::vector<Op> decided = scaler::multi_of(paths, edge, write, versions);
    MemoryTree without_pause = tree;
    ASSERT_TRUE(without_pause.apply(0, decided).applied());
    ASSERT_TRUE(lands(planned({.fleet = edge, .kind = FleetPauseKind::out})->ops));
    EXPECT_FALSE(lands(std::move(decided)));
}

TEST_F(FleetOrders, AnUnreadablePauseIsReplaced) {
    ASSERT_TRUE(
        lands(std::vector<Op>{CreateOp{.path = paths.fleet(edge)},
                              CreateOp{.path = paths.fleet_pause(edge), .data = "garbage"}}));
    const auto write = planned({.fleet = edge, .kind = FleetPauseKind::all});
    ASSERT_TRUE(write && lands(write->ops));
    EXPECT_EQ(pause().kind, FleetPauseKind::all);
}

TEST_F(FleetOrders, AreForFleetsThatAreThereAndSizeThemselves) {
    EXPECT_EQ(planned({.fleet = FleetName("other")}).error().code,
              make_error_code(CommandErrc::not_found));
    auto spec = *view.fleets[edge].spec;
    spec.scaling.reset();
    view.fleets[edge].spec = std::make_shared<config::FleetSpec>(spec);
    EXPECT_EQ(planned({.fleet = edge}).error().code, make_error_code(CommandErrc::refused));
    view.fleets[edge].head->value.deleted = true;
    EXPECT_EQ(planned({.fleet = edge}).error().code, make_error_code(CommandErrc::not_found));
}

TEST(Orphaning, IsRefusedWithWhatToDoInstead) {
    EXPECT_EQ(refuse_orphaning(edge, 0), std::nullopt);
    const auto refused = refuse_orphaning(edge, 3);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, make_error_code(CommandErrc::refused));
    EXPECT_TRUE(refused->context.contains("3 LBs")) << refused->context;
    EXPECT_TRUE(refused->context.contains("scaling: {max: 0}")) << refused->context;
}

class LostHosts : public FleetOrders {
 protected:
    LostHosts() {
        // edge-1-1 on n3, which told so once.
        EXPECT_TRUE(lands(std::vector<Op>{CreateOp{.path = paths.fleet(edge)},
                                          CreateOp{.path = paths.hosts(edge)},
                                          CreateOp{.path = paths.host(edge, n3)}}));
        view.managed[edge].instances[InstanceId("edge-1-1")] = {
            .value = {.fleet_uid = "u",
                      .phase = znodes::InstancePhase::serving,
                      .provider = "local",
                      .host = "n3"}};
        follow::GroupView& group = view.groups[follow::instance_group(edge)];
        group.shards[0].members = follow::Versioned<znodes::ShardMembers>{
            .value = {.slots = {{.backend = BackendId("edge-1-1")}}}};
        verdict(znodes::Letter::down);
    }
    void verdict(znodes::Letter letter) {
        view.groups[follow::instance_group(edge)].shards[0].status =
            follow::Versioned<znodes::ShardStatus>{.value = {.letters = {letter}}};
    }
    Result<LostHostWrite> planned(const NodeId& host = NodeId("n3")) const {
        return plan_lost_host(
            paths, view, {.fleet = edge, .host = host}, read(paths.host(edge, host)), true, by);
    }
    const NodeId n3{"n3"};
};

TEST_F(LostHosts, AreWrittenInTheirPlaceAndAudited) {
    const auto write = planned();
    ASSERT_TRUE(write) << write.error().message();
    EXPECT_EQ(write->lost.instances, std::vector{InstanceId("edge-1-1")});
    ASSERT_TRUE(lands(write->ops));
    const auto listing =
        znodes::decode<znodes::HostMachines>(read(paths.host(edge, n3))->data, view.cluster());
    ASSERT_TRUE(listing);
    EXPECT_EQ(listing->lost, by.time);
    EXPECT_EQ(listing->lost_by, "alice");
    EXPECT_TRUE(listing->machines.empty());
    EXPECT_EQ(tree.find(paths.audit())->children.size(), 1U);
    EXPECT_FALSE(lands(write->ops)) << "not over what was told meanwhile";
}

TEST_F(LostHosts, AreNotThoseThatLive) {
    EXPECT_EQ(planned(NodeId("n9")).error().code, make_error_code(CommandErrc::not_found));
    verdict(znodes::Letter::up);
    EXPECT_EQ(planned().error().code, make_error_code(CommandErrc::refused)) << "its LB answers";
    verdict(znodes::Letter::unknown);
    ASSERT_TRUE(planned());
    view.members[n3] = {.value = {.node = n3}};
    EXPECT_EQ(planned().error().code, make_error_code(CommandErrc::refused)) << "a member";
}

}  // namespace
}  // namespace muster::orchestrator
