#include "common/znodes/payloads_scaling.hpp"

#include "common/znodes/paths.hpp"
#include "common/znodes/payloads_machines.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace muster::znodes {
namespace {

using std::chrono::milliseconds;

WallTime at(int ms) {
    return WallTime(milliseconds(ms));
}

const Stamp stamp{.cluster = "c-1", .token = 7, .writer = "n1", .sequence = 3};

FleetState some_state() {
    return {.stamp = stamp,
            .fleet_uid = "u1",
            .generation = 4,
            .target = 3,
            .founded = at(1),
            .history = {.peaks = {{.at = at(1'000), .size = 4}},
                        .troughs = {{.at = at(1'000), .size = 2}},
                        .events = {{.at = at(900), .added = 1, .removed = 0}},
                        .last = at(1'000)},
            .back_off = {.failures = 1, .failed = at(500), .until = at(600)},
            .intent = FleetIntent{.kind = FleetIntentKind::out,
                                  .generation = 4,
                                  .ids = {InstanceId("web-4-1")},
                                  .leaving = {InstanceId("web-2-1")},
                                  .started = at(900),
                                  .deadline = at(2'000),
                                  .nonce = "abc",
                                  .digest = "d1"},
            .orphans = {{InstanceId("web-1-1"),
                         {.first = at(1), .last = at(2), .listings = 2, .condemned = at(3)}}},
            .collected = {at(4)},
            .listed = at(5),
            .tick = 66,
            .replaced = at(6),
            .avoided = {{"n2", at(7)}},
            .owed = 1,
            .named = true,
            .informed = at(8)};
}

TEST(ScalingPayloads, ReadLikeThis) {
    EXPECT_EQ(
        encode(some_state()),
        R"({"v":1,"cluster":"c-1","token":7,"writer":"n1","seq":3,"uid":"u1","generation":4,)"
        R"("target":3,"founded":1,"tick":66,"history":{"peaks":[[1000,4]],"troughs":[[1000,2]],)"
        R"("events":[[900,1,0]],"last":1000},)"
        R"("back_off":{"failures":1,"failed":500,"until":600},)"
        R"("intent":{"kind":"out","generation":4,"ids":["web-4-1"],"leaving":["web-2-1"],)"
        R"("started":900,"deadline":2000,"nonce":"abc","digest":"d1"},)"
        R"("orphans":{"web-1-1":{"first":1,"last":2,"listings":2,"condemned":3}},)"
        R"("collected":[4],"listed":5,"replaced":6,"owed":1,"named":true,"informed":8,)"
        R"("avoided":{"n2":7}})");
    const FleetInstanceRecord record{.stamp = stamp,
                                     .fleet_uid = "u1",
                                     .generation = 4,
                                     .phase = InstancePhase::draining,
                                     .since = at(9),
                                     .token = "t",
                                     .provider = "local",
                                     .host = "n2",
                                     .zone = "a",
                                     .address = "127.0.0.1:80",
                                     .spec_generation = 2,
                                     .deadline = at(10),
                                     .drain_started = at(9),
                                     .reason = "scale-in"};
    EXPECT_EQ(encode(record),
              R"({"v":1,"cluster":"c-1","token":7,"writer":"n1","seq":3,"uid":"u1","generation":4,)"
              R"("phase":"draining","since":9,"id_token":"t","provider":"local","host":"n2",)"
              R"("zone":"a","address":"127.0.0.1:80","spec":2,"deadline":10,"drain_started":9,)"
              R"("absent":0,"reason":"scale-in"})");
    EXPECT_EQ(encode(FleetPause{.stamp = stamp,
                                .kind = FleetPauseKind::in,
                                .by = "ops",
                                .why = "move",
                                .until = at(8)}),
              R"({"v":1,"cluster":"c-1","token":7,"writer":"n1","seq":3,"kind":"in","by":"ops",)"
              R"("why":"move","until":8})");
    EXPECT_EQ(encode(HostMachines{.stamp = stamp,
                                  .provider = "local",
                                  .time = at(7),
                                  .machines = {{.id = InstanceId("web-1-1"),
                                                .token = "t",
                                                .state = ReportedState::running,
                                                .address = "127.0.0.1:80",
                                                .started = at(5)}},
                                  .refusals = {{InstanceId("web-1-2"), "no room"}},
                                  .lost = at(9),
                                  .lost_by = "alice"}),
              R"({"v":1,"cluster":"c-1","token":7,"writer":"n1","seq":3,"provider":"local",)"
              R"("time":7,"error":"","machines":[["web-1-1","t","running","127.0.0.1:80",5]],)"
              R"("refusals":{"web-1-2":"no room"},"lost":9,"lost_by":"alice"})");
}

/// The state with one text of it replaced.
Result<FleetState> state_with(const std::string& part, const std::string& by) {
    std::string bytes = encode(some_state());
    const std::size_t found = bytes.find(part);
    EXPECT_NE(found, std::string::npos) << part;
    bytes.replace(found, part.size(), by);
    return decode<FleetState>(bytes, "c-1");
}

TEST(ScalingPayloads, AStateThatCannotBeOneIsRefused) {
    EXPECT_TRUE(state_with(R"("web-4-1")", R"("web-4-2")"));
    const struct {
        const char* part;
        const char* by;
        const char* says;
    } rows[] = {
        {R"("target":3)", R"("target":-1)", "target: out of bounds"},
        {R"("target":3)", R"("target":10001)", "target: out of bounds"},
        {R"("generation":4,"target")", R"("generation":-1,"target")", "generation: out of bounds"},
        {R"("tick":66)", R"("tick":1.5)", "tick: not a payload of this kind"},
        {"[[1000,4]]", "[[1000,4],[999,3]]", "history: peaks: not a payload of this kind"},
        {"[[1000,4]]", "[[1000]]", "history: peaks: not a payload of this kind"},
        {"[[1000,4]]", "[[1000,-4]]", "history: peaks: not a payload of this kind"},
        {"[[1000,2]]", "[7]", "history: troughs: not a payload of this kind"},
        {"[[900,1,0]]", "[[900,1,10001]]", "history: events: not a payload of this kind"},
        {"[[900,1,0]]", "[[900,1,0],[800,1,0]]", "history: events: not a payload of this kind"},
        {R"("failures":1)", R"("failures":-1)", "back_off: failures: out of bounds"},
        {R"("owed":1)", R"("owed":-1)", "owed: out of bounds"},
        {R"("named":true)", R"("named":1)", "named: not a payload of this kind"},
        {R"({"n2":7})", R"({"n2":-7})", "avoided: not a payload of this kind"},
        {R"({"n2":7})", R"({"a/b":7})", "avoided: not a payload of this kind"},
        {R"("kind":"out")", R"("kind":"sideways")", "intent: kind: not a payload of this kind"},
        {R"(["web-4-1"])", R"(["../x"])", "intent: ids: not a payload of this kind"},
        {R"(["web-4-1"])", R"(["a","a"])", "intent: ids: not a payload of this kind"},
        {R"(["web-2-1"])", R"([""])", "intent: leaving: not a payload of this kind"},
        {R"({"web-1-1")", R"({"a/b")", "orphans: not a payload of this kind"},
        {R"("listings":2)", R"("listings":-2)", "orphans: listings: out of bounds"},
        {R"("collected":[4])", R"("collected":[-4])", "collected: not a payload of this kind"},
    };
    for (const auto& row : rows) {
        const auto state = state_with(row.part, row.by);
        ASSERT_FALSE(state) << row.by;
        EXPECT_EQ(state.error().message(), row.says) << row.by;
    }
}

TEST(ScalingPayloads, ListsOverTheirBoundsAreRefused) {
    FleetState state = some_state();
    state.history.peaks.assign(max_size_ring, {.at = at(1), .size = 1});
    EXPECT_TRUE(decode<FleetState>(encode(state), "c-1"));
    state.history.peaks.assign(max_size_ring + 1, {.at = at(1), .size = 1});
    EXPECT_FALSE(decode<FleetState>(encode(state), "c-1"));
    state = some_state();
    for (std::size_t n = 0; n < max_intent_ids; ++n)
        state.intent->ids.emplace_back("x" + std::to_string(n));
    EXPECT_FALSE(decode<FleetState>(encode(state), "c-1"));
    state.intent->ids.pop_back();
    EXPECT_TRUE(decode<FleetState>(encode(state), "c-1"));
    for (std::size_t n = 0; n < max_orphan_sightings; ++n)
        state.orphans[InstanceId("x" + std::to_string(n))] = {};
    EXPECT_FALSE(decode<FleetState>(encode(state), "c-1"));
}

TEST(ScalingPayloads, TheLargestStateFits) {
    FleetState state = some_state();
    const WallTime late(milliseconds(4'000'000'000'000));
    const std::string name(60, 'x');
    state.history.peaks.assign(max_size_ring, {.at = late, .size = max_fleet_size});
    state.history.troughs = state.history.peaks;
    state.history.events.assign(max_size_ring, {.at = late, .added = 10'000, .removed = 10'000});
    state.intent->ids.clear();
    state.orphans.clear();
    for (std::size_t n = 0; n < max_intent_ids; ++n) {
        state.intent->ids.emplace_back(name + std::to_string(n));
        state.orphans[InstanceId(name + std::to_string(n))] = {
            .first = late, .last = late, .listings = 9'999, .condemned = late};
    }
    state.collected.assign(max_orphan_sightings, late);
    EXPECT_LT(encode(state).size(), 100'000U);
    EXPECT_TRUE(decode<FleetState>(encode(state), "c-1"));
}

TEST(ScalingPayloads, TextsForPeopleAreReadAgainWhateverTheyAre) {
    for (const std::string& text :
         {std::string(1'000, 'x'), std::string("a\nb\x7f"), std::string("\xff")}) {
        const FleetInstanceRecord record{.stamp = stamp, .reason = text};
        EXPECT_TRUE(decode<FleetInstanceRecord>(encode(record), "c-1"));
        const FleetPause pause{.stamp = stamp, .by = text, .why = text};
        EXPECT_TRUE(decode<FleetPause>(encode(pause), "c-1"));
        const HostMachines host{
            .stamp = stamp, .error = text, .refusals = {{InstanceId("web-1-1"), text}}};
        EXPECT_TRUE(decode<HostMachines>(encode(host), "c-1"));
    }
}

TEST(ScalingPayloads, AHostsMachinesThatCannotBeAreRefused) {
    const auto decoded = [](const std::string& machines) {
        return decode<HostMachines>(
            R"({"v":1,"cluster":"c-1","token":7,"writer":"n1","seq":3,"provider":"local",)"
            R"("time":7,"error":"","machines":)" +
                machines + R"(,"refusals":{}})",
            "c-1");
    };
    ASSERT_TRUE(decoded(R"([["a","t","running","h:1",5],["b","t","stopped","",5]])"));
    for (const char* machines : {R"([["b","t","running","h:1",5],["a","t","running","h:1",5]])",
                                 R"([["a","t","running","h:1",5],["a","t","running","h:1",5]])",
                                 R"([["a/b","t","running","h:1",5]])",
                                 R"([["a",7,"running","h:1",5]])",
                                 R"([["a",null,"running","h:1",5]])",
                                 R"([["a","t","running",{"h":1},5]])",
                                 R"([["a","t","flying","h:1",5]])",
                                 R"([["a","t","running","h\u0007:1",5]])",
                                 R"([["a","t\n","running","h:1",5]])",
                                 R"([["a","t","running","h:1",-5]])",
                                 R"([["a","t","running","h:1"]])",
                                 R"(["a"])"})
        EXPECT_FALSE(decoded(machines)) << machines;
}

TEST(ScalingPayloads, AHostThatIsNoNodesNameIsRefused) {
    for (const char* host : {"a/b", "..", "a b"})
        EXPECT_FALSE(decode<FleetInstanceRecord>(
            encode(FleetInstanceRecord{.stamp = stamp, .host = host}), "c-1"));
}

TEST(ScalingPaths, AreBelowTheFleet) {
    const Paths paths("x");
    EXPECT_EQ(paths.fleet_state(FleetName("web")), "/muster/x/fleets/web/state");
    EXPECT_EQ(paths.fleet_pause(FleetName("web")), "/muster/x/fleets/web/pause");
    EXPECT_EQ(paths.host(FleetName("web"), NodeId("n1")), "/muster/x/fleets/web/hosts/n1");
}

}  // namespace
}  // namespace muster::znodes
