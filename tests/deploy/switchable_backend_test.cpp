#include "deploy/quickstart/switchable_backend.hpp"

#include "tests/support/virtual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace muster::quickstart {
namespace {

using namespace std::chrono_literals;

class SwitchableBackendTest : public testing::Test {
 protected:
    /// Asks, and gives the backend `limit` to answer.
    std::optional<http::Response> ask(std::string method,
                                      std::string path,
                                      std::vector<std::pair<std::string, std::string>> query = {},
                                      std::chrono::nanoseconds limit = 0s) {
        // Shared: a hanging answer comes after this call has ended.
        const auto answer = std::make_shared<std::optional<http::Response>>();
        auto keep = [answer](const std::exception_ptr& error, http::Reply reply) {
            if (error) std::rethrow_exception(error);
            *answer = std::get<http::Response>(std::move(reply));
        };
        http::Request request;
        request.method = std::move(method);
        request.path = std::move(path);
        request.query = std::move(query);
        asio::co_spawn(context_, backend_.answer(std::move(request)), keep);
        clock_.run_until(clock_.now() + limit, [&] { return answer->has_value(); });
        return *answer;
    }

    double seen(std::string_view what) {
        const auto body = boost::json::parse(ask("GET", "/seen")->body);
        return body.at(what).to_number<double>();
    }

    asio::io_context context_;
    test::VirtualClock clock_{context_};
    SwitchableBackend backend_{clock_};
};

TEST_F(SwitchableBackendTest, IsHealthyUntilItIsSwitched) {
    EXPECT_EQ(ask("GET", "/health")->status, 200);
    EXPECT_EQ(ask("POST", "/switch", {{"healthy", "false"}})->status, 200);
    EXPECT_EQ(ask("GET", "/health")->status, 503);
    EXPECT_EQ(ask("POST", "/switch", {{"healthy", "true"}})->status, 200);
    EXPECT_EQ(ask("GET", "/health")->status, 200);
}

TEST_F(SwitchableBackendTest, RefusesASwitchItDoesNotKnowWholly) {
    EXPECT_EQ(ask("POST", "/switch", {{"healthy", "false"}, {"hang", "maybe"}})->status, 400);
    EXPECT_EQ(ask("POST", "/switch", {{"healthy", "false"}, {"speed", "true"}})->status, 400);
    EXPECT_EQ(ask("GET", "/health")->status, 200);
}

TEST_F(SwitchableBackendTest, IsSwitchedByPostOnly) {
    EXPECT_EQ(ask("GET", "/switch", {{"healthy", "false"}})->status, 404);
    EXPECT_EQ(ask("GET", "/health")->status, 200);
}

TEST_F(SwitchableBackendTest, DoesNotAnswerWhileItHangsAndAnswersTheNextProbeAfterwards) {
    ASSERT_TRUE(ask("POST", "/switch", {{"hang", "true"}}));
    EXPECT_FALSE(ask("GET", "/health", {}, 59s));
    ASSERT_TRUE(ask("POST", "/switch", {{"hang", "false"}}));
    EXPECT_EQ(ask("GET", "/health")->status, 200);
}

TEST_F(SwitchableBackendTest, TellsTheLongestGapBetweenProbesSinceTheLastReset) {
    (void)ask("GET", "/health");
    clock_.run_for(5s);
    (void)ask("GET", "/health");
    EXPECT_DOUBLE_EQ(seen("longest_gap_seconds"), 5.0);
    (void)ask("POST", "/seen");
    clock_.run_for(2s);
    (void)ask("GET", "/health");
    clock_.run_for(1s);
    EXPECT_DOUBLE_EQ(seen("longest_gap_seconds"), 2.0);
    EXPECT_DOUBLE_EQ(seen("since_last_seconds"), 1.0);
    EXPECT_DOUBLE_EQ(seen("health_requests"), 1.0);
    clock_.run_for(3s);
    EXPECT_DOUBLE_EQ(seen("longest_gap_seconds"), 4.0) << "a gap that goes on counts";
}

}  // namespace
}  // namespace muster::quickstart
