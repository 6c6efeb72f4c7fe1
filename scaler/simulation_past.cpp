#include "scaler/simulation_past.hpp"

#include <algorithm>
#include <utility>

namespace muster::scaler {
namespace {

class Collected {
 public:
    explicit Collected(Past& into) : into_(into) {}

    void add(const std::string& metric, const std::string& instance, PastPoint point) {
        const auto [found, is_new] = places_.try_emplace({metric, instance}, into_.series.size());
        if (is_new) into_.series.push_back({.metric = metric, .instance = instance, .points = {}});
        std::vector<PastPoint>& points = into_.series[found->second].points;
        if (points.empty() || points.back().at < point.at) points.push_back(point);
    }

 private:
    Past& into_;
    std::map<std::pair<std::string, std::string>, std::size_t> places_;
};

PastFleet fleet_of(const RecordedTick& tick) {
    PastFleet fleet{.at = tick.at,
                    .size = tick.membership->size,
                    .trends = tick.observed.trends,
                    .pause = tick.observed.pause,
                    .errors = tick.observed.errors,
                    .latency = tick.observed.latency};
    for (const Instance& instance : tick.membership->instances)
        if (instance.phase == Phase::serving && instance.healthy) ++fleet.serving;
    return fleet;
}

}  // namespace

std::optional<Past::Span> Past::span() const {
    std::optional<Span> all;
    for (const PastSeries& one : series) {
        if (one.points.empty()) continue;
        const WallTime first = one.points.front().at;
        const WallTime last = one.points.back().at;
        all =
            all ? Span{std::min(all->first, first), std::max(all->last, last)} : Span{first, last};
    }
    return all;
}

Past past_of(const RecordedPart& part) {
    Past past{.series = {}, .valid_for = part.header.period};
    Collected collected(past);
    for (const RecordedTick& tick : part.ticks) {
        if (!past.fleet.empty() && tick.at <= past.fleet.back().at) continue;  // a clock went back
        past.fleet.push_back(fleet_of(tick));
        for (const auto& [metric, sample] : tick.observed.samples) {
            const WallTime at = tick.at;
            const Flaw flaw = sample.quality == Quality::value ? Flaw::none : sample.flaw;
            for (const Reading& one : sample.readings)
                collected.add(
                    metric,
                    one.instance,
                    {.at = at, .flaw = flaw, .value = one.value, .capacity = one.capacity});
            if (sample.readings.empty())
                collected.add(metric, "", {.at = at, .flaw = flaw, .value = sample.value});
            if (sample.coverage && sample.coverage->seen < sample.coverage->expected)
                past.incomplete.push_back(
                    {.metric = metric, .at = at, .coverage = *sample.coverage});
        }
    }
    return past;
}

}  // namespace muster::scaler
