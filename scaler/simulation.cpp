#include "scaler/simulation.hpp"

#include "scaler/decide.hpp"
#include "scaler/recording_text.hpp"
#include "scaler/simulation_load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace muster::scaler {
namespace {

constexpr std::int64_t million = 1'000'000;
constexpr std::int64_t most_ticks = 5'000'000;

WallTime first_tick(WallTime from, seconds period) {
    const auto span = std::chrono::milliseconds(period).count();
    const auto count = from.time_since_epoch().count();
    return WallTime{std::chrono::milliseconds((count + span - 1) / span * span)};
}

struct Span {
    WallTime first;
    WallTime last;
};

tl::expected<Span, std::string> span_of(const Past& past, const SimulationSettings& settings) {
    const auto known = past.span();
    if (!known) return tl::unexpected(std::string("the history has no values"));
    if (settings.period < seconds{1} || settings.period > seconds{86'400})
        return tl::unexpected(std::string("the period must be from 1 s to 1 d"));
    const Span span{first_tick(settings.from.value_or(known->first), settings.period),
                    settings.to.value_or(known->last)};
    if (span.first > span.last)
        return tl::unexpected(
            fmt::format("there is no tick from {} to {}; the history is from {} to {}",
                        time_text(span.first),
                        time_text(span.last),
                        time_text(known->first),
                        time_text(known->last)));
    if ((span.last - span.first) / settings.period >= most_ticks)
        return tl::unexpected(fmt::format(
            "there are more than {} ticks: take a longer period or less time", most_ticks));
    return span;
}

int initial_size(const Policy& policy, const SimulationSettings& settings, const PastLoad& load) {
    if (settings.initial) return *settings.initial;
    if (load.fleet() != nullptr) return load.fleet()->size;
    const auto needed = load.needed(bearable_of(policy));
    const int size = needed ? to_size(ceil_div(*needed, million)) : policy.min;
    return std::clamp(size, policy.min, std::max(policy.min, policy.max));
}

/// Without what the past knows nothing of: it would hold the size up for ever.
Policy with_what_is_known(Policy policy, const Past& past) {
    if (!past.fleet.empty()) return policy;
    if (past.errors.empty()) policy.watch.errors.reset();
    if (past.latency.empty()) policy.watch.latency.reset();
    return policy;
}

/// What a guard's query gave, forward in time.
class PastGuard {
 public:
    PastGuard(const std::vector<PastPoint>& points, seconds valid_for)
        : points_(points), valid_for_(valid_for) {}

    /// Where there is no point, or none that can be used, it isn't known: as in production.
    Sample at(WallTime now) {
        while (next_ < points_.size() && points_[next_].at <= now) ++next_;
        if (next_ == 0) return {};
        const PastPoint& point = points_[next_ - 1];
        if (now - point.at >= valid_for_) return {};
        if (point.flaw != Flaw::none) return {.quality = Quality::bad, .flaw = point.flaw};
        return sample_of(point.value);
    }

 private:
    const std::vector<PastPoint>& points_;
    seconds valid_for_;
    std::size_t next_ = 0;
};

/// What forecasts look back on, before the first tick.
void look_back(
    PastLoad& load, const Past& past, WallTime first, seconds period, Observations& observed) {
    for (WallTime now = first_tick(past.span()->first, period); now < first; now += period) {
        load.advance(now);
        load.remember(now, period, observed.series);
    }
}

void note_load(SimulatedTick& tick, std::optional<Wide> needed) {
    if (!needed) return;
    tick.needed = to_size(ceil_div(*needed, million));
    constexpr Wide most = 1'000'000;
    if (tick.serving > 0) {
        tick.load_percent =
            static_cast<int>(std::min(most, ceil_div(*needed * 100, Wide{tick.serving} * million)));
    } else if (*tick.needed > 0) {
        tick.load_percent = static_cast<int>(most);
    }
}

}  // namespace

std::map<std::string, Micros> bearable_of(const Policy& policy) {
    std::map<std::string, Micros> all;
    for (const MetricPolicy& metric : policy.metrics) {
        const auto* target = std::get_if<TargetPolicy>(&metric.rule);
        if (target == nullptr) continue;
        constexpr Wide most = std::numeric_limits<std::int64_t>::max();
        const Wide bears =
            Wide{target->target.count} * (million + policy.out.tolerance_ppm) / million;
        all[metric.name] = {.count = static_cast<std::int64_t>(std::min(bears, most))};
    }
    return all;
}

tl::expected<Simulation, std::string> simulate(const Policy& given,
                                               const Past& past,
                                               const SimulationSettings& settings,
                                               const TickWatcher& watcher) {
    const Policy policy = with_what_is_known(given, past);
    if (auto why = PastLoad::unfit(policy, past)) return tl::unexpected(std::move(*why));
    const auto span = span_of(past, settings);
    if (!span) return tl::unexpected(span.error());
    const auto bearable = settings.bearable.empty() ? bearable_of(policy) : settings.bearable;

    PastLoad load(policy, past);
    Observations observed;
    look_back(load, past, span->first, settings.period, observed);
    load.advance(span->first);
    SimulatedFleet fleet(settings.fleet, initial_size(policy, settings, load), span->first);
    PastGuard errors(past.errors, past.valid_for);
    PastGuard latency(past.latency, past.valid_for);
    History history;
    Simulation result;
    result.ticks.reserve(static_cast<std::size_t>((span->last - span->first) / settings.period) +
                         1);
    int shown = -1;
    for (WallTime now = span->first; now <= span->last; now += settings.period) {
        load.advance(now);
        fleet.advance(now);
        load.show(fleet.membership(), fleet.serving(), fleet.version() != shown, observed);
        shown = fleet.version();
        const PastFleet* const then = load.fleet();
        load.remember(now, settings.period, observed.series);
        observed.errors = then != nullptr ? then->errors : errors.at(now);
        observed.latency = then != nullptr ? then->latency : latency.at(now);
        observed.trends = then != nullptr ? then->trends : Trends{};
        observed.pause = then != nullptr && settings.keep_pauses ? then->pause : Pause::none;
        Decision decision = decide(policy, history, observed, fleet.membership(), now);
        SimulatedTick tick{.at = now,
                           .was = decision.was,
                           .wanted = decision.wanted,
                           .size = decision.was,
                           .serving = fleet.serving()};
        for (const Clamp& clamp : decision.clamps)
            tick.causes |= 1U << static_cast<unsigned>(clamp.cause);
        if (watcher)
            watcher({.policy = policy,
                     .history = history,
                     .observed = observed,
                     .membership = fleet.membership(),
                     .decision = decision,
                     .at = now});
        if (decision.size != decision.was) {
            if (fleet.takes(decision.size)) {
                fleet.carry_out(decision.size, now);
                tick.size = decision.size;
            } else {
                tick.waited = true;
                decision.next.events.pop_back();  // it was not done
            }
        }
        tick.machines = fleet.machines();
        note_load(tick, load.needed(bearable));
        result.ticks.push_back(tick);
        history = std::move(decision.next);
    }
    result.figures = figures_of(result.ticks, settings.period, settings.flap_window);
    return result;
}

}  // namespace muster::scaler
