#include "scaler/windows.hpp"

#include <algorithm>

namespace muster::scaler {
namespace {

std::optional<Recommendation> first_within(const std::vector<Recommendation>& ring,
                                           seconds window,
                                           WallTime now) {
    const auto found = std::ranges::find_if(
        ring, [&](const Recommendation& one) { return now - one.at < window; });
    if (found == ring.end()) return std::nullopt;
    return *found;
}

seconds longest(const Behaviour& behaviour, seconds so_far) {
    for (const Budget& budget : behaviour.budgets) so_far = std::max(so_far, budget.window);
    return std::max(so_far, behaviour.cooldown);
}

}  // namespace

// The rings are monotone, so the oldest within the window is the extreme of all within it.
std::optional<Recommendation> peak(const History& history, seconds window, WallTime now) {
    return first_within(history.peaks, window, now);
}

std::optional<Recommendation> trough(const History& history, seconds window, WallTime now) {
    return first_within(history.troughs, window, now);
}

Changes changes(const History& history, seconds window, WallTime now) {
    Changes all;
    for (const ScaleEvent& event : history.events) {
        if (now - event.at >= window) continue;
        all.added += event.added;
        all.removed += event.removed;
        if (event.added > 0 && !all.first_added) all.first_added = event.at;
        if (event.removed > 0 && !all.first_removed) all.first_removed = event.at;
    }
    return all;
}

void remember_peak(History& history, Recommendation one) {
    std::erase_if(history.peaks, [&](const Recommendation& was) { return was.size <= one.size; });
    history.peaks.push_back(one);
}

void remember_trough(History& history, Recommendation one) {
    std::erase_if(history.troughs, [&](const Recommendation& was) { return was.size >= one.size; });
    history.troughs.push_back(one);
}

void remember_change(History& history, ScaleEvent event) {
    history.events.push_back(event);
}

void forget(History& history, const Policy& policy, WallTime now) {
    std::erase_if(history.peaks,
                  [&](const Recommendation& one) { return now - one.at >= policy.in.window; });
    std::erase_if(history.troughs,
                  [&](const Recommendation& one) { return now - one.at >= policy.out.window; });
    const seconds reach = longest(policy.in, longest(policy.out, seconds{0}));
    std::erase_if(history.events, [&](const ScaleEvent& one) { return now - one.at >= reach; });
    std::erase_if(history.forecasts, [&](const auto& one) {
        return std::ranges::none_of(policy.metrics, [&](const MetricPolicy& metric) {
            return metric.name == one.first && std::holds_alternative<ForecastPolicy>(metric.rule);
        });
    });
    while (history.peaks.size() > ring_limit) {
        history.peaks[1].size = history.peaks[0].size;
        history.peaks.erase(history.peaks.begin());
    }
    while (history.troughs.size() > ring_limit) history.troughs.erase(history.troughs.begin());
    while (history.events.size() > ring_limit) {
        history.events[1].added += history.events[0].added;
        history.events[1].removed += history.events[0].removed;
        history.events.erase(history.events.begin());
    }
}

void bring_back(History& history, WallTime now) {
    for (Recommendation& one : history.peaks) one.at = std::min(one.at, now);
    for (Recommendation& one : history.troughs) one.at = std::min(one.at, now);
    for (ScaleEvent& one : history.events) one.at = std::min(one.at, now);
}

}  // namespace muster::scaler
