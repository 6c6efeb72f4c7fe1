#include "scaler/decide.hpp"

#include "scaler/effectiveness.hpp"
#include "scaler/guards.hpp"
#include "scaler/hpa.hpp"
#include "scaler/propose.hpp"
#include "scaler/propose_time.hpp"
#include "scaler/samples.hpp"
#include "scaler/trends.hpp"
#include "scaler/windows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster::scaler {
namespace {

/// One decision on its way: `size` is what it would be by the rules so far.
struct Course {
    const Policy& policy;
    const Observations& observed;
    const Membership& membership;
    WallTime now;
    Decision decision;
    int floor = 0;         ///< of schedules and fixed sizes
    std::string driver{};  ///< the metric for which it would grow

    [[nodiscard]] int size() const { return decision.size; }
    [[nodiscard]] int was() const { return decision.was; }

    void hold_to(int size, Cause cause, std::string why, std::optional<WallTime> until = {}) {
        if (size == decision.size) return;
        decision.clamps.push_back({.cause = cause,
                                   .before = decision.size,
                                   .after = size,
                                   .why = std::move(why),
                                   .until = until});
        decision.size = size;
    }
    void hold(const Veto& veto) { hold_to(was(), veto.cause, veto.why, veto.until); }
};

/// Seeds the windows where what was before is unknown, so that scale-in waits for a whole one: at
/// first sight (k/k#68826), and where time has a gap or went backwards.
void take_up(Course& course) {
    History& next = course.decision.next;
    const WallTime now = course.now;
    const bool first = !next.last;
    const bool backwards = next.last && now < *next.last;
    const bool gap = course.policy.mode == Mode::muster && next.last &&
                     now - *next.last > course.policy.longest_gap;
    if (backwards) bring_back(next, now);
    if (first || gap || backwards) remember_peak(next, {.at = now, .size = course.was()});
    if (first && course.policy.mode == Mode::hpa)
        remember_trough(next, {.at = now, .size = course.was()});
    next.last = now;
    forget(next, course.policy, now);
}

Proposal proposal_of(Course& course, const MetricPolicy& metric) {
    const Sample& sample = sample_of(course.observed, metric);
    if (course.policy.mode == Mode::hpa)
        return hpa_propose(course.policy, metric, sample, course.membership);
    if (const auto* schedule = std::get_if<SchedulePolicy>(&metric.rule))
        return propose_scheduled(course.policy, metric, *schedule, course.now);
    if (const auto* forecast = std::get_if<ForecastPolicy>(&metric.rule))
        return propose_forecast(
            metric, *forecast, course.observed, course.decision.next, course.now);
    return propose(course.policy, metric, sample, course.membership);
}

enum class Source : std::uint8_t { samples, clock, forecast };

Source source_of(const MetricPolicy& metric) {
    if (std::holds_alternative<ForecastPolicy>(metric.rule)) return Source::forecast;
    const bool clock = std::holds_alternative<SchedulePolicy>(metric.rule) ||
                       std::holds_alternative<FixedPolicy>(metric.rule);
    return clock ? Source::clock : Source::samples;
}

/// The largest proposal; a forecast's may only raise. Where data is missing it may raise and not
/// lower: then, or where there is no proposal, the size stays. False: there is none.
bool propose_all(Course& course) {
    std::optional<int> largest;
    int expected = 0;
    std::string missing;
    for (const MetricPolicy& metric : course.policy.metrics) {
        Proposal proposal = proposal_of(course, metric);
        const int size = proposal.size.value_or(0);
        const Source source = source_of(metric);
        if (source == Source::clock) course.floor = std::max(course.floor, size);
        if (source == Source::forecast) {
            expected = std::max(expected, size);
        } else if (proposal.size && size > largest.value_or(-1)) {
            largest = size;
            course.driver = source == Source::samples ? metric.name : "";
        }
        if (!proposal.complete) missing += (missing.empty() ? "" : ", ") + metric.name;
        course.decision.proposals.push_back(std::move(proposal));
    }
    const int wanted = std::max(largest.value_or(course.was()), expected);
    if (wanted <= course.was() || wanted == expected || wanted == course.floor)
        course.driver.clear();
    course.decision.wanted = course.decision.size = wanted;
    if (!largest) {
        course.decision.clamps.push_back({.cause = Cause::no_data,
                                          .before = course.was(),
                                          .after = course.was(),
                                          .why = "no metric says anything"});
        return false;
    }
    if (missing.empty() || course.size() >= course.was()) return true;
    course.hold_to(course.was(),
                   Cause::partial_data,
                   fmt::format("data of {} is missing: may raise, not lower", missing));
    return false;
}

/// Reference 2.1.5.
void stabilize(Course& course) {
    History& next = course.decision.next;
    const int wanted = course.size();
    remember_peak(next, {.at = course.now, .size = wanted});
    remember_trough(next, {.at = course.now, .size = wanted});
    const auto high = peak(next, course.policy.in.window, course.now);
    const auto low = trough(next, course.policy.out.window, course.now);
    const int up_bound = low ? std::min(low->size, wanted) : wanted;
    const int down_bound = high ? std::max(high->size, wanted) : wanted;
    int size = course.was();
    if (size < up_bound) size = up_bound;
    if (size > down_bound) size = down_bound;
    if (wanted < course.was() && high && high->size > wanted) {
        course.decision.pin =
            Pin{.recommendation = *high, .until = high->at + course.policy.in.window};
        course.hold_to(size,
                       Cause::stabilization,
                       fmt::format("{} was recommended in the window", high->size),
                       course.decision.pin->until);
    } else if (wanted > course.was() && low && low->size < wanted) {
        course.decision.pin =
            Pin{.recommendation = *low, .until = low->at + course.policy.out.window};
        course.hold_to(size,
                       Cause::stabilization,
                       fmt::format("{} was recommended in the window", low->size),
                       course.decision.pin->until);
    }
}

void veto(Course& course) {
    if (course.size() < course.was() && !course.decision.vetoes.empty())
        course.hold(course.decision.vetoes.front());
    for (const Veto& brake : course.decision.brakes) {
        if (course.size() <= course.was()) return;
        const bool of_effect = brake.cause == Cause::ineffective || brake.cause == Cause::unproven;
        const int least = of_effect ? course.floor : 0;
        course.hold_to(std::min(course.size(), std::max(course.was(), least)),
                       brake.cause,
                       brake.why,
                       brake.until);
    }
}

void shrink_slowly(Course& course) {
    if (const auto room = room_to_shrink(course.policy, course.membership))
        course.hold_to(std::max(course.size(), course.was() - *room),
                       Cause::unavailable,
                       fmt::format("{} more may be unavailable", *room));
    const Room room = removal_budget(course.policy, course.decision.next, course.was(), course.now);
    course.hold_to(std::max(course.size(), course.was() - room.instances),
                   Cause::budget,
                   fmt::format("{} more may be removed", room.instances),
                   room.until);
}

void grow_slowly(Course& course) {
    if (const auto room = room_to_grow(course.policy, course.membership))
        course.hold_to(std::min(course.size(), course.was() + *room),
                       Cause::unavailable,
                       fmt::format("{} more may start", *room));
    const Room room =
        creation_budget(course.policy, course.decision.next, course.was(), course.now);
    course.hold_to(std::min(course.size(), course.was() + room.instances),
                   Cause::budget,
                   fmt::format("{} more may be added", room.instances),
                   room.until);
}

void stay_within(Course& course) {
    course.hold_to(std::min(course.size(), course.policy.max),
                   Cause::above_max,
                   fmt::format("max is {}", course.policy.max));
}

void reach_min(Course& course) {
    course.hold_to(std::max(course.size(), course.policy.min),
                   Cause::below_min,
                   fmt::format("min is {}", course.policy.min));
}

void decide_muster(Course& course) {
    propose_all(course);
    stabilize(course);
    veto(course);
    stay_within(course);
    if (course.size() < course.was()) shrink_slowly(course);
    if (course.size() > course.was()) grow_slowly(course);
    if (const auto open = breaker(course.membership)) course.hold(*open);
    reach_min(course);
}

void decide_hpa(Course& course) {
    const Policy& policy = course.policy;
    if (course.was() == 0 && policy.min != 0) {
        course.decision.clamps.push_back(
            {.cause = Cause::disabled, .why = "size 0 with a min above 0: switched off"});
        return;
    }
    // Bounds come first, and skip metrics, windows and rates.
    if (course.was() > policy.max) return stay_within(course);
    if (course.was() < policy.min) return reach_min(course);
    if (!propose_all(course)) return;
    stabilize(course);
    const int limited =
        hpa_rate_limited(policy, course.decision.next, course.was(), course.size(), course.now);
    course.hold_to(limited, Cause::budget, "rate and bounds");
    stay_within(course);
    reach_min(course);
    veto(course);
    if (const auto open = breaker(course.membership)) course.hold(*open);
}

void obey_pause(Course& course) {
    const Pause pause = course.observed.pause;
    const bool stops = pause == Pause::all ||
                       (pause == Pause::in && course.size() < course.was()) ||
                       (pause == Pause::out && course.size() > course.was());
    if (stops) course.hold({.cause = Cause::paused, .why = "paused by an operator"});
}

}  // namespace

bool is_well_founded(const Decision& decision) {
    return std::ranges::all_of(decision.proposals, &Proposal::complete) &&
           std::ranges::find(decision.clamps, Cause::no_data, &Clamp::cause) ==
               decision.clamps.end();
}

Decision decide(const Policy& policy,
                const History& history,
                const Observations& observed,
                const Membership& membership,
                WallTime now) {
    Course course{.policy = policy,
                  .observed = observed,
                  .membership = membership,
                  .now = now,
                  .decision = {.was = membership.size,
                               .wanted = membership.size,
                               .size = membership.size,
                               .next = history}};
    take_up(course);
    History& next = course.decision.next;
    const Trends trends = watch_all(policy.watch, observed, membership, next.trends, now);
    course.decision.vetoes = vetoes(policy, next, trends, membership, now);
    course.decision.brakes = brakes(policy, next, membership, now);
    if (policy.mode == Mode::hpa) {
        decide_hpa(course);
    } else {
        decide_muster(course);
    }
    obey_pause(course);
    Decision& decision = course.decision;
    // What is found out now holds from the next decision on: this one stays monotone in its
    // metrics.
    next.growth = observe_growth(next.growth,
                                 {.policy = policy,
                                  .observed = observed,
                                  .membership = membership,
                                  .size = decision.size,
                                  .driver = course.driver},
                                 now);
    if (decision.size != decision.was)
        remember_change(decision.next,
                        {.at = now,
                         .added = std::max(0, decision.size - decision.was),
                         .removed = std::max(0, decision.was - decision.size)});
    return std::move(decision);
}

Policy policy_at(Policy policy, const Membership& membership) {
    if (membership.size == 0) policy.mode = Mode::muster;
    return policy;
}

}  // namespace muster::scaler
