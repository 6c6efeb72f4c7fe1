#include "orchestrator/scaling_gauges.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;

TEST(ScalingGauges, TellWhatTheTreeHasAndOfTheMasterHowGoodItsDataIs) {
    const WallTime now{1'000s};
    Snapshot snapshot;
    snapshot.scaling[FleetName("new")] = {};
    snapshot.scaling[FleetName("edge")] = {
        .begun = true,
        .target = 3,
        .machines = {{.id = InstanceId("a"), .phase = "serving"},
                     {.id = InstanceId("b"), .phase = "booting"}}};
    EXPECT_EQ(scaling_by_fleet(snapshot, now),
              (std::map<std::string, FleetScaling>{
                  {"edge", {.target = 3, .machines = 2, .serving = 1}}}));
    auto notes = std::make_shared<ScalingNotes>();
    (*notes)[FleetName("edge")] = {.refused = "the tree went back", .founded = now - 90s};
    snapshot.notes = notes;
    EXPECT_EQ(scaling_by_fleet(snapshot, now).at("edge"),
              (FleetScaling{
                  .target = 3, .machines = 2, .serving = 1, .refused = true, .unfounded = 90s}));
}

}  // namespace
}  // namespace muster::orchestrator
