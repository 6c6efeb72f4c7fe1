#include "orchestrator/api_reads.hpp"

#include "tests/api/api_case.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using test::ApiCase;
using test::at;
using test::request;

TEST(Reads, ClusterSaysWhoAndHowOld) {
    ApiCase api;
    EXPECT_EQ(
        api.answer(request("GET", "/api/v1/cluster")).body,
        R"({"as_of":"2025-12-31T23:59:59.600Z","age_seconds":4E-1,"source":"live","node":"n1",)"
        R"("cluster":{"uuid":"11111111-2222-3333-4444-555555555555","name":"example","era":1,)"
        R"("pause":{"all":false,"scaling":false,"dns":false,"status":false}},)"
        R"("session":{"state":"connected","server":"127.0.0.1:2181","confirmed_age_seconds":4E-1},)"
        R"("master":{"node":"n2","epoch":17,"since":"2025-12-31T23:00:00.000Z",)"
        R"("api_address":"127.0.0.1:9700"},)"
        R"("self":{"node":"n1","incarnation":"life-n1","version":"0.1.0","build":"abc123","zone":"a",)"
        R"("started":"2025-12-31T22:00:00.000Z","is_master":false,"lease_seconds":null,"paused":false,)"
        R"("pause_reason":"","leaving":false,"doubt":false},)"
        R"("totals":{"nodes":3,"groups":2,"shards":3,"backends":5,)"
        R"("states":{"up":3,"down":1,"degraded":0,"unknown":0,"drain":1,"maintenance":0}}})");
}

TEST(Reads, BackendRowIsAsDocumented) {
    ApiCase api;
    const auto body = api.json(request("GET", "/api/v1/backends?state=down"));
    EXPECT_EQ(at(body, "/total"), "5");
    EXPECT_EQ(at(body, "/matched"), "1");
    EXPECT_EQ(
        at(body, "/backends"),
        R"([{"group":"web","id":"b2","address":"10.0.0.2:80","zone":"a","weight":100,"admin":"active",)"
        R"("state":"down","verdict":"down","since":"2025-12-31T23:59:46.000Z","reason":"L4CON",)"
        R"("pending":{"successes":1,"failures":0},"intent":null,"ejection":null,)"
        R"("rotation":{"in":false,"weight":0,"reason":"down"},)"
        R"("shard":0,"owner":"n1","status_age_seconds":3.2E0}])");
}

TEST(Reads, IntentIsOfReplyAndAgentTogetherAndSaysWhoSaidWhat) {
    using znodes::Intent;
    ApiCase api;
    const WallTime wall = api.clock.wall();
    const auto intent = [&](const znodes::Intents& said) {
        Snapshot snapshot = *api.slot.newest();
        GroupRow group = test::group_of(snapshot, "web");
        test::backend_of(group, "b2").intents = said;
        test::put_group(snapshot, std::move(group));
        api.publish(std::move(snapshot));
        return at(api.json(request("GET", "/api/v1/backends?state=down")), "/backends/0/intent");
    };
    const znodes::LeasedIntent reply{
        .intent = {.serving = Intent::Serving::up, .weight_percent = 50, .maxconn = 7},
        .until = wall + 30s};
    znodes::LeasedIntent agent{.intent = {.wish = Intent::Wish::drain, .reason = "deploy"},
                               .until = wall + 9s};
    EXPECT_EQ(
        intent({.reply = reply, .agent = agent}),
        R"({"until":"2026-01-01T00:00:09.000Z","serving":"up","wish":"drain",)"
        R"("weight_percent":50,"maxconn":7,"reason":"deploy","said_by":{)"
        R"("reply":{"until":"2026-01-01T00:00:30.000Z","serving":"up","weight_percent":50,"maxconn":7},)"
        R"("agent":{"until":"2026-01-01T00:00:09.000Z","wish":"drain","reason":"deploy"}}})");
    agent.until = wall;
    EXPECT_EQ(
        intent({.reply = reply, .agent = agent}),
        R"({"until":"2026-01-01T00:00:30.000Z","serving":"up","weight_percent":50,"maxconn":7,)"
        R"("said_by":{"reply":{"until":"2026-01-01T00:00:30.000Z","serving":"up",)"
        R"("weight_percent":50,"maxconn":7}}})");
    EXPECT_EQ(intent({.agent = agent}), "null");
}

/// The example cluster with a fleet of one listener.
Snapshot with_a_fleet(const ApiCase& api) {
    Snapshot snapshot = test::example_snapshot(api.clock.now(), api.clock.wall());
    const config::Listener web{.name = "web",
                               .port = 80,
                               .routes = {{.path = "/api/", .group = GroupName("api")}},
                               .group = GroupName("web")};
    snapshot.fleets.push_back(
        {.spec = std::make_shared<const config::FleetSpec>(
             config::FleetSpec{.name = FleetName("edge"), .listeners = {web}}),
         .uid = "u1",
         .generation = 2,
         .author = "alice",
         .changed = api.clock.wall(),
         .notes = {"there is no group api yet, to which listener web leads"}});
    return snapshot;
}

TEST(Reads, FleetsAreListedWithWhatTheyLeadTo) {
    ApiCase api;
    EXPECT_EQ(at(api.json(request("GET", "/api/v1/fleets")), "/fleets"), "[]");
    api.publish(with_a_fleet(api));
    EXPECT_EQ(at(api.json(request("GET", "/api/v1/fleets")), "/fleets"),
              R"([{"name":"edge","uid":"u1","generation":2,"author":"alice",)"
              R"("changed":"2026-01-01T00:00:00.000Z","listeners":["web"],"groups":["api","web"],)"
              R"("notes":["there is no group api yet, to which listener web leads"],)"
              R"("instances":null}])");
    EXPECT_EQ(at(api.json(request("GET", "/state")), "/fleets/0/name"), "\"edge\"");
}

TEST(Reads, LbsAreShownWithWhatProbesSayOfThem) {
    ApiCase api;
    Snapshot snapshot = with_a_fleet(api);
    auto spec = std::make_shared<config::GroupSpec>(config::GroupSpec{.name = GroupName("@edge")});
    spec->backends = {{.id = BackendId("lb-1"), .address = "192.0.2.10", .port = 443}};
    snapshot.groups.insert(
        snapshot.groups.begin(),
        std::make_shared<GroupRow>(GroupRow{.spec = spec,
                                            .backends = {{.id = BackendId("lb-1"),
                                                          .verdict = znodes::Letter::degraded,
                                                          .since = api.clock.wall(),
                                                          .reason = "L7STS",
                                                          .in_rotation = true}}}));
    for (const char* const name : {"lb-1", "lb-2"})
        snapshot.agents.push_back({.fleet = FleetName("edge"), .instance = InstanceId(name)});
    api.publish(std::move(snapshot));
    const auto agents = api.json(request("GET", "/api/v1/agents"));
    EXPECT_EQ(at(agents, "/agents/0/health"),
              R"({"state":"degraded","in_rotation":true,"since":"2026-01-01T00:00:00.000Z",)"
              R"("reason":"L7STS"})");
    EXPECT_EQ(at(agents, "/agents/1/health"), "null") << "registered, and not probed yet";
    const auto fleets = api.json(request("GET", "/api/v1/fleets"));
    EXPECT_EQ(at(fleets, "/fleets/0/instances/total"), "1");
    EXPECT_EQ(at(fleets, "/fleets/0/instances/in_rotation"), "1");
    EXPECT_EQ(at(api.json(request("GET", "/api/v1/fleets/edge")), "/fleet/instances/total"), "1");
    const auto groups = api.json(request("GET", "/api/v1/groups"));
    EXPECT_EQ(at(groups, "/groups/0/fleet"), "\"edge\"");
    EXPECT_EQ(at(groups, "/groups/1/fleet"), "null");
}

TEST(Reads, PrometheusIsToldWhereExportersAre) {
    ApiCase api;
    Snapshot snapshot = test::example_snapshot(api.clock.now(), api.clock.wall());
    api.publish(snapshot);
    EXPECT_EQ(api.answer(request("GET", "/api/v1/scrape-targets")).status, 503);
    snapshot.scrape_targets.emplace();
    api.publish(snapshot);
    EXPECT_EQ(api.answer(request("GET", "/api/v1/scrape-targets")).body, "[]");
    for (const char* const exporter : {"agent", "lb"})
        snapshot.scrape_targets->push_back({.fleet = FleetName("edge"),
                                            .instance = InstanceId("lb-1"),
                                            .exporter = exporter,
                                            .address = "192.0.2.10:9000"});
    api.publish(std::move(snapshot));
    EXPECT_EQ(api.answer(request("GET", "/api/v1/scrape-targets?exporter=lb&fleet=edge")).body,
              R"([{"targets":["192.0.2.10:9000"],)"
              R"("labels":{"fleet":"edge","instance_id":"lb-1","exporter":"lb"}}])");
    EXPECT_EQ(api.json(request("GET", "/api/v1/scrape-targets")).as_array().size(), 2U);
    EXPECT_EQ(api.answer(request("GET", "/api/v1/scrape-targets?fleet=other")).body, "[]");
}

TEST(Reads, AgentsSayHowFarTheirLbsAre) {
    ApiCase api;
    Snapshot snapshot = test::example_snapshot(api.clock.now(), api.clock.wall());
    snapshot.agents.push_back({.fleet = FleetName("edge"),
                               .instance = InstanceId("lb-1"),
                               .address = "192.0.2.10:443",
                               .lb = "haproxy",
                               .build = "b1",
                               .accepting = true,
                               .fleet_generation = 2,
                               .newest_fleet_generation = 2,
                               .groups = {{.name = GroupName("web"), .generation = 5, .newest = 6}},
                               .status_time = api.clock.wall(),
                               .reported = api.clock.wall(),
                               .behind = {"group web: has generation 5 of 6"},
                               .behind_since = api.clock.wall()});
    api.publish(std::move(snapshot));
    EXPECT_EQ(at(api.json(request("GET", "/api/v1/agents")), "/agents"),
              R"([{"fleet":"edge","instance":"lb-1","address":"192.0.2.10:443","lb":"haproxy",)"
              R"("build":"b1","accepting":true,"health":null,"fleet_generation":2,)"
              R"("newest_fleet_generation":2,)"
              R"("groups":[{"name":"web","generation":5,"newest":6}],)"
              R"("status_time":"2026-01-01T00:00:00.000Z","reported":"2026-01-01T00:00:00.000Z",)"
              R"("behind":["group web: has generation 5 of 6"],)"
              R"("behind_since":"2026-01-01T00:00:00.000Z","error":""}])");
}

TEST(Reads, FleetHasItsSpecItsEtagAndYaml) {
    ApiCase api;
    api.publish(with_a_fleet(api));
    const auto reply = api.answer(request("GET", "/api/v1/fleets/edge"));
    EXPECT_EQ(reply.field("ETag"), "\"2\"");
    const auto body = boost::json::parse(reply.body);
    EXPECT_EQ(at(body, "/fleet/generation"), "2");
    EXPECT_EQ(at(body, "/fleet/spec"),
              R"({"kind":"Fleet","name":"edge","spec":{"listeners":[{"name":"web","bind":":80",)"
              R"("routes":[{"path":"/api/","group":"api"}],"group":"web"}]}})");
    EXPECT_EQ(api.answer(request("GET", "/api/v1/fleets/edge?format=yaml")).body,
              "kind: Fleet\nname: edge\nspec:\n  listeners:\n    - name: web\n"
              "      bind: \":80\"\n      routes:\n        - path: /api/\n"
              "          group: api\n      group: web\n");
    EXPECT_EQ(
        api.answer(request("GET", "/api/v1/fleets/edge", {{"If-None-Match", "\"2\""}})).status,
        304);
    const auto absent = api.answer(request("GET", "/api/v1/fleets/egde"));
    EXPECT_EQ(absent.status, 404);
    EXPECT_EQ(at(boost::json::parse(absent.body), "/nearest"), "\"edge\"");
}

TEST(Reads, GroupHasItsSpecItsEtagAndYaml) {
    ApiCase api;
    const auto reply = api.answer(request("GET", "/api/v1/groups/web"));
    EXPECT_EQ(reply.field("ETag"), "\"4\"");
    const auto body = boost::json::parse(reply.body);
    EXPECT_EQ(at(body, "/group/spec/kind"), "\"Group\"");
    EXPECT_EQ(at(body, "/group/generation"), "4");
    EXPECT_EQ(at(body, "/group/in_rotation"), "2");
    EXPECT_EQ(at(body, "/group/check"),
              R"("http GET /health, every 2s, timeout 1s, rise 2, fall 3")");

    EXPECT_EQ(api.answer(request("GET", "/api/v1/groups/web", {{"If-None-Match", "\"4\""}})).status,
              304);
    EXPECT_EQ(api.answer(request("GET", "/api/v1/groups/web", {{"If-None-Match", "\"3\""}})).status,
              200);

    const auto yaml = api.answer(request("GET", "/api/v1/groups/web?format=yaml"));
    EXPECT_EQ(yaml.field("Content-Type"), "application/yaml");
    const auto decoded = config::decode(yaml.body);
    EXPECT_TRUE(decoded.problems.empty());
    ASSERT_EQ(decoded.groups.size(), 1U);
    EXPECT_EQ(decoded.groups[0].backends.size(), 4U);
}

TEST(Reads, WhatIsNotThereNamesTheNearest) {
    ApiCase api;
    const auto reply = api.answer(request("GET", "/api/v1/groups/wed"));
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(reply.field("Content-Type"), "application/problem+json");
    EXPECT_EQ(at(boost::json::parse(reply.body), "/nearest"), "\"web\"");
    EXPECT_EQ(at(api.json(request("GET", "/api/v1/backends/web/b9")), "/nearest"), "\"b1\"");
    EXPECT_EQ(at(api.json(request("GET", "/api/v1/backens")), "/nearest"), "\"/api/v1/backends\"");
    EXPECT_EQ(api.answer(request("GET", "/nothing/like/it")).status, 404);
}

TEST(Reads, ShardsByGroupAndOwner) {
    ApiCase api;
    const auto all = api.json(request("GET", "/api/v1/shards"));
    EXPECT_EQ(all.at("shards").as_array().size(), 3U);
    const auto one = api.json(request("GET", "/api/v1/shards?group=web&owner=n2"));
    EXPECT_EQ(
        at(one, "/shards"),
        R"([{"id":"web/1","group":"web","number":1,"owner":"n2","role":"own","warming":"","layout":1,)"
        R"("backends":2,"owner_token":12,"sequence":41,"status_age_seconds":3.2E0,)"
        R"("progress_age_seconds":4.8E0,"doubt":false}])");
}

TEST(Reads, StateHoldsEverything) {
    ApiCase api;
    const auto body = api.json(request("GET", "/state"));
    for (const char* member : {"/number",
                               "/cluster",
                               "/session",
                               "/master",
                               "/self",
                               "/nodes",
                               "/groups",
                               "/shards",
                               "/backends",
                               "/events",
                               "/totals"}) {
        EXPECT_NE(at(body, member), "(absent)") << member;
    }
}

TEST(Reads, EventsAsDocumented) {
    ApiCase api;
    const auto body = api.json(request("GET", "/api/v1/events?since=1"));
    EXPECT_EQ(at(body, "/newest"), "2");
    EXPECT_EQ(at(body, "/reset"), "false");
    EXPECT_EQ(
        at(body, "/events"),
        R"([{"id":2,"time":"2025-12-31T23:59:46.000Z","kind":"health_changed",)"
        R"("text":"web/b2 went DOWN: L4CON","fields":{"backend":"b2","from":"UP","group":"web",)"
        R"("reason":"L4CON","to":"DOWN"}}])");
}

AuditRow audit_row(std::int64_t id, std::string group, WallTime time) {
    return {.id = id,
            .entry = {.stamp = {.writer = "n1"},
                      .time = time,
                      .author = "alice",
                      .origin = "token from 10.0.0.7",
                      .action = "changed",
                      .object = std::move(group),
                      .generation = 5,
                      .detail = "spec.check.rise: 2 -> 3"}};
}

TEST(Reads, TheAuditAsDocumented) {
    ApiCase api;
    api.commands.audit_rows = {audit_row(17, "web", api.clock.wall())};
    const auto body = api.json(request("GET", "/api/v1/audit"));
    EXPECT_EQ(at(body, "/audit"),
              R"([{"id":17,"time":"2026-01-01T00:00:00.000Z","author":"alice",)"
              R"("origin":"token from 10.0.0.7","action":"changed","object":"web","generation":5,)"
              R"("detail":"spec.check.rise: 2 -> 3","node":"n1"}])");
    EXPECT_EQ(at(body, "/node"), "\"n1\"");
    EXPECT_EQ(api.commands.asked, std::vector<std::string>{"audit 100"});
}

TEST(Reads, TheAuditOfOneGroupIsSoughtInAllOfIt) {
    ApiCase api;
    for (int id = 1; id <= 6; ++id)
        api.commands.audit_rows.push_back(
            audit_row(id, id % 2 == 0 ? "web" : "db", api.clock.wall()));
    const auto body = api.json(request("GET", "/api/v1/audit?group=web&limit=2"));
    EXPECT_EQ(body.at("audit").as_array().size(), 2U);
    EXPECT_EQ(at(body, "/audit/0/id"), "4");
    EXPECT_EQ(at(body, "/audit/1/id"), "6");
    EXPECT_EQ(api.commands.asked, std::vector<std::string>{"audit 1000"});
}

TEST(Reads, TheAuditIsUnavailableWhileZooKeeperIs) {
    ApiCase api;
    api.commands.fails = Error{.code = CommandErrc::unreachable, .context = "no connection"};
    EXPECT_EQ(api.answer(request("GET", "/api/v1/audit")).status, 503);
    EXPECT_EQ(api.answer(request("GET", "/api/v1/audit?limit=0")).status, 400);
}

TEST(Why, TellsReasonNextStepAndRecentResults) {
    ApiCase api;
    api.commands.evidence = {.from = NodeId("n1"),
                             .results = 812,
                             .recent = {{.time = api.clock.wall(),
                                         .outcome = {.result = checker::Result::failure,
                                                     .reason = checker::Reason::l4_refused,
                                                     .code = 111,
                                                     .total = 200us}}}};
    const auto body = api.json(request("GET", "/api/v1/backends/web/b2"));
    EXPECT_EQ(at(body, "/why/summary"),
              R"x("DOWN for 14 s: connection refused, or host or network unreachable (L4CON)")x");
    EXPECT_EQ(at(body, "/why/next"), R"("2 successes in a row make it UP; 1 so far")");
    EXPECT_EQ(at(body, "/why/rotation_text"), R"("out of rotation: it is DOWN")");
    EXPECT_EQ(at(body, "/why/owner_token"), "12");
    EXPECT_EQ(
        at(body, "/recent"),
        R"({"from":"n1","results":812,"list":[{"time":"2026-01-01T00:00:00.000Z","result":"failure",)"
        R"("reason":"L4CON","code":111,"resolve_seconds":0E0,"connect_seconds":0E0,)"
        R"("tls_seconds":0E0,"sent_seconds":0E0,"first_byte_seconds":0E0,"total_seconds":2E-4,"before":null,)"
        R"("after":{"verdict":"unknown","pending":0}}]})");
    EXPECT_EQ(at(body, "/recent_problem"), "null");
}

TEST(Why, AnswersWithoutRecentResultsWhenTheOwnerIsSilentOrGone) {
    ApiCase api;
    api.commands.silent = true;
    const SteadyTime start = api.clock.now();
    const auto body = api.json(request("GET", "/api/v1/backends/web/b1"));
    EXPECT_LE(api.clock.now() - start, 100ms);
    EXPECT_EQ(at(body, "/recent"), "null");
    EXPECT_NE(at(body, "/recent_problem").find("did not answer in time"), std::string::npos);
    EXPECT_EQ(at(body, "/backend/state"), "\"up\"");

    api.commands.silent = false;
    api.commands.fails = Error{.code = CommandErrc::unreachable, .context = "n3"};
    EXPECT_EQ(at(api.json(request("GET", "/api/v1/backends/web/b1")), "/recent_problem"),
              R"("n3: unreachable; nothing was done")");
}

TEST(Age, GrowsAndTurnsToCachedWhileNothingIsHeard) {
    ApiCase api;
    api.clock.run_for(30s);
    const auto body = api.json(request("GET", "/api/v1/cluster"));
    EXPECT_EQ(at(body, "/age_seconds"), "3.04E1");
    EXPECT_EQ(at(body, "/source"), "\"cached\"");
    EXPECT_EQ(at(body, "/as_of"), R"("2025-12-31T23:59:59.600Z")");
    // The state itself has not expired.
    EXPECT_EQ(at(body, "/totals/states/up"), "3");
}

TEST(Age, IsUnknownBeforeTheFirstContact) {
    ApiCase api;
    Snapshot snapshot{.built = api.clock.now(), .time = api.clock.wall()};
    api.publish(snapshot);
    const auto body = api.json(request("GET", "/api/v1/cluster"));
    EXPECT_EQ(at(body, "/as_of"), "null");
    EXPECT_EQ(at(body, "/age_seconds"), "null");
    EXPECT_EQ(at(body, "/source"), "\"cached\"");
    EXPECT_EQ(at(body, "/master"), "null");
}

TEST(Age, OfALostSessionIsCachedAtOnce) {
    ApiCase api;
    Snapshot snapshot = test::example_snapshot(api.clock.now(), api.clock.wall());
    snapshot.session.state = coordination::SessionState::lost;
    api.publish(snapshot);
    EXPECT_EQ(at(api.json(request("GET", "/api/v1/nodes")), "/source"), "\"cached\"");
}

TEST(Reads, AreRefusedBeforeThereIsAnySnapshot) {
    ApiCase api;
    api.slot.publish(nullptr);
    EXPECT_EQ(api.answer(request("GET", "/api/v1/cluster")).status, 503);
    EXPECT_EQ(api.answer(request("GET", "/api/v1/stream")).status, 503);
    EXPECT_EQ(api.answer(request("GET", "/api/v1/backends/web/b1")).status, 503);
    EXPECT_EQ(api.answer(request("GET", "/version")).status, 200);
    EXPECT_EQ(api.answer(request("GET", "/")).status, 200);
    EXPECT_EQ(api.answer(request("GET", "/livez")).status, 200);
    EXPECT_EQ(api.answer(request("GET", "/readyz")).status, 503);
}

}  // namespace
}  // namespace muster::orchestrator
