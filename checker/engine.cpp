#include "checker/engine.hpp"

#include "checker/alarm.hpp"
#include "checker/due_queue.hpp"
#include "checker/lateness.hpp"
#include "checker/schedule.hpp"
#include "common/base/signal.hpp"

#include <algorithm>
#include <atomic>
#include <unordered_map>
#include <utility>

namespace muster::checker {

namespace {

/// While probes are under way the loop comes round at least this often, to notice that it stood
/// still. (It sleeps as long as it can when there are none.)
constexpr int ticks_between_beats = 5;

/// All checks with equal requests. Its phase is that of the check that came first and stays when
/// that one leaves, so that nothing moves for the others.
struct Target {
    std::shared_ptr<const ProbeRequest> request;
    CheckId phase_of{};
    SteadyTime wall_zero{};
    std::size_t members = 0;
};

struct Record {
    std::shared_ptr<const config::CheckSpec> spec;
    Target* target = nullptr;
    HealthState state;
    /// Tells results of what is no longer wanted (removed, another request) from those awaited.
    std::uint64_t serial = 0;
    bool running = false;
    std::optional<SteadyTime> last_slot;
    std::optional<SteadyTime> last_start;
    std::optional<SteadyTime> queued;  ///< its place in the queue: its slot, and the jitter
    Span put_off{0};                   ///< the jitter in it
    std::uint64_t results = 0;
    SharedValue<IntentWords> intent;  ///< as it was reported last
    SteadyTime intent_reported{};
    ResultRing ring;

    [[nodiscard]] bool secure() const { return target->request->probe->tls.has_value(); }
};

struct Waiter {
    CheckId id{};
    std::uint64_t serial = 0;
};

/// One probe under way.
struct Run {
    Target* target = nullptr;  ///< only valid in the tick that starts it
    std::shared_ptr<const ProbeRequest> request;
    std::vector<Waiter> waiters;
    SteadyTime started{};
    std::chrono::nanoseconds lateness{0};
    std::chrono::nanoseconds stalled_before{0};
};

struct ByContent {
    using is_transparent = void;
    std::size_t operator()(const ProbeRequest* request) const { return hash_of(*request); }
    bool operator()(const ProbeRequest* left, const ProbeRequest* right) const {
        return left == right || *left == *right;
    }
};

template <class T>
bool same(const std::shared_ptr<const T>& left, const std::shared_ptr<const T>& right) {
    return left == right || *left == *right;
}

}  // namespace

struct Engine::Inside : std::enable_shared_from_this<Engine::Inside> {
    Inside(asio::any_io_executor executor,
           Clock& the_clock,
           Prober& the_prober,
           EngineSettings the_settings,
           OnReport report)
        : clock(the_clock),
          prober(the_prober),
          settings(the_settings),
          on_report(std::move(report)),
          wake(executor),
          alarm(executor, the_clock, [this] { wake.notify(); }),
          stalls(the_settings.tick),
          queue(the_settings.max_starts_per_second, the_settings.max_handshakes_per_second),
          good_until(the_clock.now()) {}

    void put(Check check);
    void remove(CheckId id);
    void start_due(SteadyTime now);
    void sleep_on();

    [[nodiscard]] Cadence cadence_of(const Record& record) const {
        return cadence(record.target->phase_of, record.spec->interval, record.target->wall_zero);
    }
    Target& join(CheckId id, const std::shared_ptr<const ProbeRequest>& request, SteadyTime now);
    void leave(Target& target);
    void enqueue(CheckId id, Record& record, SteadyTime slot);
    void dequeue(CheckId id, Record& record);
    void reschedule(CheckId id, Record& record, SteadyTime now);
    void begin(CheckId id, Record& record, SteadyTime now, std::vector<Run>& runs);
    void launch(Run run);
    void finish(const Run& run, ProbeOutcome outcome);
    [[nodiscard]] bool is_news(Record& record, const ProbeOutcome& outcome) const;
    void take_result(const Waiter& waiter, const Run& run, const ProbeOutcome& outcome);
    [[nodiscard]] SteadyTime next_wake() const;

    Clock& clock;
    Prober& prober;
    EngineSettings settings;
    OnReport on_report;
    Signal wake;
    Alarm alarm;
    StallMeter stalls;
    EngineCounters counters;

    std::unordered_map<CheckId, Record> records;
    std::unordered_map<const ProbeRequest*, std::unique_ptr<Target>, ByContent, ByContent> targets;
    DueQueue queue;
    std::optional<SteadyTime> zero;  ///< steady time of the wall clock's epoch
    std::uint64_t last_serial = 0;
    std::size_t running = 0;
    SteadyTime served_until = SteadyTime::min();  ///< the last tick
    std::atomic<SteadyTime> good_until;  ///< until when the loop may sleep without being overdue
};

Target& Engine::Inside::join(CheckId id,
                             const std::shared_ptr<const ProbeRequest>& request,
                             SteadyTime now) {
    if (const auto found = targets.find(request.get()); found != targets.end()) {
        ++found->second->members;
        return *found->second;
    }
    // The wall clock is read to milliseconds: a smaller difference is not a step.
    const SteadyTime zero_now = checker::wall_zero(clock.wall(), now);
    if (!zero || std::chrono::abs(zero_now - *zero) > std::chrono::milliseconds(5)) zero = zero_now;
    auto target = std::make_unique<Target>(Target{
        .request = request,
        .phase_of = id,
        .wall_zero = *zero,
        .members = 1,
    });
    Target& joined = *target;
    targets.emplace(request.get(), std::move(target));
    return joined;
}

void Engine::Inside::leave(Target& target) {
    if (--target.members > 0) return;
    const auto found = targets.find(target.request.get());
    // The key is part of what is destroyed.
    const auto node = targets.extract(found);
}

void Engine::Inside::enqueue(CheckId id, Record& record, SteadyTime slot) {
    dequeue(id, record);
    record.put_off = jitter(record.target->phase_of, slot, record.spec->jitter);
    slot += record.put_off;
    record.queued = slot;
    queue.add(slot, id, record.secure());
    // Otherwise the loop is up before that anyhow.
    if (round_up(slot, settings.tick) < alarm.when()) wake.notify();
}

void Engine::Inside::dequeue(CheckId id, Record& record) {
    if (!record.queued) return;
    queue.remove(*record.queued, id, record.secure());
    record.queued.reset();
}

/// Puts a check that is not running into its place.
void Engine::Inside::reschedule(CheckId id, Record& record, SteadyTime now) {
    const Cadence slots = cadence_of(record);
    if (!record.last_slot) {
        enqueue(id, record, next_slot(slots, now));
        return;
    }
    const NextDue next = next_due(slots,
                                  next_interval(record.state, *record.spec),
                                  *record.last_slot,
                                  now,
                                  ticks_between_beats * settings.tick);
    counters.skipped_slots += next.skipped;
    enqueue(id, record, next.slot);
}

void Engine::Inside::put(Check check) {
    const SteadyTime now = clock.now();
    const auto [at, is_new] =
        records.try_emplace(check.id, Record{.ring = ResultRing(settings.ring_size)});
    Record& record = at->second;
    if (is_new) {
        record.serial = ++last_serial;
        record.state = check.start;
        record.spec = std::move(check.spec);
        record.target = &join(check.id, check.request, now);
        const Cadence slots = cadence_of(record);
        enqueue(check.id,
                record,
                check.catch_up ? catch_up_slot(check.id, slots, now, settings.catch_up_spread)
                               : next_slot(slots, now));
        return;
    }
    if (check.replace_state) {
        record.state = check.start;
        on_report({.id = check.id, .state = record.state, .transition = Transition::pending});
    }
    const bool same_request = same(record.target->request, check.request);
    if (same_request && same(record.spec, check.spec)) return;
    const std::optional<SteadyTime> was = record.queued;
    const Span put_off = record.put_off;
    dequeue(check.id, record);
    record.spec = std::move(check.spec);
    if (!same_request) {
        Target& left = *record.target;
        record.target = &join(check.id, check.request, now);
        leave(left);
        // What is under way says nothing about the new request.
        record.serial = ++last_serial;
        record.running = false;
    }
    if (record.running) return;
    // An edit may bring the next probe forward, not put it off: a new, longer or shorter interval
    // must not add to the old one.
    reschedule(check.id, record, now);
    if (was && *was < *record.queued) enqueue(check.id, record, *was - put_off);
}

void Engine::Inside::remove(CheckId id) {
    const auto found = records.find(id);
    if (found == records.end()) return;
    dequeue(id, found->second);
    leave(*found->second.target);
    records.erase(found);
}

void Engine::Inside::start_due(SteadyTime now) {
    // Between two ticks nothing is started, so that what falls into one tick starts as one batch.
    const SteadyTime tick = round_down(now, settings.tick);
    if (tick <= served_until) return;
    served_until = tick;
    std::vector<Run> runs;
    while (runs.size() < settings.max_starts_per_tick &&
           running + runs.size() < settings.max_running) {
        const std::optional<CheckId> due = queue.due(tick, now);
        if (!due) break;
        const std::size_t before = runs.size();
        Record& record = records.at(*due);
        begin(*due, record, now, runs);
        if (runs.size() > before) queue.note_start(now, record.secure());
    }
    for (Run& run : runs) launch(std::move(run));
}

/// Takes a due check out of the queue and into the run of its target.
void Engine::Inside::begin(CheckId id, Record& record, SteadyTime now, std::vector<Run>& runs) {
    const SteadyTime due = *record.queued;
    const SteadyTime slot = due - record.put_off;
    dequeue(id, record);
    const NextDue served = slot_served(slot, next_interval(record.state, *record.spec), now);
    counters.skipped_slots += served.skipped;
    record.last_slot = served.slot;
    record.last_start = now;
    record.running = true;

    const auto lateness = now - due;
    count_lateness(counters, lateness);
    if (lateness > settings.late_limit) ++counters.late_starts;

    const Waiter waiter{.id = id, .serial = record.serial};
    if (record.target->members > 1) {
        const auto shared = std::ranges::find(runs, record.target, &Run::target);
        if (shared != runs.end()) {
            shared->waiters.push_back(waiter);
            shared->lateness = std::max(shared->lateness, lateness);
            return;
        }
    }
    runs.push_back({.target = record.target,
                    .request = record.target->request,
                    .waiters = {waiter},
                    .started = now,
                    .lateness = lateness,
                    .stalled_before = stalls.total()});
}

void Engine::Inside::launch(Run run) {
    ++running;
    ++counters.started;
    counters.deduplicated += run.waiters.size() - 1;
    auto request = run.request;
    prober.start(std::move(request),
                 [weak = weak_from_this(), run = std::move(run)](ProbeOutcome outcome) {
                     if (const auto self = weak.lock()) self->finish(run, outcome);
                 });
}

void Engine::Inside::finish(const Run& run, ProbeOutcome outcome) {
    const SteadyTime now = clock.now();
    stalls.came_round(now);
    --running;
    const ProbeOutcome judged = doubt_if_late(outcome,
                                              {.start_lateness = run.lateness,
                                               .stalled = stalls.total() - run.stalled_before,
                                               .elapsed = now - run.started,
                                               .timeout = run.request->timeout},
                                              settings.late_limit);
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
    for (const Waiter& waiter : run.waiters) take_result(waiter, run, judged);
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
                                 const ProbeOutcome& outcome) {
    const auto found = records.find(waiter.id);
    if (found == records.end() || found->second.serial != waiter.serial) return;
    Record& record = found->second;
    record.running = false;
    if (outcome.result != Result::inconclusive) ++record.results;
    const HealthStep step = observe(record.state, outcome, policy_of(*record.spec), clock.wall());
    record.state = step.next;
    record.ring.add(run.started, outcome, record.state);
    reschedule(waiter.id, record, clock.now());
    if (step.transition == Transition::unchanged && !is_news(record, outcome)) return;
    // Last, for it may put and remove: `record` is no longer to be trusted.
    on_report(
        {.id = waiter.id, .state = step.next, .transition = step.transition, .outcome = outcome});
}

SteadyTime Engine::Inside::next_wake() const {
    SteadyTime next = SteadyTime::max();
    if (const SteadyTime first = queue.first(); first != SteadyTime::max())
        next = std::max(round_up(first, settings.tick), served_until + settings.tick);
    if (running == 0) return next;
    return std::min(next,
                    round_up(clock.now() + ticks_between_beats * settings.tick, settings.tick));
}

void Engine::Inside::sleep_on() {
    const SteadyTime next = next_wake();
    stalls.plan(next);
    good_until = next;
    alarm.set(next);
}

Engine::Engine(asio::any_io_executor executor,
               Clock& clock,
               Prober& prober,
               EngineSettings settings,
               OnReport on_report)
    : inside_(std::make_shared<Inside>(
          std::move(executor), clock, prober, settings, std::move(on_report))) {}

Engine::~Engine() = default;

void Engine::put(Check check) {
    inside_->put(std::move(check));
}

void Engine::remove(CheckId id) {
    inside_->remove(id);
}

std::optional<HealthState> Engine::state(CheckId id) const {
    const auto found = inside_->records.find(id);
    if (found == inside_->records.end()) return std::nullopt;
    return found->second.state;
}

std::vector<PastResult> Engine::recent(CheckId id) const {
    const auto found = inside_->records.find(id);
    if (found == inside_->records.end()) return {};
    return found->second.ring.read(inside_->clock.now(), inside_->clock.wall());
}

std::optional<SteadyTime> Engine::last_start(CheckId id) const {
    const auto found = inside_->records.find(id);
    if (found == inside_->records.end()) return std::nullopt;
    return found->second.last_start;
}

std::uint64_t Engine::results(CheckId id) const {
    const auto found = inside_->records.find(id);
    return found == inside_->records.end() ? 0 : found->second.results;
}

const EngineCounters& Engine::counters() const {
    inside_->counters.stalled = inside_->stalls.total();
    return inside_->counters;
}

std::size_t Engine::size() const {
    return inside_->records.size();
}

asio::awaitable<void> Engine::run() {
    try {
        for (;;) {
            const SteadyTime now = inside_->clock.now();
            inside_->good_until = now;
            inside_->stalls.came_round(now);
            inside_->start_due(now);
            inside_->sleep_on();
            co_await inside_->wake.wait();
        }
    } catch (...) {
        inside_->good_until = inside_->clock.now();
        inside_->alarm.clear();
        throw;
    }
}

SteadyTime Engine::last_tick() const {
    return std::min(inside_->clock.now(), inside_->good_until.load());
}

}  // namespace muster::checker
