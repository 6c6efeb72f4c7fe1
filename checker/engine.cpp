#include "checker/engine_inside.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace muster::checker {

namespace {

/// While probes are under way the loop comes round at least this often, to notice that it stood
/// still. (It sleeps as long as it can when there are none.)
constexpr int ticks_between_beats = 5;

template <class T>
bool same(const std::shared_ptr<const T>& left, const std::shared_ptr<const T>& right) {
    return left == right || *left == *right;
}

}  // namespace

Engine::Inside::Target& Engine::Inside::join(CheckId id,
                                             const std::shared_ptr<const ProbeRequest>& request,
                                             SteadyTime now) {
    if (const auto found = targets.find(request.get()); found != targets.end()) {
        ++found->second.members;
        return found->second;
    }
    // The wall clock is read to milliseconds: a smaller difference is not a step.
    const SteadyTime zero_now = checker::wall_zero(clock.wall(), now);
    if (!zero || std::chrono::abs(zero_now - *zero) > std::chrono::milliseconds(5)) zero = zero_now;
    return targets
        .emplace(request.get(),
                 Target{.request = request, .phase_of = id, .wall_zero = *zero, .members = 1})
        .first->second;
}

void Engine::Inside::leave(Target& target) {
    if (--target.members > 0) return;
    const auto found = targets.find(target.request.get());
    // The key is part of what is destroyed.
    const auto node = targets.extract(found);
}

void Engine::Inside::enqueue(CheckId id, Record& record, SteadyTime slot) {
    const Span put_off = jitter(record.target->phase_of, slot, record.spec->jitter);
    enqueue_at(id, record, slot + put_off, put_off);
}

void Engine::Inside::enqueue_at(CheckId id, Record& record, SteadyTime when, Span put_off) {
    dequeue(id, record);
    record.put_off = put_off;
    record.queued = when;
    queue.add(when, id, record.secure());
    // Otherwise the loop is up before that anyhow.
    if (round_up(when, settings.tick) < alarm.when()) wake.notify();
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
    const MaybeTime was = record.queued;
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

void Engine::Inside::hasten(CheckId id) {
    const auto found = records.find(id);
    if (found == records.end() || found->second.running) return;
    Record& record = found->second;
    const MaybeTime was = record.queued;
    const Span put_off = record.put_off;
    enqueue(id, record, clock.now());
    if (was && *was < *record.queued) enqueue_at(id, record, *was, put_off);
}

SteadyTime Engine::Inside::next_wake() {
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

void Engine::hasten(CheckId id) {
    inside_->hasten(id);
}

void Engine::distrust(bool on) {
    inside_->distrusted = on;
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
    return found->second.last_start.get();
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
            if (inside_->begin_tick(now)) {
                while (inside_->start_some()) co_await asio::post(asio::use_awaitable);
            }
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
