#include "orchestrator/scaling_alarms.hpp"

#include "scaler/decision.hpp"
#include "scaler/guards.hpp"
#include "scaler/observations.hpp"

#include <string_view>

namespace muster::orchestrator {

namespace {

void compare(std::vector<ScalingAlarmEvent>& events,
             const std::string& was,
             const std::string& is,
             std::string_view begins,
             std::string_view is_over) {
    if (was.empty() == is.empty()) return;
    const bool begun = was.empty();
    events.push_back(
        {.name = std::string(begun ? begins : is_over), .begins = begun, .why = begun ? is : ""});
}

}  // namespace

ScalingAlarms alarms_of(const scaler::Decision& decision, const scaler::Membership& membership) {
    ScalingAlarms alarms{.vetoes = static_cast<int>(decision.vetoes.size())};
    for (const scaler::Veto& brake : decision.brakes) {
        if (brake.cause == scaler::Cause::ineffective) alarms.ineffective = brake.why;
        if (brake.cause == scaler::Cause::failed_creates) alarms.creates = brake.why;
    }
    if (const auto open = scaler::breaker(membership)) alarms.breaker = open->why;
    return alarms;
}

std::vector<ScalingAlarmEvent> alarm_events(const ScalingAlarms& was, const ScalingAlarms& is) {
    std::vector<ScalingAlarmEvent> events;
    compare(
        events, was.ineffective, is.ineffective, "scaling_ineffective", "scaling_effective_again");
    compare(events, was.breaker, is.breaker, "scaling_breaker_open", "scaling_breaker_closed");
    compare(events, was.creates, is.creates, "scaling_creates_held", "scaling_creates_go_on");
    return events;
}

}  // namespace muster::orchestrator
