#include "checker/insight.hpp"

namespace muster::checker {

namespace {

std::optional<std::chrono::nanoseconds> age(std::optional<SteadyTime> time, SteadyTime now) {
    if (!time) return std::nullopt;
    return now - *time;
}

}  // namespace

std::optional<CheckRunner::Insight> insight(const Engine& engine, CheckId id, SteadyTime now) {
    const std::optional<HealthState> state = engine.state(id);
    if (!state) return std::nullopt;
    return CheckRunner::Insight{.state = *state,
                                .recent = engine.recent(id),
                                .last_start_age = age(engine.last_start(id), now),
                                .results = engine.results(id)};
}

CheckRunner::Pass pass(const Engine& engine, CheckId id, SteadyTime now) {
    return {.last_start_age = age(engine.last_start(id), now), .results = engine.results(id)};
}

}  // namespace muster::checker
