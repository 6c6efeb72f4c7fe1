#include "orchestrator/api_past.hpp"

#include "common/base/task_group.hpp"
#include "common/http/server.hpp"
#include "tests/api/api_case.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

// What was decided at a time: of all nodes' recordings the one that holds.
namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using test::ApiCase;
using test::at;
using test::request;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr WallTime noon{std::chrono::seconds(1'772'366'400)};  // 2026-03-01T12:00:00Z
const std::string asked = "/api/v1/fleets/edge/scaling?at=2026-03-01T12:00:00Z";

PastTick tick(const std::string& node, WallTime time, std::int64_t epoch) {
    return {.at = time, .node = NodeId(node), .epoch = epoch, .explanation = {{"text", {node}}}};
}

ReadPast reads(PastAnswer answer) {
    return [answer](FleetName fleet, WallTime) -> asio::awaitable<PastAnswer> {
        co_return fleet == FleetName("edge") ? answer : PastAnswer{};
    };
}

/// n1, which is asked, and n2, which is on a real socket.
class Past : public testing::Test {
 protected:
    void start(PastAnswer first, PastAnswer second) {
        n1_ = std::make_unique<ApiCase>(ApiSettings{.past = reads(std::move(first))});
        n2_ = std::make_unique<ApiCase>(ApiSettings{.past = reads(std::move(second))});
        answer_ = [this](http::Request r) { return n2_->api.handle(std::move(r)); };
        serve();
        auto snapshot = test::example_snapshot(n2_->clock.now(), n2_->clock.wall());
        snapshot.self.node = NodeId("n2");
        n2_->publish(std::move(snapshot));
    }
    void serve() {
        server_ = std::make_unique<http::Server>(
            n1_->context.get_executor(),
            n1_->clock,
            http::ServerSettings{},
            [this](http::Request r) { return answer_(std::move(r)); });
        ASSERT_TRUE(server_->open());
        tasks_ = std::make_unique<TaskGroup>(n1_->context.get_executor());
        tasks_->spawn("n2", server_->run());
        auto snapshot = test::example_snapshot(n1_->clock.now(), n1_->clock.wall());
        std::erase_if(snapshot.nodes, [](const NodeRow& node) {
            return node.id != NodeId("n1") && node.id != NodeId("n2");
        });
        for (NodeRow& node : snapshot.nodes)
            if (node.id == NodeId("n2"))
                node.api_address = fmt::format("127.0.0.1:{}", server_->port());
        snapshot.fleets.push_back({.spec = std::make_shared<const config::FleetSpec>(
                                       config::FleetSpec{.name = FleetName("edge")})});
        n1_->publish(std::move(snapshot));
    }
    ~Past() override {
        if (!tasks_) return;
        tasks_->cancel();
        n1_->clock.run_for(5s, [&] { return tasks_->size() == 0; });
    }

    std::unique_ptr<ApiCase> n1_;
    std::unique_ptr<ApiCase> n2_;
    http::Handler answer_;  ///< n2's
    std::unique_ptr<http::Server> server_;
    std::unique_ptr<TaskGroup> tasks_;
};

TEST_F(Past, TheLatestOfAllNodesHolds) {
    start({.tick = tick("n1", noon - 20s, 17), .problems = {}},
          {.tick = tick("n2", noon - 10s, 18), .problems = {"a file is damaged"}});
    const auto body = n1_->json(request("GET", asked));
    EXPECT_EQ(at(body, "/tick/node"), "\"n2\"") << body;
    EXPECT_EQ(at(body, "/tick/time"), "\"2026-03-01T11:59:50Z\"");
    EXPECT_EQ(at(body, "/tick/epoch"), "18");
    EXPECT_EQ(at(body, "/explanation/text/0"), "\"n2\"");
    EXPECT_EQ(at(body, "/nodes/0/tick"), "\"2026-03-01T11:59:40Z\"");
    EXPECT_EQ(at(body, "/nodes/1/problems/0"), "\"a file is damaged\"");
}

TEST_F(Past, OfTwoMastersTheNewerHolds) {
    start({.tick = tick("n1", noon, 19), .problems = {}},
          {.tick = tick("n2", noon, 18), .problems = {}});
    EXPECT_EQ(at(n1_->json(request("GET", asked)), "/tick/node"), "\"n1\"");
}

TEST_F(Past, ANodeThatIsAskedByAnotherReadsItsOwnAlone) {
    start({.tick = {}, .problems = {}}, {.tick = tick("n2", noon, 18), .problems = {}});
    const auto body =
        n1_->json(request("GET", asked, {{.name = std::string(relayed_field), .value = "1"}}));
    EXPECT_EQ(at(body, "/tick"), "null");
    EXPECT_EQ(body.at("nodes").as_array().size(), 1U);
}

TEST_F(Past, WhereNobodyKnowsThatIsSaid) {
    start({}, {});
    const auto body = n1_->json(request("GET", asked));
    EXPECT_EQ(at(body, "/explanation"), "null");
    EXPECT_THAT(at(body, "/why"), HasSubstr("at or before 2026-03-01T12:00:00Z"));
}

TEST_F(Past, MistakesAreRefused) {
    start({}, {});
    for (const char* bad : {"", "noon", "-10m", "2026-03-01", "2026-03-01T12:00:00%2B01:00"})
        EXPECT_EQ(n1_->answer(request("GET", std::string("/api/v1/fleets/edge/scaling?at=") + bad))
                      .status,
                  400)
            << bad;
    for (const char* other : {"nobody", "a%20b", "-x"})
        EXPECT_EQ(
            n1_
                ->answer(request(
                    "GET", fmt::format("/api/v1/fleets/{}/scaling?at=2026-03-01T12:00:00Z", other)))
                .status,
            404)
            << other;
}

TEST_F(Past, APeerMayAnswerAnything) {
    start({.tick = tick("n1", noon - 20s, 17), .problems = {}}, {});
    for (const std::string& text : std::vector<std::string>{
             "", "<html>", "[]", "{}", R"({"tick":{}})", std::string(2U << 20U, 'x')}) {
        answer_ = [&](http::Request) -> asio::awaitable<http::Reply> {
            co_return http::Response::json(200, text);
        };
        const auto body = n1_->json(request("GET", asked));
        EXPECT_EQ(at(body, "/tick/node"), "\"n1\"");
        EXPECT_THAT(at(body, "/nodes/1/problems"), HasSubstr("\"it")) << text.substr(0, 40);
    }
}

TEST(PastAnswerOfAPeer, IsCheckedFieldByField) {
    const std::string well =
        R"({"shadow":true,"tick":{"time":"2026-03-01T11:59:50Z","node":"n2","epoch":18,"same":true},)"
        R"("explanation":{"text":[]},"nodes":[{"node":"n2","problems":["p"]}]})";
    const PastAnswer taken = decode_past(well, NodeId("n2"), noon);
    ASSERT_TRUE(taken.tick);
    EXPECT_EQ(taken.tick->at, noon - 10s);
    EXPECT_TRUE(taken.tick->shadow);
    EXPECT_THAT(taken.problems, ElementsAre("p"));
    EXPECT_THAT(decode_past(R"({"tick":null})", NodeId("n2"), noon).problems, IsEmpty());
    for (const auto& [was, is] :
         std::vector<std::pair<std::string, std::string>>{{"\"n2\",\"epoch\"", "\"n3\",\"epoch\""},
                                                          {"18", "-1"},
                                                          {"18", "1.5"},
                                                          {"18", "99999999999999999999"},
                                                          {"11:59:50", "12:00:01"},
                                                          {"11:59:50Z", "11:59"},
                                                          {"\"same\":true", "\"same\":1"},
                                                          {"{\"text\":[]}", "[]"},
                                                          {"\"shadow\":true", "\"shadow\":null"},
                                                          {"\"time\"", "\"times\""}}) {
        std::string text = well;
        text.replace(text.find(was), was.size(), is);
        const PastAnswer refused = decode_past(text, NodeId("n2"), noon);
        EXPECT_FALSE(refused.tick) << text;
        EXPECT_THAT(refused.problems, ElementsAre("its answer is not what a node answers")) << text;
    }
    const std::string deep(100, '[');
    EXPECT_FALSE(decode_past(deep, NodeId("n2"), noon).tick);
}

}  // namespace
}  // namespace muster::orchestrator
