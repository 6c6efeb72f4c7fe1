#include "scaler/propose_time.hpp"

#include "scaler/forecast.hpp"

#include <fmt/format.h>

namespace muster::scaler {
namespace {

/// "4.2" of 42'000.
std::string percent(std::int64_t ppm) {
    return fmt::format("{}.{}", ppm / 10'000, ppm / 1'000 % 10);
}

}  // namespace

Proposal propose_scheduled(const Policy& policy,
                           const MetricPolicy& metric,
                           const SchedulePolicy& schedule,
                           WallTime now) {
    const auto state = schedule_at(schedule, now);
    if (!state) return {.metric = metric.name, .complete = false, .why = state.error()};
    if (!state->in_force)
        return {.metric = metric.name,
                .size = to_size(policy.min),
                .why = "not in force: min",
                .until = state->next};
    const InForce& in_force = *state->in_force;
    return {
        .metric = metric.name,
        .size = to_size(in_force.size),
        .why = fmt::format(
            "in force: '{}', {}", schedule.entries[in_force.entry].start.text, schedule.time_zone),
        .until = in_force.until};
}

Proposal propose_forecast(const MetricPolicy& metric,
                          const ForecastPolicy& forecast,
                          const Observations& observed,
                          History& next,
                          WallTime now) {
    const auto found = observed.series.find(metric.name);
    const Series* series = found == observed.series.end() ? nullptr : &found->second;
    ForecastState& state =
        next.forecasts.try_emplace(metric.name, ForecastState{.active = !forecast.observe_only})
            .first->second;
    ForecastStep step = observe_forecast(forecast, state, series, now);
    state = std::move(step.next);
    Proposal proposal{.metric = metric.name, .complete = !step.blind};
    if (!step.peak || forecast.target.count <= 0) {
        proposal.why = step.blind ? "a forecast that acts, without its history" : "no history yet";
        return proposal;
    }
    const int size = to_size(ceil_div(step.peak->count, forecast.target.count));
    if (state.active) proposal.size = size;
    proposal.why = fmt::format("{}expects a load of {} instances, error {} %",
                               state.active ? "" : "observes only: ",
                               size,
                               percent(state.error_ppm));
    return proposal;
}

}  // namespace muster::scaler
