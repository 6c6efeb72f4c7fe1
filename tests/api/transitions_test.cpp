#include "orchestrator/transitions.hpp"

#include "tests/api/example_cluster.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using test::backend_of;
using test::group_of;
using test::put_group;

constexpr SteadyTime now{1h};
constexpr WallTime wall{1'767'225'600s};

Snapshot example() {
    return test::example_snapshot(now, wall);
}

std::vector<std::string> texts(const std::vector<Event>& events) {
    std::vector<std::string> result;
    for (const Event& event : events) {
        result.push_back(std::string(to_string(event.kind)) + ": " + event.text);
    }
    return result;
}

void change_web(Snapshot& snapshot, const std::function<void(GroupRow&)>& change) {
    GroupRow web = group_of(snapshot, "web");
    change(web);
    put_group(snapshot, web);
}

FleetRow fleet_at(const std::string& uid, std::int64_t generation) {
    return {.spec = std::make_shared<const config::FleetSpec>(
                config::FleetSpec{.name = FleetName("edge")}),
            .uid = uid,
            .generation = generation,
            .author = "bob"};
}

struct Row {
    const char* name;
    std::function<void(Snapshot&)> change;
    std::vector<std::string> told;
};

const std::vector<Row> rows = {
    {"nothing", [](Snapshot&) {}, {}},
    {"the same content in new objects", [](Snapshot& s) { change_web(s, [](GroupRow&) {}); }, {}},
    {"a shift of traffic",
     [](Snapshot& s) {
         s.shifts["api.test"] = {.now = {{"blue", 95}, {"green", 5}},
                                 .phase = znodes::ShiftPhase::held,
                                 .why = "green is ill"};
     },
     {"traffic_shifted: traffic of api.test: held, now blue 95 %, green 5 %: green is ill"}},
    {"only time passed",
     [](Snapshot& s) { change_web(s, [](GroupRow& g) { g.shards[0].progress_time += 5s; }); },
     {}},
    {"a backend goes down",
     [](Snapshot& s) {
         change_web(s, [](GroupRow& g) {
             BackendRow& b = backend_of(g, "b1");
             b.verdict = znodes::Letter::down;
             b.reason = "L7STS";
             b.in_rotation = false;
             b.rotation_reason = znodes::RotationReason::down;
         });
     },
     {"health_changed: web/b1 went DOWN: L7STS"}},
    {"a backend comes back",
     [](Snapshot& s) {
         change_web(s, [](GroupRow& g) {
             BackendRow& b = backend_of(g, "b2");
             b.verdict = znodes::Letter::up;
             b.reason = "L7OK";
             b.in_rotation = true;
             b.rotation_reason = znodes::RotationReason::healthy;
         });
     },
     {"health_changed: web/b2 went UP: L7OK"}},
    {"a backend is drained",
     [](Snapshot& s) {
         change_web(s, [](GroupRow& g) {
             BackendRow& b = backend_of(g, "b1");
             b.admin = config::Admin::drain;
             b.in_rotation = false;
             b.rotation_reason = znodes::RotationReason::drain;
         });
     },
     {"rotation_changed: web/b1 is out of rotation: drain"}},
    {"an ejection is capped",
     [](Snapshot& s) {
         change_web(s, [](GroupRow& g) {
             BackendRow& b = backend_of(g, "b3");
             b.verdict = znodes::Letter::down;
             b.reason = "L4CON";
             b.rotation_reason = znodes::RotationReason::eject_capped;
         });
     },
     {"health_changed: web/b3 went DOWN: L4CON",
      "rotation_changed: web/b3 stays in rotation although DOWN: eject_capped"}},
    {"a group enters panic",
     [](Snapshot& s) {
         change_web(s, [](GroupRow& g) {
             g.panic = true;
             g.healthy_percent = 33;
             BackendRow& b = backend_of(g, "b2");
             b.in_rotation = true;
             b.rotation_reason = znodes::RotationReason::panic;
         });
     },
     {"panic_changed: web: panic: all enabled backends get traffic, 33 % are healthy"}},
    {"a new backend that is not down says nothing but the new generation",
     [](Snapshot& s) {
         change_web(s, [](GroupRow& g) {
             BackendRow b = g.backends[0];
             b.id = BackendId("b5");
             g.backends.push_back(b);
             g.generation = 5;
             g.author = "bob";
         });
     },
     {"config_applied: web was changed: generation 5, 5 backends, by bob"}},
    {"a group is created anew under its name",
     [](Snapshot& s) {
         change_web(s, [](GroupRow& g) {
             g.uid = "another";
             g.generation = 1;
         });
     },
     {"config_applied: web was created: generation 1, 4 backends, by alice"}},
    {"a group is removed",
     [](Snapshot& s) { s.groups.erase(s.groups.begin()); },
     {"group_removed: db was removed"}},
    {"a fleet is created",
     [](Snapshot& s) { s.fleets.push_back(fleet_at("u2", 1)); },
     {"config_applied: fleet edge was created: generation 1, by bob"}},
    {"a shard moves",
     [](Snapshot& s) { change_web(s, [](GroupRow& g) { g.shards[1].owner = NodeId("n3"); }); },
     {"shard_moved: web/1 moved from n2 to n3"}},
    {"a shard loses its owner",
     [](Snapshot& s) { change_web(s, [](GroupRow& g) { g.shards[1].owner = NodeId(); }); },
     {"shard_moved: web/1 lost its owner n2"}},
    {"the master changes",
     [](Snapshot& s) { s.cluster.master = MasterRow{.node = NodeId("n3"), .epoch = 18}; },
     {"master_changed: n3 is master, epoch 18"}},
    {"the master takes office again",
     [](Snapshot& s) { s.cluster.master->epoch = 18; },
     {"master_changed: n2 is master, epoch 18"}},
    {"the master goes",
     [](Snapshot& s) { s.cluster.master.reset(); },
     {"master_changed: n2 is no longer master; there is none"}},
    {"a member leaves and another joins",
     [](Snapshot& s) { s.nodes[2].id = NodeId("n4"); },
     {"member_left: n3 left", "member_joined: n4 joined"}},
    {"a member was restarted and doubts",
     [](Snapshot& s) {
         s.nodes[1].incarnation = "second life";
         s.nodes[1].doubt = true;
     },
     {"member_changed: n2 was restarted", "member_changed: n2 doubts its own verdicts"}},
    {"pauses",
     [](Snapshot& s) {
         s.cluster.pause = {.scaling = true, .dns = true};
         s.self.paused = true;
     },
     {"pause_changed: paused in the cluster: scaling, dns", "pause_changed: n1 is paused"}},
    {"the session is lost",
     [](Snapshot& s) { s.session.state = coordination::SessionState::lost; },
     {"session_changed: the ZooKeeper session is lost; the last known state stays in use"}},
};

TEST(Transitions, TellWhatChangedAndNothingElse) {
    for (const Row& row : rows) {
        Snapshot after = example();
        row.change(after);
        EXPECT_EQ(texts(transitions(example(), after)), row.told) << row.name;
    }
}

TEST(Transitions, TellWhatBecomesOfAFleet) {
    using Texts = std::vector<std::string>;
    Snapshot before = example();
    before.fleets = {fleet_at("u1", 1)};
    Snapshot after = before;
    EXPECT_EQ(texts(transitions(before, after)), Texts{});
    after.fleets = {fleet_at("u1", 2)};
    EXPECT_EQ(texts(transitions(before, after)),
              Texts{"config_applied: fleet edge was changed: generation 2, by bob"});
    EXPECT_EQ(transitions(before, after).at(0).fields.at("fleet"), "edge");
    after.fleets = {fleet_at("u2", 1)};
    EXPECT_EQ(texts(transitions(before, after)),
              Texts{"config_applied: fleet edge was created: generation 1, by bob"});
    after.fleets.clear();
    EXPECT_EQ(texts(transitions(before, after)), Texts{"fleet_removed: fleet edge was removed"});
}

TEST(Transitions, CarryTheirFieldsAndTheTimeOfTheLaterView) {
    Snapshot after = example();
    after.time += 5s;
    change_web(after, [](GroupRow& g) {
        backend_of(g, "b1").verdict = znodes::Letter::down;
        backend_of(g, "b1").reason = "L4TOUT";
    });
    const Event expected{.time = wall + 5s,
                         .kind = EventKind::health_changed,
                         .text = "web/b1 went DOWN: L4TOUT",
                         .fields = {{"group", "web"},
                                    {"backend", "b1"},
                                    {"from", "UP"},
                                    {"to", "DOWN"},
                                    {"reason", "L4TOUT"}}};
    EXPECT_EQ(transitions(example(), after), std::vector{expected});
}

TEST(Transitions, FirstViewTellsMasterAndSessionOnly) {
    EXPECT_EQ(texts(transitions(Snapshot{}, example())),
              (std::vector<std::string>{"session_changed: connected to ZooKeeper",
                                        "master_changed: n2 is master, epoch 17"}));
}

TEST(Transitions, BackendThatIsFirstSeenDownIsTold) {
    Snapshot before = example();
    before.groups.clear();
    EXPECT_EQ(texts(transitions(before, example())),
              (std::vector<std::string>{
                  "config_applied: db was created: generation 1, 1 backends, by loopback",
                  "shard_moved: db/0 is probed by n3",
                  "config_applied: web was created: generation 4, 4 backends, by alice",
                  "health_changed: web/b2 went DOWN: L4CON",
                  "shard_moved: web/0 is probed by n1",
                  "shard_moved: web/1 is probed by n2"}));
}

TEST(Transitions, MassFailureIsToldInOneSentenceBeyondTheBound) {
    Snapshot before = example();
    GroupRow many = group_of(before, "web");
    many.backends.clear();
    constexpr std::size_t count = 5'000;
    for (std::size_t i = 0; i < count; ++i) {
        many.backends.push_back({.id = BackendId(std::to_string(100'000 + i)),
                                 .verdict = znodes::Letter::up,
                                 .in_rotation = true});
    }
    put_group(before, many);
    Snapshot after = before;
    for (BackendRow& backend : many.backends) backend.verdict = znodes::Letter::down;
    put_group(after, many);

    const auto events = transitions(before, after);
    ASSERT_EQ(events.size(), max_single_events + 1);
    EXPECT_EQ(events.back().text, "web: 4960 more backends went DOWN");
    EXPECT_EQ(events.back().fields.at("count"), "4960");
}

TEST(EventRing, NumbersOnAndForgetsTheOldest) {
    const auto none = append_events(nullptr, {});
    EXPECT_EQ(none, nullptr);
    auto ring = append_events(nullptr, {Event{.text = "a"}, Event{.text = "b"}});
    ASSERT_EQ(ring->size(), 2U);
    EXPECT_EQ(ring->front().id, 1);
    EXPECT_EQ(append_events(ring, {}), ring);
    for (int i = 0; i < 600; ++i) ring = append_events(ring, {Event{.text = "more"}});
    EXPECT_EQ(ring->size(), max_kept_events);
    EXPECT_EQ(ring->back().id, 602);
    EXPECT_EQ(ring->front().id, 103);
}

}  // namespace
}  // namespace muster::orchestrator
