#pragma once

#include "checker/engine.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace muster::checker {

/// What the worker role needs of the probing side; the worker lives on the control executor and
/// never blocks. Real: `ThreadedPool` (several engines, a thread each). Simulation: `InlinePool`
/// (one engine, same executor).
class CheckRunner {
 public:
    CheckRunner() = default;
    CheckRunner(const CheckRunner&) = delete;
    CheckRunner& operator=(const CheckRunner&) = delete;
    virtual ~CheckRunner() = default;

    /// Reports are delivered on the control executor, in order for each check.
    virtual void on_report(Engine::OnReport on_report) = 0;
    virtual void put(std::vector<Check> checks) = 0;
    virtual void remove(std::vector<CheckId> ids) = 0;
    /// As Engine::hasten, of each.
    virtual void hasten(std::vector<CheckId> ids) = 0;
    /// As Engine::distrust, of all.
    virtual void distrust(bool on) = 0;

    struct Insight {
        HealthState state;
        std::vector<PastResult> recent;
        std::optional<std::chrono::nanoseconds> last_start_age;
        std::uint64_t results = 0;
    };
    /// One answer for each id, absent for the unknown.
    [[nodiscard]] virtual asio::awaitable<std::vector<std::optional<Insight>>> look(
        std::vector<CheckId> ids) = 0;

    /// For every id: how long ago its last probe began (absent: never). Cheap; for progress and
    /// warm-up.
    struct Pass {
        std::optional<std::chrono::nanoseconds> last_start_age;
        std::uint64_t results = 0;
    };
    [[nodiscard]] virtual asio::awaitable<std::vector<Pass>> passes(std::vector<CheckId> ids) = 0;

    /// Probes each of these once, now, beside all checks and without their state; the answers in
    /// the same order.
    [[nodiscard]] virtual asio::awaitable<std::vector<ProbeOutcome>> probe_once(
        std::vector<std::shared_ptr<const ProbeRequest>> requests) = 0;

    [[nodiscard]] virtual asio::awaitable<EngineCounters> counters() = 0;

    /// The oldest last_tick() of all threads. Any thread.
    [[nodiscard]] virtual SteadyTime last_tick() const = 0;
};

/// N threads, each with its own io_context, engine and prober. Checks are spread by hash of the
/// request, so that equal requests meet in one engine. stop() joins the threads.
class ThreadedPool final : public CheckRunner {
 public:
    using MakeProber = std::function<std::unique_ptr<Prober>(asio::any_io_executor, Clock&)>;
    ThreadedPool(asio::any_io_executor control,
                 Clock& clock,
                 int threads,
                 EngineSettings settings,
                 MakeProber make);
    ~ThreadedPool() override;

    void on_report(Engine::OnReport on_report) override;
    void put(std::vector<Check> checks) override;
    void remove(std::vector<CheckId> ids) override;
    void hasten(std::vector<CheckId> ids) override;
    void distrust(bool on) override;
    [[nodiscard]] asio::awaitable<std::vector<std::optional<Insight>>> look(
        std::vector<CheckId> ids) override;
    [[nodiscard]] asio::awaitable<std::vector<Pass>> passes(std::vector<CheckId> ids) override;
    [[nodiscard]] asio::awaitable<std::vector<ProbeOutcome>> probe_once(
        std::vector<std::shared_ptr<const ProbeRequest>> requests) override;
    [[nodiscard]] asio::awaitable<EngineCounters> counters() override;
    [[nodiscard]] SteadyTime last_tick() const override;
    /// Calls `then` on one of the threads when all of them have done what they were told before;
    /// not at all once stopped.
    void after_all(std::function<void()> then);
    void stop();

 private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// One engine on the control executor itself: for simulation.
class InlinePool final : public CheckRunner {
 public:
    InlinePool(asio::any_io_executor control,
               Clock& clock,
               Prober& prober,
               EngineSettings settings);
    ~InlinePool() override;

    void on_report(Engine::OnReport on_report) override;
    void put(std::vector<Check> checks) override;
    void remove(std::vector<CheckId> ids) override;
    void hasten(std::vector<CheckId> ids) override;
    void distrust(bool on) override;
    [[nodiscard]] asio::awaitable<std::vector<std::optional<Insight>>> look(
        std::vector<CheckId> ids) override;
    [[nodiscard]] asio::awaitable<std::vector<Pass>> passes(std::vector<CheckId> ids) override;
    [[nodiscard]] asio::awaitable<std::vector<ProbeOutcome>> probe_once(
        std::vector<std::shared_ptr<const ProbeRequest>> requests) override;
    [[nodiscard]] asio::awaitable<EngineCounters> counters() override;
    [[nodiscard]] SteadyTime last_tick() const override;
    /// The engine's loop; spawn it into a task group.
    [[nodiscard]] asio::awaitable<void> run();

 private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace muster::checker
