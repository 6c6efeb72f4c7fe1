#include "scaler/simulation.hpp"

#include <algorithm>
#include <deque>

namespace muster::scaler {
namespace {

/// How many were removed within 5 minutes.
class Removals {
 public:
    int add(WallTime at, int removed) {
        recent_.push_back({.at = at, .removed = removed});
        sum_ += removed;
        while (at - recent_.front().at >= window) {
            sum_ -= recent_.front().removed;
            recent_.pop_front();
        }
        return sum_;
    }

 private:
    static constexpr seconds window{300};
    std::deque<ScaleEvent> recent_;
    int sum_ = 0;
};

void count_change(Figures& all, int by) {
    (by > 0 ? all.outs : all.ins) += 1;
    (by > 0 ? all.added : all.removed) += by > 0 ? by : -by;
}

}  // namespace

Figures figures_of(const std::vector<SimulatedTick>& ticks, seconds period, seconds flap_window) {
    Figures all{.ticks = ticks.size(), .period = period};
    if (ticks.empty()) return all;
    const std::int64_t span = period.count();
    all.smallest = all.largest = ticks.front().size;
    Removals removals;
    std::optional<WallTime> changed;
    int direction = 0;
    std::int64_t under = 0;
    for (const SimulatedTick& tick : ticks) {
        all.smallest = std::min(all.smallest, tick.size);
        all.largest = std::max(all.largest, tick.size);
        all.size_seconds += tick.size * span;
        all.instance_seconds += tick.machines * span;
        all.worst_load_percent = std::max(all.worst_load_percent, tick.load_percent);
        const int missing = tick.needed ? std::max(0, *tick.needed - tick.serving) : 0;
        under = missing > 0 ? under + span : 0;
        all.under_seconds += missing > 0 ? span : 0;
        all.longest_under_seconds = std::max(all.longest_under_seconds, under);
        all.missing_seconds += missing * span;
        if (tick.needed) all.idle_seconds += std::max(0, tick.serving - *tick.needed) * span;
        if (!tick.needed) all.unknown_seconds += span;
        for (int cause = 0; cause < most_causes; ++cause)
            if (has(tick, static_cast<Cause>(cause))) ++all.hits[static_cast<std::size_t>(cause)];
        all.waits += tick.waited ? 1 : 0;
        const int by = tick.size - tick.was;
        if (by == 0) continue;
        count_change(all, by);
        const int now = by > 0 ? 1 : -1;
        if (changed && direction != now && tick.at - *changed <= flap_window) ++all.flaps;
        direction = now;
        changed = tick.at;
        if (by < 0) all.largest_removal = std::max(all.largest_removal, removals.add(tick.at, -by));
    }
    return all;
}

Parting compare(const Simulation& one, const Simulation& other) {
    Parting parting;
    const std::size_t both = std::min(one.ticks.size(), other.ticks.size());
    for (std::size_t i = 0; i < both; ++i) {
        if (one.ticks[i].size == other.ticks[i].size) continue;
        if (!parting.first) parting.first = i;
        ++parting.ticks;
    }
    return parting;
}

}  // namespace muster::scaler
