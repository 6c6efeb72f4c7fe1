#include "orchestrator/lb_hops.hpp"

#include "common/config/instance_check.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

checker::ProbeRequest request_to(const std::string& host, const std::string& fleet_name = "edge") {
    config::FleetSpec fleet{.name = FleetName(fleet_name),
                            .listeners = {{.name = "main", .port = 80, .group = GroupName("web")}}};
    fleet.health.agent_port = 9710;
    return {.host = host, .port = 80, .probe = config::check_of_instance(fleet).probe};
}

const checker::ProbeOutcome through{.result = checker::Result::success,
                                    .reason = checker::Reason::l7_ok,
                                    .code = 200,
                                    .resolve = 1ms,
                                    .connect = 3ms,
                                    .tls = 7ms,
                                    .sent = 8ms,
                                    .first_byte = 38ms,
                                    .total = 40ms};
const checker::ProbeOutcome refused{.result = checker::Result::failure,
                                    .reason = checker::Reason::l4_refused,
                                    .code = 111,
                                    .resolve = 1ms};

TEST(LbHops, AreTheSpansBetweenTheMomentsOfAProbe) {
    metrics::Registry registry;
    LbHops hops(registry);
    hops.take(request_to("10.0.0.1"), {through, refused});
    const std::vector<LbHop> last = hops.last("edge", "10.0.0.1", 80);
    ASSERT_EQ(last.size(), 2U);
    EXPECT_EQ(last[0],
              (LbHop{.name = "group web by listener main",
                     .listener = "main",
                     .group = "web",
                     .result = checker::Result::success,
                     .reason = checker::Reason::l7_ok,
                     .code = 200,
                     .connect = 2ms,
                     .tls = 4ms,
                     .response = 30ms}));
    EXPECT_EQ(last[1],
              (LbHop{.name = "agent",
                     .result = checker::Result::failure,
                     .reason = checker::Reason::l4_refused,
                     .code = 111}))
        << "what was not reached took no time";
    EXPECT_EQ(what_is_wrong(last), "agent: L4CON 111");
    EXPECT_THAT(hops.last("edge", "10.0.0.2", 80), IsEmpty());
    EXPECT_THAT(hops.last("other", "10.0.0.1", 80), IsEmpty());
}

TEST(LbHops, AreCountedByFleetAndGroup) {
    metrics::Registry registry;
    LbHops hops(registry);
    hops.take(request_to("10.0.0.1"), {through, through});
    hops.take(request_to("10.0.0.2"), {through, refused});
    const std::string text = registry.text();
    EXPECT_THAT(text, HasSubstr(R"(muster_lb_connect_seconds_count{fleet="edge"} 2)"));
    EXPECT_THAT(text, HasSubstr(R"(muster_lb_tls_seconds_count{fleet="edge"} 2)"));
    EXPECT_THAT(text, HasSubstr(R"(muster_lb_response_seconds_count{fleet="edge",group="web"} 2)"));
    EXPECT_THAT(text, Not(HasSubstr("agent"))) << "which is no hop on the way";
}

TEST(LbHops, AreBounded) {
    metrics::Registry registry;
    LbHops hops(registry);
    const std::size_t many = std::max(LbHops::most_lbs, LbHops::most_series) + 100;
    for (std::size_t i = 0; i < many; ++i)
        hops.take(request_to("10.0.0.1", fmt::format("f{}", i)), {through, through});
    EXPECT_THAT(hops.last("f0", "10.0.0.1", 80), IsEmpty()) << "the oldest is forgotten";
    EXPECT_THAT(hops.last(fmt::format("f{}", many - 1), "10.0.0.1", 80), Not(IsEmpty()));
    EXPECT_THAT(registry.text(), Not(HasSubstr(fmt::format(R"(fleet="f{}")", many - 1))));
}

TEST(LbHops, OfAnythingElseAreNone) {
    metrics::Registry registry;
    LbHops hops(registry);
    hops.take({.host = "10.0.0.1", .port = 80}, {through});
    hops.take(request_to("10.0.0.1"), {through});
    EXPECT_THAT(hops.last("edge", "10.0.0.1", 80), IsEmpty());
}

}  // namespace
}  // namespace muster::orchestrator
