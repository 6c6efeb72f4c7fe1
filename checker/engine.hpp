#pragma once

#include "checker/check_id.hpp"
#include "checker/engine_counters.hpp"
#include "checker/health_state.hpp"
#include "checker/prober.hpp"
#include "checker/result_ring.hpp"
#include "common/base/clock.hpp"
#include "common/config/model.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace muster::checker {

/// One backend's check as the engine runs it.
struct Check {
    CheckId id{};
    std::shared_ptr<const ProbeRequest>
        request;  ///< equal requests of one engine are probed once (dedup)
    std::shared_ptr<const config::CheckSpec> spec;
    HealthState start;      ///< taken when the check is new to this engine; ignored afterwards
    bool catch_up = false;  ///< new, and its last slots may have been missed: probe now (within
                            ///< catch_up_spread)
    bool replace_state = false;  ///< take `start` even if the check is here already, and report it
                                 ///< (the end of a planned move: the old owner's last word counts)
};

/// What the engine tells its owner. Every result that changed the verdict or a pending counter.
struct CheckReport {
    CheckId id{};
    HealthState state;
    Transition transition = Transition::unchanged;
    ProbeOutcome outcome;
};

struct EngineSettings {
    std::chrono::nanoseconds tick =
        std::chrono::milliseconds(10);  ///< due probes are started together
    std::chrono::nanoseconds late_limit = std::chrono::milliseconds(250);
    std::chrono::nanoseconds catch_up_spread = std::chrono::milliseconds(150);
    std::size_t max_running = 4096;  ///< probes under way at once
    std::size_t max_starts_per_tick = 1024;
    int max_starts_per_second = 0;      ///< 0 = no limit; what it holds back is late
    int max_handshakes_per_second = 0;  ///< the same of probes over TLS; the others go on
    std::uint16_t ring_size = 64;
};

/// Runs the checks of one thread: fixed cadence, hashed phase, health state, ring of recent
/// results. Share-nothing: one engine = one executor = one prober. `ProberPool` spreads checks over
/// several.
///
/// Cadence: as in schedule.hpp. Equal requests share one phase, that of the check which came first,
/// so that one probe serves all checks on them that are due in the same tick.
/// Lateness: as in lateness.hpp.
/// Executor: all calls on the engine's executor; reports arrive there, too, and may call put() and
/// remove(). The prober must be stopped, or outlive the engine.
class Engine {
 public:
    using OnReport = std::function<void(const CheckReport&)>;

    Engine(asio::any_io_executor executor,
           Clock& clock,
           Prober& prober,
           EngineSettings settings,
           OnReport on_report);
    ~Engine();

    /// Adds, replaces or keeps: a check already there with an equal request and spec goes on
    /// undisturbed; a change to request or spec keeps state, ring and phase.
    void put(Check check);
    void remove(CheckId id);
    /// Brings the next probe of this check forward to now (and its jitter), within the caps of
    /// starts. Its slots stay where they are, and so do those of all other checks. Nothing happens
    /// when it is being probed just now, or is not known.
    void hasten(CheckId id);
    /// While on, no failure counts: each is prober_doubt.
    void distrust(bool on);

    [[nodiscard]] std::optional<HealthState> state(CheckId id) const;
    [[nodiscard]] std::vector<PastResult> recent(CheckId id) const;
    /// When the last probe of this check began; nothing if it has not been probed here.
    [[nodiscard]] std::optional<SteadyTime> last_start(CheckId id) const;
    /// How many conclusive results this engine has of it.
    [[nodiscard]] std::uint64_t results(CheckId id) const;
    [[nodiscard]] const EngineCounters& counters() const;
    [[nodiscard]] std::size_t size() const;

    /// The loop: ends when cancelled, by throwing operation_aborted.
    [[nodiscard]] asio::awaitable<void> run();

    /// Steady time at which the loop last came round, or now while it sleeps as planned: for the
    /// watchdog. Any thread.
    [[nodiscard]] SteadyTime last_tick() const;

 private:
    struct Inside;
    std::shared_ptr<Inside> inside_;  ///< shared with probes under way
};

}  // namespace muster::checker
