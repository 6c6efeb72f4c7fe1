#include "scaler/lifecycle_write.hpp"
#include "tests/scaler/lifecycle/world.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

// What a step checks, on a tree with ZooKeeper's transactions.
namespace muster::scaler::testing {
namespace {

using coordination::Op;
using coordination::SetOp;

/// A world in which the next action is a write that starts something, or one that starts nothing.
struct Ready {
    World world{quick_settings(), {{.size = 1}, {.second = 20, .size = 2}}};
    Master master = world.elect();
    Action action;

    explicit Ready(bool starts) {
        world.run(master, at_second(60), [&](const World& at, const Master&, const Action& next) {
            action = next;
            return at.now >= at_second(12) && next.kind == ActionKind::write &&
                   next.write.starts == starts && !next.write.first;
        });
    }
    void change(const std::string& path) {
        std::vector<Op> ops{SetOp{.path = path, .data = world.tree.find(path)->data}};
        ASSERT_TRUE(world.tree.apply(0, ops).applied());
    }
    bool lands() {
        std::vector<Op> ops = action.ops;
        return world.tree.apply(0, ops).applied();
    }
};

struct Row {
    std::string name;
    std::string path;
    bool stops_starts;
    bool stops_others;
};

TEST(LifecycleWrite, ChecksWhatItRestsOn) {
    const znodes::Paths paths("t");
    const std::vector<Row> rows{
        {"nothing changed", "", false, false},
        {"a later master", paths.epoch(), true, true},
        {"another write of this fleet", paths.fleet_state(fleet), true, true},
        {"a pause", paths.fleet_pause(fleet), true, false},
        {"a pause of all", paths.control(), true, false},
        {"another spec", paths.head(fleet), true, false},
    };
    for (const Row& row : rows)
        for (const bool starts : {true, false}) {
            Ready ready(starts);
            ASSERT_EQ(ready.action.write.starts, starts);
            if (!row.path.empty()) ready.change(row.path);
            EXPECT_EQ(ready.lands(), !(starts ? row.stops_starts : row.stops_others))
                << row.name << ", " << ready.action.str();
        }
}

TEST(LifecycleWrite, TheGuardComesFirst) {
    Ready ready(true);
    const auto* const guard = std::get_if<coordination::CheckOp>(&ready.action.ops.front());
    ASSERT_NE(guard, nullptr);
    EXPECT_EQ(guard->path, znodes::Paths("t").epoch());
}

TEST(LifecycleWrite, AnInstanceGoesAtItsVersion) {
    const znodes::Paths paths("t");
    const InstanceId gone("web-1-1");
    const FleetWrite write{.state = {.fleet_uid = "u1"}, .instances = {{gone, std::nullopt}}};
    const auto ops = multi_of(paths, fleet, write, {.instances = {{gone, 7}}});
    ASSERT_EQ(ops.size(), 3U);
    EXPECT_EQ(std::get<coordination::DeleteOp>(ops[2]).path, paths.instance(fleet, gone));
    EXPECT_EQ(std::get<coordination::DeleteOp>(ops[2]).version, 7);
}

}  // namespace
}  // namespace muster::scaler::testing
