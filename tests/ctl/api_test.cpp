#include "ctl/api.hpp"

#include "tests/ctl/command_fixture.hpp"

namespace muster::ctl {
namespace {

using testing::HasSubstr;

asio::awaitable<http::Reply> never(Clock& clock) {
    co_await clock.sleep_for(std::chrono::hours(1));
    co_return http::Response::text(200, "");
}

class ApiFailover : public CommandFixture {
 protected:
    Exit get_groups() {
        return run([](Context& context) { return get(context, {.kind = Kind::groups}); });
    }
    Exit drain() {
        return run([](Context& context) { return set_backend_state(context, "a/b", "drain"); });
    }
    void serve_both() {
        for (auto& node : nodes_) {
            node.on("GET /api/v1/groups", R"({"groups":[]})");
            node.on("PATCH /api/v1/groups/a/backends/b", R"({"result":"changed"})");
        }
    }
};

TEST_F(ApiFailover, AsksTheNextNodeWhenOneIsNotThere) {
    serve_both();
    urls_.insert(urls_.begin(), "http://127.0.0.1:1");
    EXPECT_EQ(get_groups(), Exit::ok) << err();
    EXPECT_EQ(drain(), Exit::ok) << err();
    EXPECT_EQ(nodes_[0].requests.size(), 2U);
    EXPECT_EQ(nodes_[1].requests.size(), 0U);
}

TEST_F(ApiFailover, AsksTheNextNodeWhenOneCannotHelp) {
    serve_both();
    nodes_[0].down = 2;
    EXPECT_EQ(get_groups(), Exit::ok);
    EXPECT_EQ(drain(), Exit::ok);
    EXPECT_EQ(nodes_[1].requests.size(), 2U);
}

TEST_F(ApiFailover, SaysSoWhenNobodyIsThere) {
    urls_ = {"http://127.0.0.1:1", "http://127.0.0.1:2"};
    EXPECT_EQ(get_groups(), Exit::unreachable);
    EXPECT_THAT(err(), HasSubstr("127.0.0.1:2"));
    urls_ = {"http://name.invalid:1"};
    EXPECT_EQ(get_groups(), Exit::unreachable);
}

TEST_F(ApiFailover, ReportsWhatTheLastOneSaidWhenNoneCanHelp) {
    nodes_[0].down = 1;
    nodes_[1].down = 1;
    EXPECT_EQ(get_groups(), Exit::unreachable);
    EXPECT_THAT(err(), HasSubstr("starting"));
}

TEST_F(ApiFailover, DoesNotRepeatAWriteThatMayHaveArrived) {
    serve_both();
    // It reads the request and never answers.
    int asked = 0;
    http::Server silent(context_.get_executor(), clock_, {}, [&](const http::Request&) {
        ++asked;
        return never(clock_);
    });
    ASSERT_TRUE(silent.open());
    tasks_.spawn("silent", silent.run());
    urls_.insert(urls_.begin(), "http://127.0.0.1:" + std::to_string(silent.port()));
    start([](Context& context) { return set_backend_state(context, "a/b", "drain"); });
    ASSERT_TRUE(until([&] { return asked == 1; }));
    clock_.run_for(std::chrono::seconds(11));
    ASSERT_TRUE(until([&] { return exit_.has_value(); }));
    EXPECT_EQ(*exit_, Exit::unreachable);
    EXPECT_THAT(err(), HasSubstr("may have been done"));
    EXPECT_EQ(nodes_[0].requests.size(), 0U);
    tasks_.cancel();
    clock_.run_for(std::chrono::seconds(2));
}

TEST_F(ApiFailover, ExitCodesFollowTheStatus) {
    for (const auto& [status, exit] : {std::pair(404, Exit::not_found),
                                       std::pair(409, Exit::conflict),
                                       std::pair(412, Exit::conflict),
                                       std::pair(400, Exit::failed),
                                       std::pair(401, Exit::failed),
                                       std::pair(500, Exit::failed),
                                       std::pair(504, Exit::failed)}) {
        node().on("GET /api/v1/groups", R"({"title":"no"})", status);
        EXPECT_EQ(get_groups(), exit) << status;
    }
}

}  // namespace
}  // namespace muster::ctl
