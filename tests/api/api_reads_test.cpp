#include "orchestrator/api_reads.hpp"

#include "tests/api/api_case.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

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
        R"("pending":{"successes":1,"failures":0},"intent":null,)"
        R"("rotation":{"in":false,"weight":0,"reason":"down"},)"
        R"("shard":0,"owner":"n1","status_age_seconds":3.2E0}])");
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
        R"("tls_seconds":0E0,"first_byte_seconds":0E0,"total_seconds":2E-4,"before":null,)"
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
