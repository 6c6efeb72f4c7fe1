#include "orchestrator/scaling_gauges.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

const WallTime now{10'000s};

Snapshot some_snapshot() {
    Snapshot snapshot;
    snapshot.time = now;
    snapshot.scaling[FleetName("edge")] = {
        .informed = now - 90s,
        .begun = true,
        .target = 3,
        .creates_failed = 2,
        .creates_again = now + 10s,
        .machines = {{.id = InstanceId("a"), .phase = "serving"},
                     {.id = InstanceId("b"), .phase = "booting"}}};
    return snapshot;
}

const FleetScaling on_any_node{.target = 3,
                               .machines = 2,
                               .serving = 1,
                               .unfounded = 90s,
                               .creates_failed = 2,
                               .creates_held = true};

TEST(ScalingGauges, TellWhatTheTreeHasAndOfTheMasterHowItDecides) {
    Snapshot snapshot = some_snapshot();
    EXPECT_EQ(scaling_by_fleet(snapshot, now).at("edge"), on_any_node);
    auto notes = std::make_shared<ScalingNotes>();
    (*notes)[FleetName("edge")] = {
        .refused = "the tree went back",
        .alarms = {.ineffective = "3 times", .breaker = "4 of 5", .vetoes = 2}};
    snapshot.notes = notes;
    FleetScaling on_master = on_any_node;
    on_master.refused = true;
    on_master.ineffective = true;
    on_master.breaker = true;
    on_master.vetoes = 2;
    EXPECT_EQ(scaling_by_fleet(snapshot, now).at("edge"), on_master);
}

/// The dead man's metric: a term of office that has just begun says nothing of the data, and one
/// that never comes neither.
TEST(ScalingGauges, UnfoundedRisesOverChangesOfTheMasterAndWithoutOne) {
    Snapshot snapshot = some_snapshot();
    snapshot.notes = std::make_shared<ScalingNotes>(
        ScalingNotes{{FleetName("edge"), {}}});  // of a term that has just begun
    EXPECT_EQ(scaling_by_fleet(snapshot, now).at("edge").unfounded, 90s);
    snapshot.notes = nullptr;  // another node, or nobody is master
    EXPECT_EQ(scaling_by_fleet(snapshot, now + 10min).at("edge").unfounded, 90s + 10min);
}

TEST(ScalingGauges, AFleetThatNeverBeganHasASeries) {
    Snapshot snapshot = some_snapshot();
    snapshot.scaling[FleetName("new")] = {.informed = now - 1h};
    EXPECT_EQ(scaling_by_fleet(snapshot, now).at("new"), (FleetScaling{.unfounded = 1h}));
}

TEST(ScalingGauges, AreExportedAndOfAFleetThatIsGoneNoAgeIs) {
    metrics::Registry registry;
    ScalingGauges gauges(registry);
    Snapshot snapshot = some_snapshot();
    auto notes = std::make_shared<ScalingNotes>();
    (*notes)[FleetName("edge")] = {
        .refused = "the tree went back",
        .alarms = {.ineffective = "3 times", .breaker = "4 of 5", .vetoes = 2}};
    snapshot.notes = notes;
    gauges.take(snapshot);
    const std::string text = registry.text();
    for (const char* const line : {"muster_scaling_target{fleet=\"edge\"} 3\n",
                                   "muster_scaling_machines{fleet=\"edge\"} 2\n",
                                   "muster_scaling_serving{fleet=\"edge\"} 1\n",
                                   "muster_scaling_unfounded_seconds{fleet=\"edge\"} 90\n",
                                   "muster_scaling_creates_failed{fleet=\"edge\"} 2\n",
                                   "muster_scaling_creates_held{fleet=\"edge\"} 1\n",
                                   "muster_scaling_refused{fleet=\"edge\"} 1\n",
                                   "muster_scaling_ineffective{fleet=\"edge\"} 1\n",
                                   "muster_scaling_breaker_open{fleet=\"edge\"} 1\n",
                                   "muster_scaling_vetoes{fleet=\"edge\"} 2\n"})
        EXPECT_THAT(text, HasSubstr(line));
    snapshot.scaling.clear();
    gauges.take(snapshot);
    EXPECT_THAT(registry.text(), HasSubstr("muster_scaling_ineffective{fleet=\"edge\"} 0\n"));
    EXPECT_THAT(registry.text(),
                Not(HasSubstr("muster_scaling_unfounded_seconds{fleet=\"edge\"} 0")));
}

}  // namespace
}  // namespace muster::orchestrator
