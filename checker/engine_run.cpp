#include "checker/engine_inside.hpp"

#include <algorithm>

namespace muster::checker {

bool Engine::Inside::begin_tick(SteadyTime now) {
    // Between two ticks nothing is started, so that what falls into one tick starts as one batch.
    const SteadyTime tick = round_down(now, settings.tick);
    if (tick <= served_until) return false;
    served_until = tick;
    started_in_tick = 0;
    return true;
}

/// The next few that are due in this tick; whether there are more. Between a few and the next few
/// the prober gets on with those before: they are still in the processor's caches.
bool Engine::Inside::start_some() {
    constexpr std::size_t few = 64;
    const SteadyTime now = clock.now();
    const auto may_start = [&] {
        return started_in_tick + runs.size() < settings.max_starts_per_tick &&
               running + runs.size() < settings.max_running;
    };
    runs.clear();
    SteadyTime last{};
    // Those due at the same time may be one probe.
    while (may_start() && (runs.size() < few || queue.first() == last)) {
        const std::optional<CheckId> due = queue.due(served_until, now);
        if (!due) break;
        Record& record = records.at(*due);
        last = *record.queued;
        if (begin(*due, record, now)) queue.note_start(now, record.secure());
    }
    started_in_tick += runs.size();
    for (Run& run : runs) launch(std::move(run), now);
    return runs.size() >= few;
}

/// Takes a due check out of the queue and into the run of its target; whether that is a new one.
bool Engine::Inside::begin(CheckId id, Record& record, SteadyTime now) {
    const SteadyTime due = *record.queued;
    const SteadyTime slot = due - record.put_off;
    dequeue(id, record);
    const NextDue served = slot_served(slot, next_interval(record.state, *record.spec), now);
    counters.skipped_slots += served.skipped;
    record.last_slot = served.slot;
    record.last_start = now;
    record.running = true;

    const Waiter waiter{.id = id, .serial = record.serial};
    if (record.target->members > 1) {
        const auto shared = std::ranges::find(runs, record.target, &Run::target);
        if (shared != runs.end()) {
            shared->others.push_back(waiter);
            shared->due = std::min(shared->due, due);
            return false;
        }
    }
    runs.push_back({.target = record.target,
                    .request = record.target->request,
                    .first = waiter,
                    .others = {},
                    .due = due});
    return true;
}

void Engine::Inside::launch(Run run, SteadyTime now) {
    run.started = now;
    run.stalled_before = stalls.total();
    ++running;
    ++counters.started;
    counters.deduplicated += run.others.size();
    for (std::size_t i = 0; i <= run.others.size(); ++i) {
        count_lateness(counters, run.lateness());
        if (run.lateness() > settings.late_limit) ++counters.late_starts;
    }
    if (free_places.empty()) {
        free_places.push_back(static_cast<std::uint32_t>(under_way.size()));
        under_way.emplace_back();
    }
    const std::uint32_t place = free_places.back();
    free_places.pop_back();
    auto request = run.request;
    under_way[place] = std::move(run);
    // Small enough to need no memory of its own.
    prober.start(std::move(request), [weak = weak_from_this(), place](const ProbeOutcome& outcome) {
        if (const auto self = weak.lock()) self->finish(place, outcome);
    });
}

void Engine::Inside::finish(std::uint32_t place, const ProbeOutcome& outcome) {
    const Run run = std::move(under_way[place]);
    free_places.push_back(place);
    const SteadyTime now = clock.now();
    stalls.came_round(now);
    --running;
    ProbeOutcome judged = doubt_if_late(outcome,
                                        {.start_lateness = run.lateness(),
                                         .stalled = stalls.total() - run.stalled_before,
                                         .elapsed = now - run.started,
                                         .timeout = run.request->timeout},
                                        settings.late_limit);
    if (distrusted && judged.result == Result::failure) {
        judged.result = Result::inconclusive;
        judged.reason = Reason::prober_doubt;
    }
    if (run.lateness() > settings.late_limit || is_shortage(judged.reason)) ++counters.shortages;
    switch (judged.result) {
        case Result::success:
        case Result::degraded:
            ++counters.succeeded;
            break;
        case Result::failure:
            ++counters.failed;
            break;
        case Result::inconclusive:
            ++counters.inconclusive;
            break;
    }
    take_result(run.first, run, judged, now);
    for (const Waiter& waiter : run.others) take_result(waiter, run, judged, now);
    // With nothing under way the loop can sleep past its next beat.
    if (running == 0 && alarm.when() < next_wake()) wake.notify();
}

/// Words that are others than before, or whose lease is to be renewed.
bool Engine::Inside::is_news(Record& record, const ProbeOutcome& outcome) const {
    if (!outcome.intent || !record.spec->intent) return false;
    const SteadyTime now = clock.now();
    const std::chrono::nanoseconds ttl = outcome.intent->ttl.value_or(
        std::chrono::ceil<std::chrono::milliseconds>(record.spec->intent->ttl));
    if (record.intent == outcome.intent && now < record.intent_reported + ttl / 2) return false;
    record.intent = outcome.intent;
    record.intent_reported = now;
    return true;
}

void Engine::Inside::take_result(const Waiter& waiter,
                                 const Run& run,
                                 const ProbeOutcome& outcome,
                                 SteadyTime now) {
    const auto found = records.find(waiter.id);
    if (found == records.end() || found->second.serial != waiter.serial) return;
    Record& record = found->second;
    record.running = false;
    if (outcome.result != Result::inconclusive) ++record.results;
    const HealthStep step = observe(record.state, outcome, policy_of(*record.spec), clock.wall());
    record.state = step.next;
    record.ring.add(run.started, outcome, record.state);
    reschedule(waiter.id, record, now);
    if (step.transition == Transition::unchanged && !is_news(record, outcome)) return;
    // Last, for it may put and remove: `record` is no longer to be trusted.
    on_report(
        {.id = waiter.id, .state = step.next, .transition = step.transition, .outcome = outcome});
}

}  // namespace muster::checker
