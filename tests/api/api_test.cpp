#include "orchestrator/api.hpp"

#include "common/config/unicode.hpp"
#include "orchestrator/dashboard/assets.hpp"
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

TEST(Api, AnswersUnknownMethodsWithTheKnownOnes) {
    ApiCase api;
    const auto reply = api.answer(request("PUT", "/api/v1/groups/web"));
    EXPECT_EQ(reply.status, 405);
    EXPECT_EQ(reply.field("Allow"), "GET, HEAD, DELETE");
    EXPECT_EQ(api.answer(request("POST", "/")).status, 405);
    EXPECT_EQ(api.answer(request("TRACE", "/api/v1/cluster")).status, 405);
}

TEST(Api, HardensEveryResponse) {
    ApiCase api;
    for (const char* target :
         {"/", "/assets/muster.js", "/api/v1/cluster", "/nothing", "/metrics", "/livez"}) {
        const auto reply = api.answer(request("GET", target));
        const auto policy = std::string(reply.field("Content-Security-Policy").value_or(""));
        EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos) << target;
        EXPECT_EQ(policy.find("unsafe"), std::string::npos) << target;
        EXPECT_EQ(reply.field("X-Content-Type-Options"), "nosniff") << target;
        EXPECT_EQ(reply.field("Cross-Origin-Resource-Policy"), "same-origin") << target;
        EXPECT_FALSE(reply.field("Access-Control-Allow-Origin")) << target;
        EXPECT_TRUE(reply.field("Content-Type")) << target;
    }
}

TEST(Api, ServesItsMetricsAndVersion) {
    ApiCase api(
        {.build = {.version = "0.1.0", .build = "abc"}, .metrics = [] { return "up 1\n"; }});
    EXPECT_EQ(api.answer(request("GET", "/metrics")).body, "up 1\n");
    EXPECT_EQ(api.answer(request("GET", "/version")).body,
              R"({"name":"muster","version":"0.1.0","build":"abc","api":"v1"})");
}

TEST(Session, GivesACookieForTheTokenOnly) {
    ApiCase api({.access = {.loopback_bind = false, .token = "right"}});
    const auto login = [&](const char* body) {
        return api.answer(request("POST", "/api/v1/session", {}, body));
    };
    const auto granted = login(R"({"token":"right"})");
    EXPECT_EQ(granted.status, 204);
    const std::string cookie(granted.field("Set-Cookie").value_or(""));
    EXPECT_NE(cookie.find("; HttpOnly; SameSite=Strict"), std::string::npos);
    EXPECT_EQ(login(R"({"token":"wrong"})").status, 401);
    EXPECT_EQ(login("{}").status, 401);
    EXPECT_EQ(login("{").status, 422);

    const http::Field field{"Cookie", cookie.substr(0, cookie.find(';'))};
    EXPECT_EQ(api.answer(request("GET", "/api/v1/cluster", {field})).status, 200);
    EXPECT_EQ(api.answer(request("POST", "/api/v1/nodes/self/pause", {field})).status, 401);
    EXPECT_EQ(ApiCase().answer(request("POST", "/api/v1/session", {}, R"({"token":""})")).status,
              404);
}

TEST(Page, HasNothingInlineAndNothingFromElsewhere) {
    const std::string page(dashboard::page());
    EXPECT_EQ(page.find("style="), std::string::npos);
    EXPECT_EQ(page.find("onclick"), std::string::npos);
    EXPECT_EQ(page.find("<style"), std::string::npos);
    EXPECT_EQ(page.find("//"), std::string::npos);
    EXPECT_EQ(page.find("<script>"), std::string::npos);
    for (const dashboard::Asset& asset : dashboard::assets()) {
        const std::string body(asset.body);
        EXPECT_FALSE(body.empty()) << asset.name;
        for (const char* sink : {"innerHTML",
                                 "outerHTML",
                                 "insertAdjacent",
                                 "document.write",
                                 "eval(",
                                 "Function(",
                                 "https://"}) {
            EXPECT_EQ(body.find(sink), std::string::npos) << asset.name << ' ' << sink;
        }
    }
}

TEST(Page, ShowsItsSummaryOnlyToReaders) {
    ApiCase open;
    EXPECT_NE(open.answer(request("GET", "/")).body.find("Cluster example"), std::string::npos);
    ApiCase closed({.access = {.loopback_bind = false, .token = "t"}});
    const auto reply = closed.answer(request("GET", "/"));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body.find("example"), std::string::npos);
}

TEST(Page, AssetsAreRevalidated) {
    ApiCase api;
    const auto script = api.answer(request("GET", "/assets/muster.js"));
    EXPECT_EQ(script.field("Cache-Control"), "no-cache");
    const std::string etag(script.field("ETag").value_or(""));
    EXPECT_EQ(api.answer(request("GET", "/assets/muster.js", {{"If-None-Match", etag}})).status,
              304);
    EXPECT_EQ(api.answer(request("GET", "/assets/other.js")).status, 404);
}

const std::vector<std::string> payloads = {
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "&lt;script&gt;",
    "&#x3c;script&#x3e;",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "`-alert(1)-`",
    "\\\"};alert(1);//",
    "\\u003cscript\\u003e",
    "</ScRiPt >",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<math><mtext></mtext></math>",
    "<style>*{}</style>",
    "\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "event: view\ndata: {}\n\n",
    "id: 1\r\ndata: x",
    "a\nb\n\nc",
    std::string("nul\0byte", 8),
    "\x1b[2J\x1b]0;title\x07",
    "\x7f\x01\x02",
    "\xe2\x80\xae gnp.exe",
    "\xff\xfe<script>",
    "\xc0\xbcscript\xc0\xbe",
    "\xed\xa0\x80",
    "\xf4\x90\x80\x80",
    "\xe2\x80\xa8",
    "\xe2\x80\xa9",
    std::string(5'000, '<'),
    std::string(5'000, '/') + "</",
};

/// The example with `text` in every field that is a text.
Snapshot poisoned(const std::string& text, SteadyTime now, WallTime wall) {
    Snapshot s = test::example_snapshot(now, wall);
    s.cluster.name = s.cluster.uuid = s.session.server = text;
    s.cluster.master->node = NodeId(text);
    s.cluster.master->api_address = text;
    s.self.node = NodeId(text);
    s.self.incarnation = s.self.version = s.self.build = s.self.zone = s.self.pause_reason = text;
    NodeRow& node = s.nodes[0];
    node.id = NodeId(text);
    node.incarnation = node.zone = node.build = node.api_address = node.peer_address = text;
    GroupRow web = test::group_of(s, "web");
    auto spec = *web.spec;
    spec.check.probe = config::HttpCheck{.method = text, .path = text};
    spec.backends[0].address = spec.backends[0].zone = text;
    web.spec = std::make_shared<const config::GroupSpec>(spec);
    web.uid = web.author = text;
    web.notes = {text};
    BackendRow& backend = web.backends[0];
    backend.reason = text;
    web.shards[0].owner = web.shards[0].warming = NodeId(text);
    test::put_group(s, web);
    s.events = std::make_shared<const std::vector<Event>>(
        std::vector<Event>{{.id = 1, .text = text, .fields = {{text, text}, {"group", text}}}});
    return s;
}

TEST(HostileTexts, StayTextInEveryAnswer) {
    for (const std::string& text : payloads) {
        ApiCase api;
        api.publish(poisoned(text, api.clock.now(), api.clock.wall()));
        api.commands.evidence.from = NodeId(text);
        for (const char* target : {"/state",
                                   "/api/v1/cluster",
                                   "/api/v1/nodes",
                                   "/api/v1/groups",
                                   "/api/v1/backends",
                                   "/api/v1/shards",
                                   "/api/v1/events",
                                   "/api/v1/groups/web",
                                   "/api/v1/backends/web/b1"}) {
            const auto reply = api.answer(request("GET", target));
            ASSERT_EQ(reply.status, 200) << target;
            EXPECT_EQ(reply.field("Content-Type"), "application/json");
            EXPECT_EQ(reply.body.find("</"), std::string::npos) << target << text;
            EXPECT_EQ(reply.body, config::as_utf8(reply.body)) << target << text;
            boost::system::error_code error;
            (void)boost::json::parse(reply.body, error);
            EXPECT_FALSE(error) << target << ' ' << text;
        }
        const auto body = api.json(request("GET", "/api/v1/events"));
        EXPECT_EQ(body.at("events").at(0).at("text").as_string(), config::as_utf8(text));
    }
}

TEST(HostileTexts, CannotAddLinesToAStream) {
    for (const std::string& text : payloads) {
        ApiCase api;
        api.publish(poisoned(text, api.clock.now(), api.clock.wall()));
        for (const char* target : {"/api/v1/stream", "/api/v1/events?watch=1"}) {
            auto stream = std::get<http::EventStream>(api.call(request("GET", target)));
            const std::string piece = api.next(stream);
            EXPECT_EQ(std::ranges::count(piece, '\n'), 4) << target << ' ' << text;
            EXPECT_EQ(std::ranges::count(piece, '\r'), 0) << target << ' ' << text;
        }
    }
}

TEST(HostileTexts, AreEscapedInThePage) {
    const std::string quiet = ApiCase().answer(request("GET", "/")).body;
    for (const std::string& text : payloads) {
        ApiCase api;
        api.publish(poisoned(text, api.clock.now(), api.clock.wall()));
        const std::string body = api.answer(request("GET", "/")).body;
        EXPECT_EQ(std::ranges::count(body, '<'), std::ranges::count(quiet, '<')) << text;
        EXPECT_EQ(std::ranges::count(body, '"'), std::ranges::count(quiet, '"')) << text;
        EXPECT_EQ(body, config::as_utf8(body));
    }
}

TEST(HostileTexts, InPathsAndQueriesAreAnsweredAsText) {
    for (const std::string& text : payloads) {
        ApiCase api;
        http::Request hostile = request("GET", "/");
        hostile.path = "/api/v1/groups/" + text;
        hostile.query = {{"q", text}, {"state", text}, {"group", text}};
        for (const char* path : {"", "/api/v1/backends", "/api/v1/events", "/api/v1/shards"}) {
            if (*path != '\0') hostile.path = path;
            const auto reply = api.answer(hostile);
            EXPECT_LT(reply.status, 500);
            EXPECT_EQ(reply.body, config::as_utf8(reply.body));
            EXPECT_EQ(reply.body.find("</"), std::string::npos);
        }
    }
}

}  // namespace
}  // namespace muster::orchestrator
