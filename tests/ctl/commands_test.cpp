#include "ctl/commands.hpp"

#include "ctl/json_read.hpp"
#include "tests/ctl/command_fixture.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace muster::ctl {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Commands : public CommandFixture {
 protected:
    Exit run_get(GetOptions options) {
        return run([options](Context& context) { return get(context, options); });
    }
    Exit run_status() { return run(status); }

    void serve_a_cluster(const std::string& master, int down) {
        node().on("GET /api/v1/cluster",
                  R"({"node":"n1","source":"live","age_seconds":0.41,
                      "cluster":{"uuid":"u-1","name":"prod","era":1,"pause":{"all":false}},
                      "session":{"state":"connected","server":"10.0.0.1:2181"},
                      "master":)" +
                      master + R"(,
                      "self":{"node":"n1","paused":false},
                      "totals":{"nodes":3,"groups":1,"shards":2,"backends":8,
                                "states":{"up":)" +
                      std::to_string(8 - down) + R"(,"down":)" + std::to_string(down) + "}}}");
        node().on("GET /api/v1/groups",
                  R"({"groups":[{"name":"web","generation":4,"backends":8,"shards":2,
                      "states":{"up":)" +
                      std::to_string(8 - down) + R"(,"down":)" + std::to_string(down) +
                      R"(},"in_rotation":7,"panic":false,
                      "notes":[]}]})");
        node().on("GET /api/v1/shards", R"({"shards":[{"id":"web/0","owner":"n2"}]})");
        node().on("GET /api/v1/nodes", R"({"nodes":[{"id":"n1","doubt":false}]})");
    }
};

constexpr const char* backends_json = R"({"total":2,"matched":2,"source":"live","backends":[
    {"group":"web","id":"b1","address":"10.0.0.1:80","state":"down","since":"2025-12-31T23:59:46Z",
     "reason":"L4CON","rotation":{"in":false},"owner":"n2","shard":0,"weight":100,
     "status_age_seconds":3.21},
    {"group":"web","id":"b2","address":"10.0.0.2:80","state":"up","since":null,"reason":"",
     "rotation":{"in":true},"owner":"","shard":1,"weight":100}]})";

TEST_F(Commands, GetShowsATable) {
    node().on("GET /api/v1/backends", backends_json);
    EXPECT_EQ(run_get({.kind = Kind::backends}), Exit::ok) << err();
    EXPECT_EQ(out(),
              "GROUP  BACKEND  STATE  IN   REASON  SINCE\n"
              "web    b1       down   no   L4CON   14 s\n"
              "web    b2       up     yes  -       -\n");
    EXPECT_EQ(err(), "");
}

TEST_F(Commands, GetShowsMoreWhenWide) {
    node().on("GET /api/v1/backends", backends_json);
    format_ = Format::wide;
    EXPECT_EQ(run_get({.kind = Kind::backends}), Exit::ok);
    EXPECT_THAT(out(), AllOf(HasSubstr("ADDRESS"), HasSubstr("10.0.0.1:80"), HasSubstr("3.2 s")));
}

TEST_F(Commands, GetPrintsNamesForScripts) {
    node().on("GET /api/v1/backends", backends_json);
    format_ = Format::name;
    EXPECT_EQ(run_get({.kind = Kind::backends}), Exit::ok);
    EXPECT_EQ(out(), "web/b1\nweb/b2\n");
}

TEST_F(Commands, GetPrintsTheAnswerAsData) {
    node().on("GET /api/v1/backends", backends_json);
    format_ = Format::json;
    EXPECT_EQ(run_get({.kind = Kind::backends}), Exit::ok);
    EXPECT_EQ(boost::json::parse(out()), boost::json::parse(backends_json));
    EXPECT_THAT(out(), HasSubstr("\"status_age_seconds\": 3.21"));
    format_ = Format::yaml;
    EXPECT_EQ(run_get({.kind = Kind::backends}), Exit::ok);
    EXPECT_THAT(out(), HasSubstr("reason: L4CON"));
}

TEST_F(Commands, GetPassesItsFiltersOn) {
    node().on("GET /api/v1/backends", backends_json);
    EXPECT_EQ(run_get({.kind = Kind::backends,
                       .group = "we b&x",
                       .state = "down",
                       .words = "a+b",
                       .limit = 7}),
              Exit::ok);
    ASSERT_EQ(node().requests.size(), 1U);
    EXPECT_EQ(node().requests[0].query_value("group"), "we b&x");
    EXPECT_EQ(node().requests[0].query_value("state"), "down");
    EXPECT_EQ(node().requests[0].query_value("limit"), "7");
    EXPECT_THAT(node().requests[0].target, HasSubstr("q=a%2Bb"));
}

TEST_F(Commands, GetFindsOneByName) {
    node().on("GET /api/v1/backends", backends_json);
    EXPECT_EQ(run_get({.kind = Kind::backends, .name = "b2"}), Exit::ok);
    EXPECT_THAT(out(), AllOf(HasSubstr("b2"), Not(HasSubstr("b1"))));
    EXPECT_EQ(run_get({.kind = Kind::backends, .name = "b9"}), Exit::not_found);
    EXPECT_EQ(out(), "");
}

TEST_F(Commands, GetListsEveryKind) {
    node().on("GET /api/v1/groups", R"({"groups":[{"name":"web","generation":4,
        "states":{"up":1,"unknown":2},"panic":true}]})");
    node().on("GET /api/v1/shards", R"({"shards":[{"id":"web/0","owner":""}]})");
    node().on("GET /api/v1/nodes", R"({"nodes":[{"id":"n1","master":true}]})");
    node().on("GET /api/v1/events",
              R"({"events":[{"id":1,"time":"T","kind":"k","text":"something happened"}]})");
    EXPECT_EQ(run_get({.kind = Kind::groups}), Exit::ok);
    EXPECT_THAT(out(), HasSubstr("1 up, 2 unknown"));
    EXPECT_EQ(run_get({.kind = Kind::shards}), Exit::ok);
    EXPECT_THAT(out(), HasSubstr("nobody"));
    EXPECT_EQ(run_get({.kind = Kind::nodes}), Exit::ok);
    EXPECT_THAT(out(), HasSubstr("master"));
    EXPECT_EQ(run_get({.kind = Kind::events}), Exit::ok);
    EXPECT_THAT(out(), HasSubstr("something happened"));
}

TEST_F(Commands, EventsShowWhoChangedWhat) {
    node().on("GET /api/v1/audit",
              R"({"audit":[{"id":1,"time":"T","author":"alice","origin":"token from 10.0.0.7",
                  "action":"changed","object":"web","generation":5,"detail":"rise: 2 -> 3"},
                 {"id":2,"time":"T","author":"bob","origin":"loopback from ::1","action":"paused",
                  "object":"","generation":0,"detail":"paused now: all\u001b[2J"}]})");
    EXPECT_EQ(run([](Context& context) {
                  return events(context, {.group = "web", .limit = 7, .audit = true});
              }),
              Exit::ok);
    EXPECT_EQ(node().requests[0].query_value("group"), "web");
    EXPECT_EQ(node().requests[0].query_value("limit"), "7");
    EXPECT_THAT(out(),
                HasSubstr("T alice (token from 10.0.0.7) changed web, generation 5: rise: 2 -> 3"));
    EXPECT_THAT(out(), HasSubstr("T bob (loopback from ::1) paused the cluster: paused now: all"));
    EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
}

constexpr const char* shift_json = R"({"name":"api.test","phase":"held","step":1,"steps":10,
    "from":{"blue":100},"now":{"blue":95,"green":5},"to":{"blue":50,"green":50},
    "why":"green\u001b[2J is ill"})";

TEST_F(Commands, ShiftAsksShowsCancelsAndForgets) {
    node().on("POST /api/v1/traffic-shift", shift_json);
    node().on("POST /api/v1/traffic-shift/api.test/cancel", shift_json);
    node().on("DELETE /api/v1/traffic-shift/api.test", shift_json);
    node().on("GET /api/v1/traffic-shift", fmt::format(R"({{"shifts":[{}]}})", shift_json));
    const auto asked = [&](ShiftOptions options) {
        return run([options](Context& context) { return shift(context, options); });
    };
    EXPECT_EQ(asked({.name = "api.test",
                     .shares = {"blue=50", "green=50"},
                     .over = "10m",
                     .healthy_percent = 80}),
              Exit::ok);
    EXPECT_EQ(node().requests.back().body,
              R"({"name":"api.test","percent":{"blue":50,"green":50},"over":"10m",)"
              R"("healthy_percent":80})");
    EXPECT_THAT(out(), HasSubstr("api.test to blue=50 green=50"));
    EXPECT_EQ(asked({.name = "api.test"}), Exit::ok);
    EXPECT_THAT(out(), HasSubstr("blue=95 green=5"));
    EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
    EXPECT_EQ(asked({.name = "api.test", .cancel = true}), Exit::ok);
    EXPECT_THAT(out(), HasSubstr("cancelled: api.test to blue=100"));
    EXPECT_EQ(asked({.name = "api.test", .forget = true}), Exit::ok);
    EXPECT_EQ(asked({.name = "other.test"}), Exit::not_found);
    const auto before = node().requests.size();
    for (const char* share : {"blue", "=5", "blue=", "blue=5x", "blue=99999999999"})
        EXPECT_EQ(asked({.name = "api.test", .shares = {share}}), Exit::usage) << share;
    EXPECT_EQ(asked({.name = "api.test", .shares = {"blue=50", "blue=50"}}), Exit::usage);
    EXPECT_EQ(node().requests.size(), before) << "nothing was asked";
}

TEST_F(Commands, SurviveAnswersOfAnotherShape) {
    for (const char* body :
         {"[]", "7", "{\"groups\":7}", "{\"groups\":[1,null,\"x\",{}]}", "{", ""}) {
        node().on("GET /api/v1/groups", body);
        node().on("GET /api/v1/cluster", body);
        node().on("GET /api/v1/shards", body);
        node().on("GET /api/v1/nodes", body);
        node().on("GET /api/v1/backends/a/b", body);
        (void)run_get({.kind = Kind::groups});
        (void)run_status();
        (void)run([](Context& context) { return why(context, "a/b"); });
    }
}

TEST_F(Commands, ShowNothingThatCouldDriveATerminal) {
    node().on("GET /api/v1/backends",
              R"({"backends":[{"group":"w\u001b[2J","id":"b\r\n1","reason":"\u009b31m\u0007"}]})");
    EXPECT_EQ(run_get({.kind = Kind::backends}), Exit::ok);
    EXPECT_THAT(out(), AllOf(HasSubstr("w?[2J"), HasSubstr("b??1"), HasSubstr("?31m?")));
}

TEST_F(Commands, StatusIsOkWhenAllIsWell) {
    serve_a_cluster(R"({"node":"n2","epoch":17,"since":"2026-01-01T00:00:00Z"})", 0);
    EXPECT_EQ(run_status(), Exit::ok) << out();
    EXPECT_THAT(out(),
                AllOf(HasSubstr("cluster   prod (u-1), era 1\n"),
                      HasSubstr("master    n2, epoch 17"),
                      HasSubstr("backends  8: 8 up\n"),
                      HasSubstr("all is well")));
}

TEST_F(Commands, StatusSaysWhatIsWrongAndEndsWithSix) {
    serve_a_cluster("null", 1);
    node().on("GET /api/v1/shards", R"({"shards":[{"id":"web/0","owner":""}]})");
    EXPECT_EQ(run_status(), Exit::degraded);
    EXPECT_THAT(out(),
                AllOf(HasSubstr("no master is known"),
                      HasSubstr("shard web/0 is probed by nobody"),
                      HasSubstr("group web: 1 of 8 backends down")));
    format_ = Format::json;
    EXPECT_EQ(run_status(), Exit::degraded);
    EXPECT_TRUE(boost::json::parse(out()).at("degraded").as_bool());
}

TEST_F(Commands, WhyExplainsABackendFoundByItsAddress) {
    node().on("GET /api/v1/backends", backends_json);
    node().on("GET /api/v1/backends/web/b1",
              R"({"backend":{"state":"down","address":"10.0.0.1:80"},
                  "why":{"summary":"DOWN for 14 s","next":"2 successes make it UP"},
                  "recent":{"from":"n2","list":[{"time":"T1","result":"failure","reason":"L4CON",
                            "code":111,"total_seconds":0.0002,
                            "before":{"verdict":"up","pending":2},
                            "after":{"verdict":"down","pending":0}}],
                            "confirmation":{"time":"T0","down":true,
                                            "votes":[{"node":"n3","vote":"agree"},
                                                     {"node":"n1","vote":"abstain"}]}},
                  "recent_problem":null})");
    EXPECT_EQ(run([](Context& context) { return why(context, "10.0.0.1:80"); }), Exit::ok) << err();
    EXPECT_THAT(
        out(),
        AllOf(StartsWith("web/b1 10.0.0.1:80\n  DOWN for 14 s\n"),
              HasSubstr("2 successes make it UP"),
              HasSubstr("  suspected T0: found DOWN (n3: agree, n1: abstain)\n"),
              HasSubstr("T1    failure  L4CON   111   up, 2 against  down   -        -        -    "
                        "-     -           0.2 ms")));
}

TEST_F(Commands, WhyAsksBackWhenANameIsAmbiguous) {
    node().on("GET /api/v1/backends",
              R"({"backends":[{"group":"web","id":"b1"},{"group":"api","id":"b1"},
                              {"group":"api","id":"b11"}]})");
    EXPECT_EQ(run([](Context& context) { return why(context, "b1"); }), Exit::usage);
    EXPECT_THAT(err(), AllOf(HasSubstr("web/b1"), HasSubstr("api/b1\n"), Not(HasSubstr("b11"))));
    EXPECT_EQ(run([](Context& context) { return why(context, "b2"); }), Exit::not_found);
}

TEST_F(Commands, DrainPatchesTheBackend) {
    node().on("PATCH /api/v1/groups/web/backends/b1", R"({"result":"changed","generation":6})");
    token_ = "secret";
    EXPECT_EQ(run([](Context& context) { return set_backend_state(context, "web/b1", "drain"); }),
              Exit::ok);
    EXPECT_EQ(out(), "web/b1: drain, changed (generation 6)\n");
    ASSERT_EQ(node().requests.size(), 1U);
    EXPECT_EQ(node().requests[0].body, R"({"state":"drain"})");
    EXPECT_EQ(node().requests[0].field("authorization"), "Bearer secret");
    EXPECT_EQ(node().requests[0].field("muster-author"), "alice");
}

TEST_F(Commands, ApplySendsTheFileAndTellsTheResult) {
    node().on("POST /api/v1/apply",
              R"({"dry_run":false,"groups":[{"name":"web","result":"changed","generation":5}]})");
    EXPECT_EQ(run([](Context& context) {
                  return apply(context, {.text = "kind: Group\n", .expect = "web:4"});
              }),
              Exit::ok);
    EXPECT_EQ(out(), "group web changed (generation 5)\n");
    EXPECT_EQ(node().requests[0].body, "kind: Group\n");
    EXPECT_EQ(node().requests[0].query_value("expect"), "web:4");
    EXPECT_EQ(node().requests[0].query_value("dry_run"), std::nullopt);
}

TEST_F(Commands, ApplyTellsEveryProblemWithItsPlace) {
    node().on("POST /api/v1/apply",
              R"({"title":"Unprocessable Content","status":422,"detail":"2 problems",
                  "errors":[{"path":"spec.check.rise","line":4,"column":9,"detail":"is 0"},
                            {"path":"spec","line":2,"column":1,"detail":"has no backends"}]})",
              422);
    EXPECT_EQ(run([](Context& context) { return apply(context, {.text = "x"}); }), Exit::failed);
    EXPECT_EQ(out(), "");
    EXPECT_EQ(err(),
              "error: Unprocessable Content: 2 problems\n"
              "  line 4, column 9: spec.check.rise: is 0\n"
              "  line 2, column 1: spec: has no backends\n");
}

TEST_F(Commands, DiffEndsWithOneWhenSomethingDiffers) {
    const auto diff_x = [](Context& context) { return diff(context, "x"); };
    node().on("POST /api/v1/apply",
              R"({"groups":[{"name":"web","result":"changed",
                  "changes":["spec.backends[b9]: added","spec.check.rise: 2 -> 3"]}]})");
    EXPECT_EQ(run(diff_x), Exit::failed);
    EXPECT_EQ(out(), "group web: changes\n  spec.backends[b9]: added\n  spec.check.rise: 2 -> 3\n");
    EXPECT_EQ(node().requests[0].query_value("dry_run"), "1");
    node().on("POST /api/v1/apply", R"({"groups":[{"name":"web","result":"unchanged"}]})");
    EXPECT_EQ(run(diff_x), Exit::ok);
    EXPECT_EQ(out(), "");
    node().on("POST /api/v1/apply", R"({"title":"bad","status":422})", 422);
    EXPECT_EQ(run(diff_x), Exit::usage) << "2: could not tell";
}

TEST_F(Commands, DeleteMayNameTheGenerationItMeans) {
    node().on("DELETE /api/v1/groups/web", R"({"name":"web","result":"removed","generation":6})");
    EXPECT_EQ(
        run([](Context& context) { return remove(context, {.name = "web", .generation = 5}); }),
        Exit::ok);
    EXPECT_EQ(node().requests[0].field("if-match"), "\"5\"");
    node().on("DELETE /api/v1/groups/web", R"({"title":"Precondition Failed"})", 412);
    EXPECT_EQ(run([](Context& context) { return remove(context, {.name = "web"}); }),
              Exit::conflict);
}

TEST_F(Commands, DescribeShowsSpecAndBackends) {
    node().on("GET /api/v1/groups/web",
              R"({"group":{"name":"web","uid":"u","generation":4,
                  "spec":{"kind":"Group","name":"web","spec":{"check":{"rise":3}}}}})");
    node().on("GET /api/v1/backends", backends_json);
    EXPECT_EQ(run([](Context& context) { return describe_group(context, "web"); }), Exit::ok);
    EXPECT_THAT(out(),
                AllOf(HasSubstr("generation   4\n"), HasSubstr("rise: 3"), HasSubstr("L4CON")));
    EXPECT_EQ(run([](Context& context) { return describe_group(context, "none"); }),
              Exit::not_found);
}

TEST_F(Commands, ApplyTellsOfFleetsAndWhatTheyLack) {
    node().on("POST /api/v1/apply",
              R"({"groups":[{"name":"web","result":"created","generation":1,"warnings":[]}],
                  "fleets":[{"name":"edge","result":"changed","generation":3,
                             "warnings":["there is no group api yet"]}]})");
    const auto apply_x = [](Context& context) { return apply(context, {.text = "x"}); };
    EXPECT_EQ(run(apply_x), Exit::ok);
    EXPECT_EQ(out(), "group web created (generation 1)\nfleet edge changed (generation 3)\n");
    EXPECT_EQ(err(), "warning: fleet edge: there is no group api yet\n");
    node().on("POST /api/v1/apply",
              R"({"title":"Conflict","fleets":[{"name":"edge","problems":["was faster"]}]})",
              409);
    EXPECT_EQ(run(apply_x), Exit::conflict);
    EXPECT_THAT(err(), HasSubstr("fleet edge: was faster"));
}

TEST_F(Commands, DiffCountsFleets) {
    node().on("POST /api/v1/apply",
              R"({"groups":[{"name":"web","result":"unchanged"}],
                  "fleets":[{"name":"edge","result":"changed","changes":["listener web added"]}]})");
    EXPECT_EQ(run([](Context& context) { return diff(context, "x"); }), Exit::failed);
    EXPECT_EQ(out(), "fleet edge: changes\n  listener web added\n");
}

constexpr const char* fleet_json =
    R"({"fleet":{"name":"edge","uid":"u","generation":3,"notes":["there is no group api yet"],
        "spec":{"kind":"Fleet","name":"edge","spec":{"listeners":[{"name":"web"}]}}}})";

TEST_F(Commands, GetListsFleets) {
    node().on("GET /api/v1/fleets",
              R"({"fleets":[{"name":"edge","generation":3,"listeners":["db","web"],
                  "groups":["api"],"notes":["x"]}]})");
    EXPECT_EQ(run([](Context& context) { return get(context, {.kind = Kind::fleets}); }), Exit::ok);
    EXPECT_THAT(out(), AllOf(HasSubstr("FLEET"), HasSubstr("edge"), HasSubstr("db,web")));
}

TEST_F(Commands, GetOfOneFleetAsDataIsWhatApplyReads) {
    node().on("GET /api/v1/fleets/edge", fleet_json);
    format_ = Format::yaml;
    EXPECT_EQ(
        run([](Context& context) { return get(context, {.kind = Kind::fleets, .name = "edge"}); }),
        Exit::ok);
    EXPECT_EQ(out(), "kind: Fleet\nname: edge\nspec:\n  listeners:\n    - name: web\n");
    EXPECT_EQ(
        run([](Context& context) { return get(context, {.kind = Kind::fleets, .name = "none"}); }),
        Exit::not_found);
}

TEST_F(Commands, DescribeShowsAFleetAndWhatItLacks) {
    node().on("GET /api/v1/fleets/edge", fleet_json);
    EXPECT_EQ(run([](Context& context) { return describe_fleet(context, "edge"); }), Exit::ok);
    EXPECT_THAT(out(),
                AllOf(HasSubstr("generation   3\n"),
                      HasSubstr("note         there is no group api yet\n"),
                      HasSubstr("- name: web")));
}

TEST_F(Commands, DeleteRemovesAFleet) {
    node().on("DELETE /api/v1/fleets/edge", R"({"name":"edge","result":"removed"})");
    EXPECT_EQ(run([](Context& context) {
                  return remove(context, {.kind = Defined::fleet, .name = "edge"});
              }),
              Exit::ok);
    EXPECT_EQ(out(), "fleet edge removed\n");
}

TEST_F(Commands, StepDownGoesToTheMaster) {
    const std::string master = urls_[1].substr(std::string("http://").size());
    node().on("POST /api/v1/step-down",
              R"({"title":"Conflict","master":"n2","api_address":")" + master + "\"}",
              409);
    nodes_[1].on("POST /api/v1/step-down", R"({"node":"n2","result":"stepped_down","epoch":17})");
    EXPECT_EQ(run(step_down), Exit::ok) << err();
    EXPECT_EQ(out(), "n2 has given up its office (epoch 17)\n");
}

TEST_F(Commands, PauseAndResumeSayWhat) {
    node().on("POST /api/v1/pause", R"({"pause":{"dns":true}})");
    EXPECT_EQ(run([](Context& context) { return set_pause(context, Scope::dns, Paused::yes, ""); }),
              Exit::ok);
    EXPECT_EQ(node().requests.back().body, R"({"dns":true})");
    node().on("POST /api/v1/nodes/self/pause", R"({"node":"n1","paused":true})");
    node().on("POST /api/v1/nodes/self/resume", R"({"node":"n1","paused":false})");
    EXPECT_EQ(run([](Context& context) {
                  return set_pause(context, Scope::this_node, Paused::yes, "upgrade");
              }),
              Exit::ok);
    EXPECT_EQ(node().requests.back().body, R"({"reason":"upgrade"})");
    EXPECT_EQ(
        run([](Context& context) { return set_pause(context, Scope::this_node, Paused::no, ""); }),
        Exit::ok);
    EXPECT_EQ(out(), "resumed: node n1\n");
}

TEST_F(Commands, EventsArePrintedAsTheyCome) {
    nodes_[0].streams["GET /api/v1/events"] =
        "id: 1\nevent: event\ndata: {\"time\":\"T\",\"kind\":\"k\",\"text\":\"one\"}\n\n"
        ": still here\n\nid: 2\nevent: event\ndata: "
        "{\"time\":\"T\",\"kind\":\"k\",\"text\":\"two\"}\n\n";
    start([](Context& context) { return events(context, {.watch = true}); });
    ASSERT_TRUE(until([&] { return out() == "T k one\nT k two\n"; })) << out() << err();
    // The stream has ended; it is asked for again.
    const auto asked = node().requests.size();
    EXPECT_TRUE(until([&] {
        clock_.run_for(std::chrono::milliseconds(100));
        return node().requests.size() > asked;
    }));
    EXPECT_FALSE(exit_.has_value());
}

TEST_F(Commands, WatchShowsEachChange) {
    node().on("GET /api/v1/nodes", R"({"nodes":[{"id":"n1"}]})");
    node().streams["GET /api/v1/stream"] = "event: view\ndata: {}\n\n";
    start([](Context& context) {
        return watch(context, [](Context& inner) { return get(inner, {.kind = Kind::nodes}); });
    });
    EXPECT_TRUE(until([&] {
        clock_.run_for(std::chrono::milliseconds(100));
        return node().requests.size() > 6;
    }));
    EXPECT_THAT(out(), HasSubstr("n1"));
    EXPECT_FALSE(exit_.has_value());
}

/// A DOWN backend that came up, as `why` has recorded it.
constexpr const char* recorded = R"({"recent":{"list":[
{"time":"2026-01-01T00:00:00Z","result":"success","reason":"L7OK",
 "before":{"verdict":"down","pending":1},"after":{"verdict":"up","pending":0}},
{"time":"2026-01-01T00:00:02Z","result":"failure","reason":"L4CON",
 "before":{"verdict":"up","pending":0},"after":{"verdict":"up","pending":1}},
{"time":"2026-01-01T00:00:04Z","result":"inconclusive","reason":"PRLATE",
 "before":{"verdict":"up","pending":1},"after":{"verdict":"up","pending":1}},
{"time":"2026-01-01T00:00:06Z","result":"failure","reason":"L4CON",
 "before":{"verdict":"up","pending":1},"after":{"verdict":"up","pending":2}}]}})";

TEST_F(Commands, ReplayBeginsWhereTheRecordDoes) {
    EXPECT_EQ(run([](Context& context) { return replay(context, {.text = recorded}); }), Exit::ok)
        << err();
    EXPECT_THAT(out(), testing::HasSubstr("4 results, 1 changes of state (*), rise 2, fall 3"));
    EXPECT_THAT(out(), testing::HasSubstr("up *"));
    EXPECT_THAT(out(), testing::HasSubstr("2 failed"));
    EXPECT_THAT(out(), testing::Not(testing::HasSubstr("another state")));
}

TEST_F(Commands, ReplayTellsWhatOtherThresholdsWouldHaveMade) {
    EXPECT_EQ(run([](Context& context) { return replay(context, {.text = recorded, .fall = 2}); }),
              Exit::ok);
    EXPECT_THAT(out(), testing::HasSubstr("down *"));
    EXPECT_THAT(out(), testing::HasSubstr("1 of them left another state then"));
}

TEST_F(Commands, ReplayRefusesWhatIsNoRecord) {
    for (const char* wrong : {"", "{}", "[1]", R"({"recent":{"list":[{"time":"now"}]}})"}) {
        EXPECT_EQ(run([wrong](Context& context) { return replay(context, {.text = wrong}); }),
                  Exit::failed)
            << wrong;
        EXPECT_THAT(err(), testing::HasSubstr("error: ")) << wrong;
    }
}

TEST_F(Commands, VersionNamesBothSides) {
    node().on("GET /version", R"({"name":"muster","version":"0.1.0","build":"abc","api":"v1"})");
    EXPECT_EQ(run(version), Exit::ok);
    EXPECT_THAT(out(), AllOf(HasSubstr("musterctl "), HasSubstr("musterd   0.1.0 (abc, API v1)")));
}

}  // namespace
}  // namespace muster::ctl
