// What the API says about a check and what comes next, in words.

#include "orchestrator/api_explain.hpp"

#include <gtest/gtest.h>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;

const WallTime now = WallTime(1'700'000'000'000ms);

GroupRow group_of(const config::CheckSpec& check) {
    config::GroupSpec spec{.name = GroupName("web"), .check = check};
    spec.backends = {{.id = BackendId("a"), .address = "10.0.0.1", .port = 80},
                     {.id = BackendId("b"), .address = "10.0.0.2", .port = 80}};
    config::CheckSpec own = check;
    own.rise = 5;
    spec.backends[1].check = config::BackendCheck{.fields = R"({"rise":5})", .check = own};
    GroupRow group;
    group.spec = std::make_shared<const config::GroupSpec>(spec);
    group.shards = {{.number = 0, .owner = NodeId("n1")}};
    return group;
}
BackendRow down(const char* id, WallTime since, int penalty = 0) {
    return {.id = BackendId(id),
            .verdict = znodes::Letter::down,
            .since = since,
            .penalty = penalty,
            .shard = 0};
}

TEST(CheckSummary, NamesEachKind) {
    const auto of = [](config::ProbeSpec probe) {
        const std::string all = check_summary({.probe = std::move(probe)});
        return all.substr(0, all.find(','));
    };
    EXPECT_EQ(of(config::HttpCheck{.path = "/health"}), "http GET /health");
    EXPECT_EQ(of(config::TcpCheck{}), "tcp connect");
    EXPECT_EQ(of(config::TcpCheck{.script = {{.bytes = "x"}}}), "tcp script");
    EXPECT_EQ(of(config::RedisCheck{}), "redis");
    EXPECT_EQ(of(config::CommandCheck{.name = "ssh"}), "command ssh");
    EXPECT_EQ(of(config::PluginCheck{.name = "age"}), "plugin age");
    config::ProbeSpec secure = config::TcpCheck{};
    secure.tls.emplace();
    EXPECT_EQ(of(secure), "tcp connect over TLS");
}

TEST(NextStep, IsOfTheBackendsOwnCheck) {
    const GroupRow group = group_of({.rise = 2});
    EXPECT_EQ(next_step(down("a", now - 1h), group, now),
              "2 successes in a row make it UP; 0 so far");
    EXPECT_EQ(next_step(down("b", now - 1h), group, now),
              "5 successes in a row make it UP; 0 so far");
}

TEST(NextStep, SaysWhatHoldsABackendDown) {
    config::CheckSpec check{.rise = 2, .min_down = 60s};
    EXPECT_EQ(next_step(down("a", now - 20s), group_of(check), now),
              "it stays DOWN for 40 s more, having fallen just now; then 2 successes in a row make "
              "it UP");
    EXPECT_EQ(next_step(down("a", now - 60s), group_of(check), now),
              "2 successes in a row make it UP; 0 so far");
    check.min_down = 0s;
    check.flap_damping = config::FlapDamping{};
    EXPECT_EQ(next_step(down("a", now - 20s, 2999), group_of(check), now),
              "2 successes in a row make it UP; 0 so far");
    EXPECT_EQ(next_step(down("a", now - 20s, 4000), group_of(check), now),
              "it stays DOWN for 1 min more, having fallen too often; then 2 successes in a row "
              "make it UP");
}

}  // namespace
}  // namespace muster::orchestrator
