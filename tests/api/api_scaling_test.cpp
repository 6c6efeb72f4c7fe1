#include "tests/api/api_case.hpp"
#include "tests/api/example_cluster.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using test::ApiCase;
using test::at;
using test::request;

/// A fleet that sizes itself, seen by n1.
Snapshot with_scaling(const ApiCase& api) {
    Snapshot snapshot = test::example_snapshot(api.clock.now(), api.clock.wall());
    config::FleetSpec spec{.name = FleetName("edge")};
    spec.scaling = config::ScalingSpec{};
    snapshot.fleets = {{.spec = std::make_shared<const config::FleetSpec>(spec)}};
    snapshot.scaling[FleetName("edge")] = {.begun = true, .target = 2};
    return snapshot;
}

std::string shown(ApiCase& api, const Snapshot& snapshot, const char* pointer) {
    api.publish(snapshot);
    return at(api.json(request("GET", "/api/v1/fleets/edge/scaling")), pointer);
}

TEST(ScalingApi, SaysWhyThereIsNoDecision) {
    ApiCase api;
    Snapshot snapshot = with_scaling(api);
    EXPECT_EQ(shown(api, snapshot, "/why"), R"("only the master knows; ask n2")");
    EXPECT_EQ(shown(api, snapshot, "/is_master"), "false");
    snapshot.cluster.master->node = snapshot.self.node;
    EXPECT_TRUE(shown(api, snapshot, "/why").contains("its settings have no provider"));
    EXPECT_EQ(shown(api, snapshot, "/is_master"), "true");
    snapshot.notes = std::make_shared<const ScalingNotes>();
    EXPECT_TRUE(shown(api, snapshot, "/why").contains("no provider of the name"));
    snapshot.cluster.master.reset();
    EXPECT_EQ(shown(api, snapshot, "/why"), R"("there is no master")");
}

TEST(ScalingApi, ShowsAPauseForAsLongAsItHolds) {
    ApiCase api;
    Snapshot snapshot = with_scaling(api);
    snapshot.scaling[FleetName("edge")].pause = {.kind = znodes::FleetPauseKind::in,
                                                 .by = "alice",
                                                 .why = "sale",
                                                 .until = api.clock.wall() + 1min};
    EXPECT_EQ(shown(api, snapshot, "/pause/kind"), R"("in")");
    EXPECT_EQ(shown(api, snapshot, "/pause/by"), R"("alice")");
    EXPECT_EQ(shown(api, snapshot, "/pause/reason"), R"("sale")");
    snapshot.scaling[FleetName("edge")].pause.until = api.clock.wall();
    EXPECT_EQ(shown(api, snapshot, "/pause/kind"), R"("none")");
}

}  // namespace
}  // namespace muster::orchestrator
