#pragma once

#include "checker/alarm.hpp"
#include "checker/due_queue.hpp"
#include "checker/engine.hpp"
#include "checker/lateness.hpp"
#include "checker/schedule.hpp"
#include "checker/tls_wish.hpp"
#include "common/base/signal.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

// The inside of the engine. Which checks there are and when they are due is in engine.cpp; a probe,
// from its start to what its result makes of the checks, in engine_run.cpp.
namespace muster::checker {

struct Engine::Inside : std::enable_shared_from_this<Engine::Inside> {
    /// All checks with equal requests. Its phase is that of the check that came first and stays
    /// when that one leaves, so that nothing moves for the others.
    struct Target {
        std::shared_ptr<const ProbeRequest> request;
        CheckId phase_of{};
        SteadyTime wall_zero{};
        std::size_t members = 0;
    };

    /// A time, or none, in the room of one: there is a record for every check.
    class MaybeTime {
     public:
        explicit operator bool() const { return time_ != SteadyTime::min(); }
        SteadyTime operator*() const { return time_; }
        MaybeTime& operator=(SteadyTime time) {
            time_ = time;
            return *this;
        }
        void reset() { time_ = SteadyTime::min(); }
        [[nodiscard]] std::optional<SteadyTime> get() const {
            return *this ? std::optional(time_) : std::nullopt;
        }

     private:
        SteadyTime time_ = SteadyTime::min();
    };

    struct Record {
        std::shared_ptr<const config::CheckSpec> spec;
        Target* target = nullptr;
        HealthState state;
        /// Tells results of what is no longer wanted (removed, another request) from those awaited.
        std::uint64_t serial = 0;
        bool running = false;
        MaybeTime last_slot;
        MaybeTime last_start;
        MaybeTime queued;  ///< its place in the queue: its slot, and the jitter
        Span put_off{0};   ///< the jitter in it
        std::uint64_t results = 0;
        SharedValue<IntentWords> intent;  ///< as it was reported last
        SteadyTime intent_reported{};
        ResultRing ring;

        [[nodiscard]] bool secure() const { return makes_handshakes(*target->request->probe); }
    };

    struct Waiter {
        CheckId id{};
        std::uint64_t serial = 0;
    };

    /// One probe under way.
    struct Run {
        Target* target = nullptr;  ///< only valid until it starts
        std::shared_ptr<const ProbeRequest> request;
        Waiter first;
        std::vector<Waiter> others;
        SteadyTime due{};  ///< the earliest of those who wait
        SteadyTime started{};
        std::chrono::nanoseconds stalled_before{0};

        [[nodiscard]] std::chrono::nanoseconds lateness() const { return started - due; }
    };

    struct ByContent {
        using is_transparent = void;
        std::size_t operator()(const ProbeRequest* request) const { return hash_of(*request); }
        bool operator()(const ProbeRequest* left, const ProbeRequest* right) const {
            return left == right || *left == *right;
        }
    };

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
    void hasten(CheckId id);
    [[nodiscard]] bool begin_tick(SteadyTime now);
    [[nodiscard]] bool start_some();
    void sleep_on();

    [[nodiscard]] Cadence cadence_of(const Record& record) const {
        return cadence(record.target->phase_of, record.spec->interval, record.target->wall_zero);
    }
    Target& join(CheckId id, const std::shared_ptr<const ProbeRequest>& request, SteadyTime now);
    void leave(Target& target);
    void enqueue(CheckId id, Record& record, SteadyTime slot);
    void enqueue_at(CheckId id, Record& record, SteadyTime when, Span put_off);
    void dequeue(CheckId id, Record& record);
    void reschedule(CheckId id, Record& record, SteadyTime now);
    [[nodiscard]] bool begin(CheckId id, Record& record, SteadyTime now);
    void launch(Run run, SteadyTime now);
    void finish(std::uint32_t place, const ProbeOutcome& outcome);
    [[nodiscard]] bool is_news(Record& record, const ProbeOutcome& outcome) const;
    void take_result(const Waiter& waiter,
                     const Run& run,
                     const ProbeOutcome& outcome,
                     SteadyTime now);
    [[nodiscard]] SteadyTime next_wake();

    Clock& clock;
    Prober& prober;
    EngineSettings settings;
    OnReport on_report;
    Signal wake;
    Alarm alarm;
    StallMeter stalls;
    EngineCounters counters;

    std::unordered_map<CheckId, Record> records;
    std::unordered_map<const ProbeRequest*, Target, ByContent, ByContent> targets;
    DueQueue queue;
    std::optional<SteadyTime> zero;  ///< steady time of the wall clock's epoch
    std::vector<Run> runs;           ///< about to start; kept for its memory
    std::size_t started_in_tick = 0;
    /// Under way, by the number that their callbacks have.
    std::vector<Run> under_way;
    std::vector<std::uint32_t> free_places;
    bool distrusted = false;
    std::uint64_t last_serial = 0;
    std::size_t running = 0;
    SteadyTime served_until = SteadyTime::min();  ///< the last tick
    std::atomic<SteadyTime> good_until;  ///< until when the loop may sleep without being overdue
};

}  // namespace muster::checker
