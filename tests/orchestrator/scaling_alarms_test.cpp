#include "orchestrator/scaling_alarms.hpp"

#include "scaler/decision.hpp"
#include "scaler/observations.hpp"

#include <gtest/gtest.h>

namespace muster::orchestrator {
namespace {

using scaler::Cause;

TEST(ScalingAlarms, AreOfADecisionAndItsMembers) {
    scaler::Decision decision{
        .vetoes = {{.cause = Cause::warming}, {.cause = Cause::errors_rising}},
        .brakes = {{.cause = Cause::cooldown, .why = "cooldown"},
                   {.cause = Cause::failed_creates, .why = "2 creates failed"},
                   {.cause = Cause::ineffective, .why = "3 times in a row"},
                   {.cause = Cause::unproven, .why = "waits"}}};
    scaler::Membership membership{.size = 5};
    for (const char* const id : {"a", "b", "c", "d", "e"})
        membership.instances.push_back({.id = id, .healthy = false});
    EXPECT_EQ(alarms_of(decision, membership),
              (ScalingAlarms{.ineffective = "3 times in a row",
                             .breaker = "5 of 5 look dead: more than 45 % and more than 3",
                             .creates = "2 creates failed",
                             .vetoes = 2}));
    EXPECT_EQ(alarms_of({}, {}), ScalingAlarms{});
}

TEST(ScalingAlarms, AreToldOnceWhenTheyBeginAndOnceWhenTheyAreOver) {
    const ScalingAlarms none{.vetoes = 3};
    const ScalingAlarms all{.ineffective = "i", .breaker = "b", .creates = "c"};
    using Events = std::vector<ScalingAlarmEvent>;
    EXPECT_EQ(alarm_events(none, all),
              (Events{{.name = "scaling_ineffective", .begins = true, .why = "i"},
                      {.name = "scaling_breaker_open", .begins = true, .why = "b"},
                      {.name = "scaling_creates_held", .begins = true, .why = "c"}}));
    ScalingAlarms later = all;
    later.breaker = "other words";
    EXPECT_EQ(alarm_events(all, later), Events{});
    EXPECT_EQ(alarm_events(all, none),
              (Events{{.name = "scaling_effective_again"},
                      {.name = "scaling_breaker_closed"},
                      {.name = "scaling_creates_go_on"}}));
}

}  // namespace
}  // namespace muster::orchestrator
