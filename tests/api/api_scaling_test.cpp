// The scaling of a fleet, as any node tells it.
#include "orchestrator/api_peer.hpp"
#include "orchestrator/api_stream.hpp"
#include "tests/api/two_nodes.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using test::ApiCase;
using test::at;
using test::request;

const std::string asked = "/api/v1/fleets/edge/scaling";
const std::string decision =
    R"({"at":"2026-03-01T12:00:00Z","was":2,"wanted":3,"size":3,"min":1,"max":8,"serving":2,)"
    R"("line":"2 -> 3: requests wants 3","metrics":[{"name":"requests"}],"clamps":[],"vetoes":[],)"
    R"("brakes":[],"pin":null,"flips":[],"digest":"d","text":["2 -> 3: requests wants 3"]})";

ScalingRow row(WallTime wall) {
    return {.min = 1,
            .max = 8,
            .begun = true,
            .target = 3,
            .generation = 7,
            .under_way = "out",
            .pause = {.kind = znodes::FleetPauseKind::in,
                      .by = "alice",
                      .why = "works",
                      .until = wall + 1h},
            .intent = ScalingIntentRow{.making = {InstanceId("edge-7-1")},
                                       .leaving = {},
                                       .started = wall,
                                       .deadline = wall + 10min},
            .machines = {{.id = InstanceId("edge-6-1"),
                          .phase = "serving",
                          .since = wall,
                          .host = "n1",
                          .address = "192.0.2.1:443",
                          .reason = "warmed up"},
                         {.id = InstanceId("edge-7-1"), .phase = "planned", .since = wall}}};
}

/// n2 is master, and has decided.
class ScalingOfAFleet : public test::TwoNodes {
 protected:
    ScalingOfAFleet() {
        also_ = [this](Snapshot& snapshot) {
            snapshot.scaling[FleetName("edge")] = row(n1_->clock.wall());
        };
        Snapshot master = test::example_snapshot(n2_->clock.now(), n2_->clock.wall());
        master.self.node = NodeId("n2");
        master.scaling[FleetName("edge")] = row(n2_->clock.wall());
        master.notes = std::make_shared<const ScalingNotes>(ScalingNotes{
            {FleetName("edge"),
             {.says = {"edge-7-1 waits"},
              .decision = decision,
              .ticks = {{.at = n2_->clock.wall(), .was = 2, .wanted = 3, .size = 3}}}}});
        n2_->publish(std::move(master));
    }
};

TEST_F(ScalingOfAFleet, HasWhatTheTreeHasAndWhatTheMasterMakesOfIt) {
    serve();
    for (const char* const by : {"n1", "n2"}) {
        const auto body = by == std::string("n1") ? ask(asked) : n2_->json(request("GET", asked));
        EXPECT_EQ(at(body, "/node"), "\"" + std::string(by) + "\"");
        EXPECT_EQ(at(body, "/is_master"), by == std::string("n2") ? "true" : "false");
        EXPECT_EQ(at(body, "/told_by"), "\"n2\"");
        EXPECT_EQ(at(body, "/target") + at(body, "/min") + at(body, "/max"), "318");
        EXPECT_EQ(at(body, "/phases"), R"({"planned":1,"serving":1})");
        EXPECT_EQ(
            at(body, "/pause"),
            R"({"kind":"in","by":"alice","reason":"works","until":"2026-01-01T01:00:00.000Z"})");
        EXPECT_EQ(at(body, "/intent"),
                  R"({"kind":"out","making":["edge-7-1"],"leaving":[],)"
                  R"("started":"2026-01-01T00:00:00.000Z","deadline":"2026-01-01T00:10:00.000Z"})");
        EXPECT_EQ(at(body, "/instances/0"),
                  R"({"id":"edge-6-1","phase":"serving","since":"2026-01-01T00:00:00.000Z",)"
                  R"("host":"n1","address":"192.0.2.1:443","leaves":false,"reason":"warmed up",)"
                  R"("health":null})");
        EXPECT_EQ(at(body, "/says"), R"(["edge-7-1 waits"])");
        EXPECT_EQ(at(body, "/explanation"), decision);
        EXPECT_EQ(at(body, "/ticks"),
                  R"([{"at":"2026-01-01T00:00:00.000Z","was":2,"wanted":3,"size":3}])");
        EXPECT_EQ(at(body, "/why"), "null");
    }
}

TEST_F(ScalingOfAFleet, IsToldWithoutTheMasterAndSaysWhoKnows) {
    see("127.0.0.1:1");
    const auto body = ask(asked);
    EXPECT_EQ(at(body, "/target"), "3");
    EXPECT_EQ(at(body, "/explanation"), "null");
    EXPECT_EQ(at(body, "/told_by"), "null");
    EXPECT_TRUE(at(body, "/why")
                    .starts_with(R"("only the master knows: n2, which is master, can't be asked)"))
        << at(body, "/why");
    also_ = [also = also_](Snapshot& snapshot) {
        also(snapshot);
        snapshot.cluster.master.reset();
    };
    see("127.0.0.1:1");
    EXPECT_EQ(at(ask(asked), "/why"), R"("there is no master")");
}

TEST_F(ScalingOfAFleet, HasWhatProbesSayOfItsLbs) {
    also_ = [](Snapshot& snapshot) {
        GroupRow lbs = test::group_of(snapshot, "web");
        auto spec = *lbs.spec;
        spec.name = GroupName("@edge");
        lbs.spec = std::make_shared<const config::GroupSpec>(std::move(spec));
        snapshot.groups.insert(snapshot.groups.begin(),
                               std::make_shared<const GroupRow>(std::move(lbs)));
        snapshot.scaling[FleetName("edge")].machines = {
            {.id = InstanceId("b1"), .phase = "serving"},
            {.id = InstanceId("b2"), .phase = "serving"},
            {.id = InstanceId("b9"), .phase = "serving"}};
    };
    see("127.0.0.1:1");
    const auto body = ask(asked);
    EXPECT_EQ(at(body, "/down"), "1") << "b2";
    EXPECT_EQ(at(body, "/instances/0/health/state") + at(body, "/instances/1/health/state"),
              R"("up""down")");
    EXPECT_EQ(at(body, "/instances/2/health"), "null");
}

TEST_F(ScalingOfAFleet, IsAskedForOnceAtMost) {
    serve();
    const auto body = ask(asked, {{.name = "Muster-Relayed", .value = "1"}});
    EXPECT_EQ(at(body, "/why"), R"("only the master knows; ask n2")");
    EXPECT_EQ(at(body, "/explanation"), "null");
}

/// An answer with one member put in another's place.
std::string answer_with(const std::string& member, const std::string& value) {
    std::map<std::string, std::string> members{{"told_by", R"("n2")"},
                                               {"says", R"(["waits"])"},
                                               {"refused", "null"},
                                               {"explanation", decision},
                                               {"ticks", "[]"},
                                               {"why", "null"}};
    members[member] = value;
    std::string text;
    for (const auto& [name, held] : members) {
        if (!held.empty()) text += fmt::format("{}\"{}\":{}", text.empty() ? "{" : ",", name, held);
    }
    return text + "}";
}

TEST(ScalingNotesOfAPeer, AreTakenAsTheyAreToldAndNothingElse) {
    const auto notes = decode_scaling_notes(answer_with("target", "900"), NodeId("n2"));
    ASSERT_TRUE(notes);
    EXPECT_EQ(notes->size(), 6U);
    EXPECT_EQ(boost::json::serialize(notes->at("explanation")), decision);
}

TEST(ScalingNotesOfAPeer, ThatAreHostileAreRefused) {
    const auto without = [](const std::string& member, const std::string& instead) {
        std::string text = decision;
        const auto begin = text.find("\"" + member + "\":");
        text.replace(begin, member.size() + 2, instead);
        return text;
    };
    std::string many = "1";
    for (int i = 0; i < 300; ++i) many += ",1";
    const std::vector<std::pair<std::string, std::string>> bad{
        {"told_by", R"("n3")"},
        {"told_by", "null"},
        {"told_by", ""},
        {"says", ""},
        {"says", "{}"},
        {"says", "[1]"},
        {"says", "[" + many + "]"},
        {"refused", "7"},
        {"why", "[]"},
        {"why", ""},
        {"ticks", R"([{"at":"x","was":1,"wanted":1}])"},
        {"ticks", R"([{"at":"x","was":1,"wanted":1,"size":-1}])"},
        {"ticks", R"([{"at":1,"was":1,"wanted":1,"size":1}])"},
        {"ticks", R"([7])"},
        {"explanation", "7"},
        {"explanation", "{}"},
        {"explanation", without("line", "\"other\"")},
        {"explanation", without("metrics", "\"line\":\"x\",\"none\"")},
        {"explanation", without("size", "\"none\"")},
        {"explanation", std::string(10, '[') + std::string(10, ']')}};
    for (const auto& [member, value] : bad)
        EXPECT_FALSE(decode_scaling_notes(answer_with(member, value), NodeId("n2")))
            << member << ": " << value.substr(0, 100);
    for (const std::string& body : {std::string(),
                                    std::string("[]"),
                                    std::string("{"),
                                    std::string(max_peer_notes_bytes + 1, ' ')})
        EXPECT_FALSE(decode_scaling_notes(body, NodeId("n2"))) << body.substr(0, 100);
}

TEST(ScalingStream, BeginsAnewWhenASizeChanges) {
    Snapshot before;
    before.scaling[FleetName("edge")] = row({});
    Snapshot after = before;
    EXPECT_TRUE(differ_in_age_only(before, after));
    after.scaling[FleetName("edge")].target = 4;
    EXPECT_FALSE(differ_in_age_only(before, after));
}

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
    snapshot.nodes[1].api_address = "127.0.0.1:1";
    EXPECT_TRUE(shown(api, snapshot, "/why")
                    .starts_with(R"("only the master knows: n2, which is master, can't be asked)"));
    EXPECT_EQ(shown(api, snapshot, "/is_master"), "false");
    snapshot.cluster.master->node = snapshot.self.node;
    EXPECT_TRUE(shown(api, snapshot, "/why").contains("its settings have no provider"));
    EXPECT_EQ(shown(api, snapshot, "/is_master"), "true");
    snapshot.notes = std::make_shared<const ScalingNotes>();
    EXPECT_TRUE(shown(api, snapshot, "/why").contains("no provider of the name"));
    snapshot.notes.reset();
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
