#include "orchestrator/api_stream.hpp"

#include "orchestrator/transitions.hpp"
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

http::EventStream open(ApiCase& api,
                       std::string_view target,
                       std::vector<http::Field> fields = {}) {
    return std::get<http::EventStream>(api.call(request("GET", target, std::move(fields))));
}

struct Piece {
    std::string id;
    std::string event;
    boost::json::value data;
};

Piece parse(const std::string& text) {
    const auto field = [&](const std::string& name) {
        const auto begin = text.find(name + ": ");
        if (begin == std::string::npos) return std::string();
        const auto from = begin + name.size() + 2;
        return text.substr(from, text.find('\n', from) - from);
    };
    return {.id = field("id"), .event = field("event"), .data = boost::json::parse(field("data"))};
}

/// The example with b1 down, and the event of it.
Snapshot with_b1_down(ApiCase& api) {
    const Snapshot before = test::example_snapshot(api.clock.now(), api.clock.wall());
    Snapshot after = before;
    GroupRow web = test::group_of(after, "web");
    test::backend_of(web, "b1").verdict = znodes::Letter::down;
    test::put_group(after, web);
    after.events = append_events(before.events, transitions(before, after));
    return after;
}

TEST(ViewStream, BeginsWithTheWholeView) {
    ApiCase api;
    auto stream = open(api, "/api/v1/stream?state=down");
    const Piece piece = parse(api.next(stream));
    EXPECT_EQ(piece.event, "view");
    for (const char* member : {"/as_of",
                               "/cluster",
                               "/session",
                               "/master",
                               "/self",
                               "/totals",
                               "/nodes",
                               "/groups",
                               "/shard_map",
                               "/backends",
                               "/events"}) {
        EXPECT_NE(at(piece.data, member), "(absent)") << member;
    }
    EXPECT_EQ(at(piece.data, "/matched"), "1");
    EXPECT_EQ(at(piece.data, "/shard_map/1"),
              R"({"id":"web/0","owner":"n1","warming":"","backends":2,"down":1})");
}

TEST(ViewStream, TellsAChangeAtOnceButAtMostTwiceASecond) {
    ApiCase api;
    auto stream = open(api, "/api/v1/stream");
    (void)api.next(stream);
    api.clock.run_for(5s);
    const SteadyTime changed = api.clock.now();
    api.publish(with_b1_down(api));
    EXPECT_EQ(parse(api.next(stream)).event, "view");
    EXPECT_LE(api.clock.now() - changed, 100ms);

    const SteadyTime sent = api.clock.now();
    api.publish(test::example_snapshot(api.clock.now(), api.clock.wall()));
    EXPECT_EQ(parse(api.next(stream)).event, "view");
    EXPECT_GE(api.clock.now() - sent, 500ms);
}

TEST(ViewStream, SendsOnlyTheAgeWhenNothingElseChanged) {
    ApiCase api;
    Snapshot snapshot = test::example_snapshot(api.clock.now(), api.clock.wall());
    api.publish(snapshot);
    auto stream = open(api, "/api/v1/stream");
    (void)api.next(stream);
    api.clock.run_for(1s);
    snapshot.session.confirmed = api.clock.now();
    api.publish(snapshot);
    const Piece piece = parse(api.next(stream));
    EXPECT_EQ(piece.event, "age");
    EXPECT_EQ(at(piece.data, "/age_seconds"), "0E0");
    EXPECT_EQ(at(piece.data, "/backends"), "(absent)");
}

TEST(ViewStream, TakesRenewedTimesOfShardsForMereAge) {
    ApiCase api;
    const Snapshot before = test::example_snapshot(api.clock.now(), api.clock.wall());
    Snapshot after = before;
    GroupRow web = test::group_of(after, "web");
    web.shards[0].progress_time += 5s;
    web.shards[0].sequence += 1;
    test::put_group(after, web);
    EXPECT_TRUE(differ_in_age_only(before, after));
    web.shards[0].owner = NodeId("n3");
    test::put_group(after, web);
    EXPECT_FALSE(differ_in_age_only(before, after));
    EXPECT_FALSE(differ_in_age_only(before, with_b1_down(api)));
}

TEST(ViewStream, TellsOfLoadBalancers) {
    ApiCase api;
    const Snapshot before = test::example_snapshot(api.clock.now(), api.clock.wall());
    Snapshot after = before;
    after.agents.push_back(
        {.fleet = FleetName("edge"), .instance = InstanceId("lb1"), .accepting = true});
    EXPECT_FALSE(differ_in_age_only(before, after));
    EXPECT_TRUE(differ_in_age_only(after, Snapshot(after)));
    // Those with trouble first, when there are more than people can look at.
    for (int i = 2; i <= 600; ++i) {
        after.agents.push_back(after.agents.front());
        after.agents.back().instance = InstanceId("lb" + std::to_string(i));
    }
    after.agents.back().error = "haproxy -c fails";
    api.publish(after);
    auto stream = open(api, "/api/v1/stream");
    const Piece piece = parse(api.next(stream));
    EXPECT_EQ(at(piece.data, "/agent_count"), "600");
    EXPECT_EQ(at(piece.data, "/agents/0/instance"), "\"lb600\"");
    EXPECT_EQ(at(piece.data, "/agents/499/instance"), "\"lb499\"");
    EXPECT_EQ(at(piece.data, "/agents/500"), "(absent)");
}

TEST(ViewStream, BreaksALongSilenceByAComment) {
    ApiCase api;
    auto stream = open(api, "/api/v1/stream");
    (void)api.next(stream);
    const SteadyTime start = api.clock.now();
    EXPECT_EQ(api.next(stream), ": still here\n\n");
    EXPECT_EQ(api.clock.now() - start, 10s);
}

TEST(EventStream, GoesOnFromTheGivenId) {
    ApiCase api;
    auto stream = open(api, "/api/v1/events?watch=1&since=1");
    const std::string first = api.next(stream);
    EXPECT_EQ(parse(first).id, "2");
    EXPECT_EQ(parse(first).event, "event");
    api.publish(with_b1_down(api));
    const Piece news = parse(api.next(stream));
    EXPECT_EQ(news.id, "3");
    EXPECT_EQ(at(news.data, "/kind"), "\"health_changed\"");
    EXPECT_EQ(at(news.data, "/fields/backend"), "\"b1\"");
}

TEST(EventStream, ResumesFromLastEventId) {
    ApiCase api;
    auto stream =
        open(api, "/api/v1/events", {{"Accept", "text/event-stream"}, {"Last-Event-ID", "1"}});
    EXPECT_EQ(parse(api.next(stream)).id, "2");
}

TEST(EventStream, SaysWhenIdsBeganAgain) {
    ApiCase api;
    auto stream = open(api, "/api/v1/events?watch=1&since=1000");
    const std::string text = api.next(stream);
    EXPECT_TRUE(text.starts_with("id: 2\nevent: reset\n"));
    EXPECT_NE(text.find("id: 1\nevent: event\n"), std::string::npos);
}

TEST(Streams, RefuseABadQueryBeforeTheyBegin) {
    ApiCase api;
    EXPECT_EQ(api.answer(request("GET", "/api/v1/stream?limit=0")).status, 400);
    EXPECT_EQ(api.answer(request("GET", "/api/v1/events?watch=1&since=x")).status, 400);
    EXPECT_EQ(api.answer(request("GET", "/api/v1/events?watch=1", {{"Last-Event-ID", "x"}})).status,
              400);
}

}  // namespace
}  // namespace muster::orchestrator
