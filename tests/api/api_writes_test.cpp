#include "orchestrator/api_writes.hpp"

#include "tests/api/api_case.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

using test::ApiCase;
using test::at;
using test::request;

constexpr const char* one_group =
    R"({"kind":"Group","name":"web","spec":{"backends":[{"address":"10.0.0.1:80"}]}})";
constexpr const char* two_groups =
    "kind: Group\nname: web\nspec:\n  backends:\n    - address: 10.0.0.1:80\n---\n"
    "kind: Group\nname: api\nspec:\n  backends:\n    - address: 10.0.0.2:80\n";

using Lines = std::vector<std::string>;

TEST(Apply, GivesEachGroupWithItsExpectation) {
    struct Row {
        const char* target;
        std::vector<http::Field> fields;
        const char* body;
        Lines asked;
    };
    const std::vector<Row> rows = {
        {"/api/v1/apply", {}, one_group, {"apply web by loopback"}},
        {"/api/v1/apply?dry_run=1", {}, one_group, {"apply web by loopback dry"}},
        {"/api/v1/apply", {{"If-Match", "\"4\""}}, one_group, {"apply web by loopback expect 4"}},
        {"/api/v1/apply", {{"If-None-Match", "*"}}, one_group, {"apply web by loopback expect 0"}},
        {"/api/v1/apply",
         {{"Muster-Author", "alice"}},
         two_groups,
         {"apply web by alice", "apply api by alice"}},
        {"/api/v1/apply?expect=api:0",
         {},
         two_groups,
         {"apply web by loopback", "apply api by loopback expect 0"}},
    };
    for (const Row& row : rows) {
        ApiCase api;
        EXPECT_EQ(api.answer(request("POST", row.target, row.fields, row.body)).status, 200)
            << row.target;
        EXPECT_EQ(api.commands.asked, row.asked) << row.target;
    }
}

TEST(Apply, SaysWhatBecameOfEachGroup) {
    ApiCase api;
    api.commands.applied = {{.result = Applied::changed,
                             .generation = 5,
                             .previous = 4,
                             .changes = {"spec.check.rise: 2 -> 3"}}};
    EXPECT_EQ(
        api.answer(request("POST", "/api/v1/apply", {}, one_group)).body,
        R"({"dry_run":false,"author":"loopback","groups":[{"name":"web","result":"changed","generation":5,)"
        R"("previous":4,"changes":["spec.check.rise: 2 -> 3"],"warnings":[],"problems":[]}],"fleets":[]})");
}

constexpr const char* group_and_fleet =
    "kind: Fleet\nname: edge\nspec: {listeners: [{name: a, bind: ':80', group: web}]}\n---\n"
    "kind: Group\nname: edge\nspec: {backends: []}\n";

TEST(Apply, GivesGroupsBeforeTheFleetsThatLeadToThem) {
    ApiCase api;
    api.commands.applied = {{.result = Applied::created, .generation = 1},
                            {.result = Applied::changed,
                             .generation = 3,
                             .previous = 2,
                             .warnings = {"there is no group web yet"}}};
    const auto reply = api.answer(
        request("POST", "/api/v1/apply?expect=fleet/edge:2,edge:0", {}, group_and_fleet));
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(api.commands.asked,
              (Lines{"apply edge by loopback expect 0", "apply fleet/edge by loopback expect 2"}));
    const auto body = boost::json::parse(reply.body);
    EXPECT_EQ(at(body, "/groups/0/result"), "\"created\"");
    EXPECT_EQ(at(body, "/fleets/0/name"), "\"edge\"");
    EXPECT_EQ(at(body, "/fleets/0/result"), "\"changed\"");
    EXPECT_EQ(at(body, "/fleets/0/warnings/0"), "\"there is no group web yet\"");
}

TEST(Apply, TellsOfFleetsThatWereNotApplied) {
    ApiCase api;
    api.commands.applied = {
        {.result = Applied::created, .generation = 1},
        {.previous = 7, .problem = Error{.code = CommandErrc::conflict, .context = "fleet edge"}}};
    const auto reply = api.answer(request("POST", "/api/v1/apply", {}, group_and_fleet));
    EXPECT_EQ(reply.status, 412);
    const auto body = boost::json::parse(reply.body);
    EXPECT_EQ(at(body, "/detail"), "\"1 of 2 groups and fleets not applied\"");
    EXPECT_EQ(at(body, "/groups/0/result"), "\"created\"");
    EXPECT_EQ(at(body, "/fleets/0/result"), "\"conflict\"");
}

TEST(Apply, HasTheStatusOfTheWorstGroup) {
    struct Row {
        CommandErrc second;
        int status;
        const char* result;
    };
    for (const Row& row : {Row{CommandErrc::conflict, 412, "\"conflict\""},
                           Row{CommandErrc::refused, 409, "\"refused\""},
                           Row{CommandErrc::unreachable, 503, "\"failed\""},
                           Row{CommandErrc::unknown_outcome, 504, "\"unknown\""}}) {
        ApiCase api;
        api.commands.applied = {
            {.result = Applied::created, .generation = 1},
            {.previous = 7, .problem = Error{.code = row.second, .context = "api"}}};
        const auto reply = api.answer(request("POST", "/api/v1/apply", {}, two_groups));
        EXPECT_EQ(reply.status, row.status);
        EXPECT_EQ(reply.field("Content-Type"), "application/problem+json");
        const auto body = boost::json::parse(reply.body);
        EXPECT_EQ(at(body, "/detail"), "\"1 of 2 groups not applied\"");
        EXPECT_EQ(at(body, "/groups/0/result"), "\"created\"");
        EXPECT_EQ(at(body, "/groups/1/result"), row.result);
        EXPECT_EQ(at(body, "/groups/1/previous"), "7");
    }
}

TEST(Apply, ReportsEveryProblemWithItsPlaceAndWritesNothing) {
    ApiCase api;
    const auto reply = api.answer(request("POST",
                                          "/api/v1/apply",
                                          {},
                                          "kind: Group\nname: web\nspec:\n"
                                          "  backends: [{address: '10.0.0.1:80'}]\n"
                                          "  check:\n    rise: 0\n    fall: many\n"));
    EXPECT_EQ(reply.status, 422);
    const auto body = boost::json::parse(reply.body);
    EXPECT_EQ(body.at("errors").as_array().size(), 2U);
    EXPECT_EQ(at(body, "/errors/0/line"), "6");
    EXPECT_EQ(at(body, "/errors/0/path"), "\"spec.check.rise\"");
    EXPECT_EQ(at(body, "/errors/1/line"), "7");
    EXPECT_TRUE(api.commands.asked.empty());
}

TEST(Apply, RefusesWhatItCannotRead) {
    struct Row {
        const char* target;
        std::vector<http::Field> fields;
        std::string body;
        int status;
    };
    const std::vector<Row> rows = {
        {"/api/v1/apply", {{"If-Match", "\"4\""}}, two_groups, 400},
        {"/api/v1/apply", {{"If-Match", "4"}}, one_group, 400},
        {"/api/v1/apply", {{"Muster-Author", ""}}, one_group, 400},
        {"/api/v1/apply?dry_run=maybe", {}, one_group, 400},
        {"/api/v1/apply?expect=web", {}, one_group, 400},
        {"/api/v1/apply?expect=other:1", {}, one_group, 400},
        {"/api/v1/apply?expect=fleet/web:1", {}, one_group, 400},
        {"/api/v1/apply", {{"If-Match", "\"4\""}}, group_and_fleet, 400},
        {"/api/v1/apply", {{"Content-Type", "text/html"}}, one_group, 415},
        {"/api/v1/apply", {}, "", 422},
        {"/api/v1/apply", {}, "{", 422},
        {"/api/v1/apply", {}, "[]", 422},
        {"/api/v1/apply", {}, "\xff\xfe\x01", 422},
        {"/api/v1/apply", {}, std::string(1000, '['), 422},
        {"/api/v1/apply", {}, "a: &a [*a]", 422},
        {"/api/v1/apply", {}, "kind: Group\nname: ../../etc\nspec: {}\n", 422},
        {"/api/v1/apply", {}, "kind: Group\nname: <script>\nspec: {}\n", 422},
    };
    for (const Row& row : rows) {
        ApiCase api;
        const auto reply = api.answer(request("POST", row.target, row.fields, row.body));
        EXPECT_EQ(reply.status, row.status) << row.target << ' ' << row.body << reply.body;
        EXPECT_TRUE(api.commands.asked.empty()) << row.target;
    }
}

struct Command {
    const char* method;
    const char* target;
    const char* body;
    const char* asked;
    const char* answer;
};

const std::vector<Command> commands = {
    {"DELETE",
     "/api/v1/groups/web",
     "",
     "remove web by loopback",
     R"({"name":"web","result":"removed","generation":5,"previous":4,"changes":[],)"
     R"("warnings":[],"problems":[]})"},
    {"DELETE",
     "/api/v1/fleets/web",
     "",
     "remove fleet/web by loopback",
     R"({"name":"web","result":"removed","generation":5,"previous":4,"changes":[],)"
     R"("warnings":[],"problems":[]})"},
    {"DELETE",
     "/api/v1/fleets/web?abandon=1",
     "",
     "remove fleet/web by loopback abandon",
     R"({"name":"web","result":"removed","generation":5,"previous":4,"changes":[],)"
     R"("warnings":[],"problems":[]})"},
    {"PATCH",
     "/api/v1/groups/web/backends/b1",
     R"({"state":"drain"})",
     "backend web/b1 drain by loopback",
     R"({"group":"web","backend":"b1","result":"changed","generation":5})"},
    {"PATCH",
     "/api/v1/groups/web/backends/b1",
     R"({"state":"maintenance","weight":0})",
     "backend web/b1 maintenance weight 0 by loopback",
     R"({"group":"web","backend":"b1","result":"changed","generation":5})"},
    {"POST",
     "/api/v1/pause",
     R"({"scaling":true})",
     "pause cluster by loopback",
     R"({"pause":{"all":false,"scaling":true,"dns":false,"status":false}})"},
    {"POST",
     "/api/v1/fleets/edge/pause",
     R"({"kind":"in","for":"30m","reason":"sale"})",
     "pause fleet edge in 1800 s by loopback",
     R"({"fleet":"edge","pause":{"kind":"in","by":"loopback","reason":"sale","until":null}})"},
    {"POST",
     "/api/v1/fleets/edge/pause",
     "",
     "pause fleet edge all by loopback",
     R"({"fleet":"edge","pause":{"kind":"all","by":"loopback","reason":"","until":null}})"},
    {"POST",
     "/api/v1/fleets/edge/resume",
     "",
     "pause fleet edge none by loopback",
     R"({"fleet":"edge","pause":{"kind":"none","by":"loopback","reason":"","until":null}})"},
    {"POST",
     "/api/v1/fleets/edge/hosts/n3/forget",
     R"({"reason":" burnt"})",
     "forget n3 of edge burnt by loopback",
     R"({"fleet":"edge","host":"n3","instances":["edge-1-1"],"dry_run":false})"},
    {"POST",
     "/api/v1/fleets/edge/hosts/n3/forget?dry_run=1",
     "",
     "forget n3 of edge by loopback dry",
     R"({"fleet":"edge","host":"n3","instances":["edge-1-1"],"dry_run":true})"},
    {"POST",
     "/api/v1/nodes/self/pause",
     R"({"reason":" for a look"})",
     "pause self for a look",
     R"({"node":"n1","paused":true,"reason":" for a look"})"},
    {"POST",
     "/api/v1/nodes/self/pause",
     "",
     "pause self",
     R"({"node":"n1","paused":true,"reason":""})"},
    {"POST",
     "/api/v1/nodes/self/resume",
     "",
     "resume self",
     R"({"node":"n1","paused":false,"reason":""})"},
    {"POST",
     "/api/v1/step-down",
     "",
     "step down",
     R"({"node":"n1","result":"stepped_down","epoch":17})"},
};

TEST(Writes, BecomeCommands) {
    for (const Command& row : commands) {
        ApiCase api;
        const auto reply = api.answer(request(row.method, row.target, {}, row.body));
        EXPECT_EQ(reply.status, 200) << row.target << reply.body;
        EXPECT_EQ(reply.body, row.answer);
        EXPECT_EQ(api.commands.asked, Lines{row.asked});
    }
}

TEST(Writes, FailAsTheirErrorSays) {
    for (const auto& [code, status] : {std::pair{CommandErrc::conflict, 412},
                                       std::pair{CommandErrc::not_found, 404},
                                       std::pair{CommandErrc::refused, 409},
                                       std::pair{CommandErrc::unreachable, 503},
                                       std::pair{CommandErrc::unknown_outcome, 504}}) {
        for (const Command& row : commands) {
            ApiCase api;
            api.commands.fails = Error{.code = code, .context = "web"};
            EXPECT_EQ(api.answer(request(row.method, row.target, {}, row.body)).status, status)
                << row.target;
        }
    }
}

TEST(Writes, ConflictTellsTheGenerationThatThereIs) {
    ApiCase api;
    api.commands.applied = {
        {.previous = 9, .problem = Error{.code = CommandErrc::conflict, .context = "web"}}};
    const auto reply = api.answer(request("DELETE", "/api/v1/groups/web", {{"If-Match", "\"4\""}}));
    EXPECT_EQ(reply.status, 412);
    EXPECT_EQ(at(boost::json::parse(reply.body), "/generation"), "9");
    EXPECT_EQ(api.commands.asked, Lines{"remove web by loopback expect 4"});
}

TEST(Writes, StepDownOfAnotherNodeNamesTheMaster) {
    ApiCase api;
    api.commands.fails =
        Error{.code = CommandErrc::refused, .context = "this node is not the master"};
    const auto body = api.json(request("POST", "/api/v1/step-down"));
    EXPECT_EQ(at(body, "/master"), "\"n2\"");
    EXPECT_EQ(at(body, "/api_address"), "\"127.0.0.1:9700\"");
}

TEST(Writes, RefuseBodiesThatSayNothingOrTooMuch) {
    for (const auto& [method, target, body] :
         {std::tuple{"PATCH", "/api/v1/groups/web/backends/b1", ""},
          std::tuple{"PATCH", "/api/v1/groups/web/backends/b1", R"({"state":"off"})"},
          std::tuple{"PATCH", "/api/v1/groups/web/backends/b1", R"({"weight":1001})"},
          std::tuple{"PATCH", "/api/v1/groups/web/backends/b1", R"({"weight":1,"wieght":1})"},
          std::tuple{"POST", "/api/v1/pause", "{}"},
          std::tuple{"POST", "/api/v1/pause", R"({"all":"yes"})"},
          std::tuple{"POST", "/api/v1/nodes/self/pause", R"({"reason":7})"},
          std::tuple{"POST", "/api/v1/nodes/self/resume", R"({"reason":"no need"})"}}) {
        ApiCase api;
        EXPECT_EQ(api.answer(request(method, target, {}, body)).status, 422) << target << body;
        EXPECT_TRUE(api.commands.asked.empty());
    }
}

TEST(Writes, WorkWithoutAnySnapshot) {
    ApiCase api;
    api.slot.publish(nullptr);
    EXPECT_EQ(api.answer(request("POST", "/api/v1/nodes/self/pause")).status, 200);
    EXPECT_EQ(api.commands.asked, Lines{"pause self"});
}

}  // namespace
}  // namespace muster::orchestrator
