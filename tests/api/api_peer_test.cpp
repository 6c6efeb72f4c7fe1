#include "orchestrator/api_peer.hpp"

#include "tests/api/two_nodes.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::request;
using test::TwoNodes;

const std::string asked = "/api/v1/backends/web/b3";  // of shard web/1, which n2 probes

checker::PastResult refused(WallTime time) {
    return {.time = time,
            .outcome = {.result = checker::Result::failure,
                        .reason = checker::Reason::l4_refused,
                        .code = 111,
                        .connect = 0us,
                        .total = 200us},
            .verdict = checker::Verdict::up,
            .pending = 2};
}

TEST_F(TwoNodes, AnyNodeShowsTheResultsOfTheOneThatProbes) {
    n2_->commands.evidence = {
        .from = NodeId("n2"),
        .results = 812,
        .recent = {refused(n2_->clock.wall()), refused(n2_->clock.wall())},
        .confirmation = Confirmation{
            .time = n2_->clock.wall(),
            .votes = {{.node = NodeId("n3"), .vote = Vote::disagree}, {.node = NodeId("n4")}}}};
    serve();
    const auto body = ask(asked);
    EXPECT_EQ(
        at(body, "/recent"),
        R"({"from":"n2","results":812,"list":[{"time":"2026-01-01T00:00:00.000Z","result":"failure",)"
        R"("reason":"L4CON","code":111,"resolve_seconds":0E0,"connect_seconds":0E0,)"
        R"("tls_seconds":0E0,"sent_seconds":0E0,"first_byte_seconds":0E0,"total_seconds":2E-4,"before":null,)"
        R"("after":{"verdict":"up","pending":2}},)"
        R"({"time":"2026-01-01T00:00:00.000Z","result":"failure",)"
        R"("reason":"L4CON","code":111,"resolve_seconds":0E0,"connect_seconds":0E0,)"
        R"("tls_seconds":0E0,"sent_seconds":0E0,"first_byte_seconds":0E0,"total_seconds":2E-4,)"
        R"("before":{"verdict":"up","pending":2},"after":{"verdict":"up","pending":2}}],)"
        R"("confirmation":{"time":"2026-01-01T00:00:00.000Z","down":false,)"
        R"("votes":[{"node":"n3","vote":"disagree"},{"node":"n4","vote":"abstain"}]}})");
    EXPECT_EQ(at(body, "/recent_problem"), "null");
    EXPECT_EQ(at(body, "/node"), "\"n1\"");
    EXPECT_EQ(n1_->commands.asked, std::vector<std::string>{});
    EXPECT_EQ(n2_->commands.asked, std::vector<std::string>{"why web/b3"});
}

TEST_F(TwoNodes, AQuestionIsPassedOnOnceAtMost) {
    // To the view that answers, too, it is another node that probes it.
    n2_->commands.fails =
        Error{.code = CommandErrc::unreachable, .context = "n2 does not probe it"};
    Snapshot other = test::example_snapshot(n2_->clock.now(), n2_->clock.wall());
    other.nodes[1].api_address = "127.0.0.1:1";
    n2_->publish(std::move(other));
    serve();
    const auto body = ask(asked);
    EXPECT_EQ(at(body, "/recent"), "null");
    EXPECT_NE(at(body, "/recent_problem").find("n2 does not probe it"), std::string::npos);
    EXPECT_EQ(n2_->commands.asked, std::vector<std::string>{"why web/b3"});

    n1_->commands.fails = n2_->commands.fails;
    (void)ask(asked, {{.name = "Muster-Relayed", .value = "1"}});
    EXPECT_EQ(n1_->commands.asked, std::vector<std::string>{"why web/b3"});
    EXPECT_EQ(n2_->commands.asked.size(), 1U);
}

TEST_F(TwoNodes, WhatIsKnownIsAnsweredWhenTheOwnerIsNot) {
    for (const char* address : {"127.0.0.1:1",
                                "",
                                "0.0.0.0:9700",
                                "[::]:9700",
                                "not an address",
                                "127.0.0.1:9700/../../x?y",
                                "user@127.0.0.1:9700"}) {
        see(address);
        const auto body = ask(asked);
        EXPECT_EQ(at(body, "/recent"), "null") << address;
        EXPECT_NE(at(body, "/recent_problem").find("n2, which probes it, can't be asked"),
                  at(body, "/recent_problem").find("n2 probes it, and has told no address"))
            << address << at(body, "/recent_problem");
        EXPECT_EQ(at(body, "/backend/state"), "\"up\"") << address;
    }
}

TEST_F(TwoNodes, AnOwnerThatHangsCostsAQuarterOfASecond) {
    serve([this](http::Request) -> asio::awaitable<http::Reply> {
        return [](Clock& clock) -> asio::awaitable<http::Reply> {
            co_await clock.sleep_until(SteadyTime::max());
            co_return http::Response{};
        }(n2_->clock);
    });
    std::optional<http::Reply> reply;
    asio::co_spawn(n1_->context,
                   n1_->api.handle(request("GET", asked)),
                   [&](const std::exception_ptr&, http::Reply value) { reply = std::move(value); });
    const SteadyTime start = n1_->clock.now();
    until([] { return true; });
    n1_->clock.run_for(1s, [&] { return reply.has_value(); });
    EXPECT_EQ(n1_->clock.now() - start, 250ms);
    ASSERT_TRUE(reply);
    EXPECT_NE(std::get<http::Response>(*reply).body.find("did not answer in time"),
              std::string::npos);
}

class TwoNodesWithAToken : public TwoNodes {
 protected:
    TwoNodesWithAToken() : TwoNodes({.access = {.loopback_bind = false, .token = "right"}}) {}

    const std::vector<http::Field> token_{{.name = "Authorization", .value = "Bearer right"}};
};

TEST_F(TwoNodesWithAToken, KnowEachOtherByIt) {
    n2_->commands.evidence = {.from = NodeId("n2"), .results = 812};
    serve();
    // A name, as far as the asking node can tell, leads beyond loopback.
    see(fmt::format("localhost:{}", port()));
    EXPECT_EQ(at(ask(asked, token_), "/recent/results"), "812");
}

TEST_F(TwoNodesWithAToken, DoNotShowItToWhoeverListensOnLoopback) {
    std::optional<std::string> shown;
    serve([&](http::Request r) -> asio::awaitable<http::Reply> {
        shown = std::string(r.field("Authorization").value_or("none"));
        return [](http::Response response) -> asio::awaitable<http::Reply> {
            co_return response;
        }(http::Response::text(401, "no"));
    });
    const auto body = ask(asked, token_);
    EXPECT_EQ(shown, "none");
    EXPECT_NE(at(body, "/recent_problem").find("wants another token"), std::string::npos);
}

std::string evidence_with(const std::string& recent) {
    return fmt::format(R"({{"recent":{},"recent_problem":null}})", recent);
}

std::string list_of(const std::string& list) {
    return evidence_with(fmt::format(R"({{"from":"n2","results":1,"list":[{}]}})", list));
}

std::string entry(const std::string& time,
                  const std::string& result,
                  const std::string& code,
                  const std::string& seconds) {
    return fmt::format(
        R"({{"time":{},"result":{},"reason":"L4CON","code":{},"connect_seconds":0,"total_seconds":{}}})",
        time,
        result,
        code,
        seconds);
}

TEST(PeerAnswer, IsReadAsItIsWritten) {
    const auto read = decode_evidence(
        list_of(entry(R"("2026-03-01T12:00:00.250Z")", R"("failure")", "111", "0.0002")),
        NodeId("n2"));
    ASSERT_TRUE(read);
    ASSERT_EQ(read->recent.size(), 1U);
    checker::PastResult expected = refused(WallTime(1'772'366'400'250ms));
    // An older build does not say what it made of it.
    expected.verdict = checker::Verdict::unknown;
    expected.pending = 0;
    EXPECT_EQ(read->recent[0], expected);
}

TEST(PeerAnswer, HasTheWayThroughAnLb) {
    const std::string hop = R"({"name":"group web by listener main","listener":"main",)"
                            R"("group":"web","result":"failure","reason":"L7STS","code":503,)"
                            R"("connect_seconds":0.001,"tls_seconds":0,"response_seconds":0.25})";
    const auto with = [](const std::string& hops) {
        return evidence_with(
            fmt::format(R"({{"from":"n2","results":1,"list":[],"hops":{}}})", hops));
    };
    const auto read = decode_evidence(with("[" + hop + "]"), NodeId("n2"));
    ASSERT_TRUE(read);
    const LbHop expected{.name = "group web by listener main",
                         .listener = "main",
                         .group = "web",
                         .result = checker::Result::failure,
                         .reason = checker::Reason::l7_status,
                         .code = 503,
                         .connect = 1ms,
                         .response = 250ms};
    EXPECT_EQ(read->hops, std::vector{expected});
    std::string many = hop;
    for (int i = 0; i < 300; ++i) many += "," + hop;
    std::string control = hop;
    control.replace(control.find("main"), 4, "\\u001b");
    std::string endless = hop;
    endless.replace(endless.find("0.25"), 4, "1e99");
    for (const std::string& bad : {std::string("7"),
                                   std::string("[7]"),
                                   std::string("[{}]"),
                                   "[" + many + "]",
                                   "[" + control + "]",
                                   "[" + endless + "]"})
        EXPECT_FALSE(decode_evidence(with(bad), NodeId("n2"))) << bad.substr(0, 200);
}

TEST_F(TwoNodes, WhatIsWrongBehindAnLbIsNamed) {
    n2_->commands.evidence = {
        .from = NodeId("n2"),
        .hops = {{.name = "group api by listener main", .result = checker::Result::success},
                 {.name = "group web by listener main",
                  .result = checker::Result::failure,
                  .reason = checker::Reason::l7_status,
                  .code = 503}}};
    serve();
    const auto body = ask(asked);
    EXPECT_EQ(at(body, "/why/wrong"), R"("group web by listener main: L7STS 503")");
    EXPECT_EQ(at(body, "/recent/hops/1/code"), "503");
}

TEST(PeerAnswer, OfANewerBuildMayHaveReasonsThatWeDoNotKnow) {
    std::string body = list_of(entry(R"("2026-03-01T12:00:00.250Z")", R"("success")", "0", "1"));
    body.replace(body.find("L4CON"), 5, "L9NEW");
    const auto read = decode_evidence(body, NodeId("n2"));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->recent[0].outcome.reason, checker::Reason::unknown);
}

TEST(PeerAnswer, ThatIsHostileIsRefused) {
    const std::string good = R"("2026-03-01T12:00:00.250Z")";
    std::string many = entry(good, R"("failure")", "1", "1");
    for (std::size_t i = 0; i < max_peer_results; ++i) {
        many += R"(,{"time":1})";
    }
    const std::vector<std::string> bodies = {
        "",
        "null",
        "[]",
        "{}",
        "\xff\xfe",
        std::string(1'000, '['),
        std::string(max_peer_answer_bytes + 1, ' '),
        evidence_with("null"),
        evidence_with("[]"),
        evidence_with(R"({"from":"n2"})"),
        evidence_with(R"({"from":"n2","results":-1,"list":[]})"),
        evidence_with(R"({"from":"n2","results":1e30,"list":[]})"),
        evidence_with(R"({"from":"n2","results":1,"list":{}})"),
        evidence_with(R"({"from":"n3","results":1,"list":[]})"),
        evidence_with(R"({"from":7,"results":1,"list":[]})"),
        list_of("7"),
        list_of("{}"),
        list_of(many),
        list_of(entry("0", R"("failure")", "1", "1")),
        list_of(entry(R"("2026-02-30T12:00:00.250Z")", R"("failure")", "1", "1")),
        list_of(entry(R"("2026-03-01T12:00:00.25Z")", R"("failure")", "1", "1")),
        list_of(entry(R"("+026-03-01T12:00:00.250Z")", R"("failure")", "1", "1")),
        list_of(entry(good, R"("<b>")", "1", "1")),
        list_of(entry(good, R"("failure")", "65536", "1")),
        list_of(entry(good, R"("failure")", "-1", "1")),
        list_of(entry(good, R"("failure")", "1", "-1")),
        list_of(entry(good, R"("failure")", "1", "1e300")),
        list_of(entry(good, R"("failure")", "1", R"("1")")),
    };
    for (const std::string& body : bodies) {
        EXPECT_FALSE(decode_evidence(body, NodeId("n2"))) << body.substr(0, 200);
    }
}

TEST(PeerAnswer, QuotesAtMostAFewWordsOfAProblem) {
    const auto read = decode_evidence(
        fmt::format(R"({{"recent":null,"recent_problem":"{}"}})", std::string(5'000, 'x')),
        NodeId("n2"));
    ASSERT_FALSE(read);
    EXPECT_LT(read.error().message().size(), 300U);
}

}  // namespace
}  // namespace muster::orchestrator
