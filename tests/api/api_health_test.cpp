#include "orchestrator/api_health.hpp"

#include "tests/api/api_case.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using test::ApiCase;
using test::request;

TEST(Health, IsFineOnAnOrdinaryNode) {
    ApiCase api;
    for (const char* path : {"/livez", "/healthz", "/readyz"}) {
        const auto reply = api.answer(request("GET", path));
        EXPECT_EQ(reply.status, 200) << path;
        EXPECT_EQ(reply.body, "ok\n") << path;
    }
    EXPECT_EQ(api.answer(request("GET", "/readyz?verbose")).body,
              "[+]control_loop ok\n[+]view ok\n[+]leaving ok\n[+]zookeeper ok\nok\n");
}

TEST(Health, SilentZooKeeperDegradesButDoesNotFail) {
    ApiCase api;
    Snapshot snapshot = test::example_snapshot(api.clock.now(), api.clock.wall());
    snapshot.session.state = coordination::SessionState::lost;
    snapshot.session.confirmed = api.clock.now() - 34s;
    api.publish(snapshot);
    const auto reply = api.answer(request("GET", "/readyz?verbose"));
    EXPECT_EQ(reply.status, 200);
    EXPECT_NE(reply.body.find("[~]zookeeper degraded: last heard 34 s ago"), std::string::npos);
}

TEST(Health, ControlLoopThatHangsFailsBoth) {
    ApiCase api;
    api.clock.run_for(11s);
    EXPECT_EQ(api.answer(request("GET", "/livez")).status, 503);
    EXPECT_EQ(api.answer(request("GET", "/livez")).body,
              "failed: control_loop: has not come round for 11 s\n");
    EXPECT_EQ(api.answer(request("GET", "/readyz")).status, 503);
    EXPECT_EQ(api.answer(request("GET", "/readyz?exclude=control_loop")).status, 200);
}

TEST(Health, LeavingNodeIsAliveAndNotReady) {
    ApiCase api;
    Snapshot snapshot = test::example_snapshot(api.clock.now(), api.clock.wall());
    snapshot.self.leaving = true;
    api.publish(snapshot);
    EXPECT_EQ(api.answer(request("GET", "/livez")).status, 200);
    EXPECT_EQ(api.answer(request("GET", "/readyz")).status, 503);
    EXPECT_EQ(api.answer(request("GET", "/readyz?exclude=leaving&exclude=view")).status, 200);
}

TEST(Health, NodeWithoutAViewIsNotReadyYet) {
    ApiCase api;
    api.publish(Snapshot{.built = api.clock.now()});
    EXPECT_EQ(api.answer(request("GET", "/readyz")).body,
              "failed: view: no view of the cluster yet\n");
    EXPECT_EQ(api.answer(request("GET", "/livez")).status, 200);
}

TEST(Health, IsForEveryoneButItsDetailsAreNot) {
    ApiCase api({.access = {.loopback_bind = false, .token = "t"}});
    EXPECT_EQ(api.answer(request("GET", "/readyz")).status, 200);
    EXPECT_EQ(api.answer(request("GET", "/readyz?verbose")).status, 401);
}

}  // namespace
}  // namespace muster::orchestrator
