#include "scaler/backoff.hpp"

#include <algorithm>

namespace muster::scaler {
namespace {

constexpr int most_failures = 1'000;  // as they are counted

}  // namespace

BackOff after_failure(const BackOff& was, WallTime now, const BackOffRule& rule) {
    const bool forgotten = !was.last || now - *was.last >= rule.reset;
    const int before = forgotten ? 0 : std::clamp(was.failures, 0, most_failures);
    return {.failures = before + 1, .last = now};
}

std::optional<WallTime> held_until(const BackOff& state, WallTime now, const BackOffRule& rule) {
    if (!state.last || state.failures <= 0) return std::nullopt;
    std::chrono::seconds delay = rule.first;
    for (int i = 1; i < state.failures && delay < rule.longest; ++i) delay *= 2;
    const WallTime until = std::min(*state.last, now) + std::min(delay, rule.longest);
    if (until <= now) return std::nullopt;
    return until;
}

}  // namespace muster::scaler
