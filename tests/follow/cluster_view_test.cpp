#include "common/follow/cluster_view.hpp"

#include "common/config/decode.hpp"
#include "common/coordination/memory_ensemble.hpp"
#include "common/coordination/memory_store.hpp"
#include "common/znodes/initial_tree.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace muster::follow {
namespace {

using namespace std::chrono_literals;
using coordination::CreateOp;
using coordination::DeleteOp;
using coordination::Op;
using coordination::SetOp;

const FleetName edge("edge");

config::FleetSpec fleet_to(const std::string& group) {
    return {.name = edge, .listeners = {{.name = "web", .port = 80, .group = GroupName(group)}}};
}

/// A tree in memory and a mirrored view of it.
class FleetsOfTheView : public testing::Test {
 protected:
    FleetsOfTheView() {
        std::vector<Op> tree;
        for (znodes::InitialNode& node :
             znodes::initial_tree(paths, {.stamp = {.cluster = "c1", .writer = "test"}}))
            tree.emplace_back(CreateOp{.path = node.path, .data = node.data});
        EXPECT_TRUE(ensemble.write(std::move(tree)).applied());
        asio::co_spawn(context, store.run(), [](const std::exception_ptr&) {});
        mirror.start();
        write({});
    }

    void write(std::vector<Op> ops) {
        if (!ops.empty()) EXPECT_TRUE(ensemble.write(std::move(ops)).applied());
        change = {};
        clock.run_for(1s);
    }
    static znodes::GroupHead head_of(const config::FleetSpec& fleet, std::int64_t generation) {
        return {.stamp = {.cluster = "c1"},
                .uid = "u1",
                .generation = generation,
                .spec = boost::json::serialize(config::encode_spec(fleet)),
                .author = "alice"};
    }
    void create(const znodes::GroupHead& head) {
        write({CreateOp{.path = paths.head(edge), .data = znodes::encode(head)}});
    }
    void set(std::string data) {
        write({SetOp{.path = paths.head(edge), .data = std::move(data)}});
    }
    [[nodiscard]] const FleetView& fleet() const { return view.fleets.at(edge); }

    asio::io_context context{1};
    test::VirtualClock clock{context};
    coordination::MemoryEnsemble ensemble{context.get_executor(), clock};
    coordination::MemoryStore store{context.get_executor(), clock, ensemble, {}};
    znodes::Paths paths{"test"};
    ClusterView view;
    ViewChange change;  ///< since the last write
    Mirror mirror{context.get_executor(),
                  store,
                  clock,
                  paths.root(),
                  [this](const std::string& path) { return interest_in(paths, view, path); },
                  [this](const std::vector<std::string>& changed) {
                      const ViewChange now = apply(view, paths, mirror, changed, clock.now());
                      change.config = change.config || now.config;
                  }};
};

TEST_F(FleetsOfTheView, AreDecodedFromTheirHeads) {
    create(head_of(fleet_to("web"), 1));
    ASSERT_TRUE(fleet().live());
    EXPECT_EQ(*fleet().spec, fleet_to("web"));
    EXPECT_EQ(fleet().spec_generation, 1);
    EXPECT_TRUE(change.config);
    set(znodes::encode(head_of(fleet_to("api"), 2)));
    EXPECT_EQ(*fleet().spec, fleet_to("api"));
    EXPECT_TRUE(change.config);
    EXPECT_FALSE(view.problems.contains(paths.head(edge)));
}

TEST_F(FleetsOfTheView, KeepTheirLastGoodSpecWhenTheHeadTurnsIntoGarbage) {
    create(head_of(fleet_to("web"), 1));
    set("?");
    EXPECT_TRUE(fleet().live());
    EXPECT_TRUE(fleet().head->garbage);
    EXPECT_EQ(*fleet().spec, fleet_to("web"));
    EXPECT_TRUE(view.problems.contains(paths.head(edge)));
    set(znodes::encode(head_of(fleet_to("api"), 2)));
    EXPECT_EQ(*fleet().spec, fleet_to("api"));
    EXPECT_FALSE(view.problems.contains(paths.head(edge)));
}

TEST_F(FleetsOfTheView, KeepTheirLastGoodSpecWhenTheNewOneBreaksTheRules) {
    create(head_of(fleet_to("web"), 1));
    for (const std::string spec : {"?", "{}", R"({"listeners":[{"name":"a","bind":"%h:80"}]})"}) {
        znodes::GroupHead head = head_of(fleet_to("web"), 2);
        head.spec = spec;
        set(znodes::encode(head));
        EXPECT_EQ(*fleet().spec, fleet_to("web")) << spec;
        EXPECT_EQ(fleet().spec_generation, 1) << spec;
        EXPECT_TRUE(view.problems.contains(paths.head(edge))) << spec;
    }
}

TEST_F(FleetsOfTheView, StayWhenTheirZnodeVanishes) {
    create(head_of(fleet_to("web"), 1));
    write({DeleteOp{.path = paths.head(edge)}});
    EXPECT_TRUE(fleet().live());
    EXPECT_TRUE(fleet().head->gone);
    EXPECT_EQ(*fleet().spec, fleet_to("web"));
}

TEST_F(FleetsOfTheView, EndWithATombstoneAndAreForgottenWithThat) {
    create(head_of(fleet_to("web"), 1));
    znodes::GroupHead tombstone = head_of(fleet_to("web"), 2);
    tombstone.spec = "";
    tombstone.deleted = true;
    set(znodes::encode(tombstone));
    EXPECT_FALSE(fleet().live());
    EXPECT_EQ(fleet().spec, nullptr);
    EXPECT_TRUE(change.config);
    write({DeleteOp{.path = paths.head(edge)}});
    EXPECT_TRUE(view.fleets.empty());
    EXPECT_FALSE(view.problems.contains(paths.head(edge)));
}

TEST_F(FleetsOfTheView, AreReadAnewWhenTheyWereMadeAgainMeanwhile) {
    create(head_of(fleet_to("web"), 1));
    // Deleted, collected and made again, all unseen: its generations have begun anew.
    znodes::GroupHead other = head_of(fleet_to("api"), 1);
    other.uid = "u2";
    set(znodes::encode(other));
    EXPECT_EQ(*fleet().spec, fleet_to("api"));
    EXPECT_EQ(fleet().spec_generation, 1);
    EXPECT_TRUE(change.config);
}

TEST_F(FleetsOfTheView, AreNoGroups) {
    create(head_of(fleet_to("web"), 1));
    EXPECT_TRUE(view.groups.empty());
}

/// Not to know the shares would give traffic to who shall have none.
TEST_F(FleetsOfTheView, HaveTheirLastGoodSharesWhateverBecomesOfTheZnode) {
    ASSERT_TRUE(view.shifts) << "init makes it";
    EXPECT_TRUE(view.shifts->value.names.empty());
    znodes::TrafficShifts shifts{.stamp = {.cluster = "c1"}};
    shifts.names["api.muster.test"] = {.id = "1", .to = {{"blue", 100}}, .now = {{"blue", 100}}};
    const auto put = [&](std::string data) {
        write({SetOp{.path = paths.dns_shifts(), .data = std::move(data)}});
    };
    put(znodes::encode(shifts));
    EXPECT_EQ(view.shifts->value, shifts);
    EXPECT_EQ(view.shifts->version, 1);
    put("{]");
    EXPECT_TRUE(view.shifts->garbage);
    EXPECT_EQ(view.shifts->value, shifts);
    EXPECT_TRUE(view.problems.contains(paths.dns_shifts()));
    write({DeleteOp{.path = paths.dns_shifts()}});
    EXPECT_TRUE(view.shifts->gone);
    EXPECT_EQ(view.shifts->value, shifts);
}

}  // namespace
}  // namespace muster::follow
