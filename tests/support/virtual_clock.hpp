#pragma once

#include "common/base/clock.hpp"

#include <boost/asio/io_context.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace muster::test {

/// Time that moves only when a test says so. Sleepers wake one at a time in the order of (time,
/// call of sleep_until), and everything that a wake-up sets off on the io_context runs before the
/// next one wakes: one program and one seed give one history.
///
/// Executor: everything on the thread that drives the context. Coroutines that still sleep when the
/// clock is destroyed are destroyed with it. The context must not be given real timers or sockets,
/// or order depends on the machine.
class VirtualClock final : public Clock {
 public:
    static constexpr SteadyTime default_start{std::chrono::hours(1)};
    static constexpr WallTime default_wall{std::chrono::seconds(1'767'225'600)};  ///< 2026-01-01

    explicit VirtualClock(asio::io_context& context,
                          SteadyTime start = default_start,
                          WallTime wall = default_wall);
    ~VirtualClock() override;

    [[nodiscard]] SteadyTime now() const override { return now_; }
    [[nodiscard]] WallTime wall() const override;

    /// A time that is past wakes at the next step, after what is already posted.
    [[nodiscard]] asio::awaitable<void> sleep_until(SteadyTime when) override;

    /// Runs what is ready without moving time (sleepers whose time has come included).
    void run_ready() { run_until(now_); }

    /// Runs what is ready, jumps to the next sleeper, and so on, until nothing is left before or at
    /// `when`; then now() == when.
    void run_until(SteadyTime when);
    void run_for(std::chrono::nanoseconds span) { run_until(now_ + span); }

    /// As run_until, but ends as soon as `done` holds (asked after each handler). Returns whether
    /// it does.
    bool run_until(SteadyTime limit, const std::function<bool()>& done);
    bool run_for(std::chrono::nanoseconds limit, const std::function<bool()>& done) {
        return run_until(now_ + limit, done);
    }

    /// Sets the time without running anything: what a process sees that was suspended. Sleepers
    /// whose time has passed wake at the next run, in order.
    void advance_to(SteadyTime when);

    /// Shifts wall() from now on, as an administrator or NTP would.
    void step_wall(std::chrono::milliseconds by) { wall_at_start_ += by; }

    [[nodiscard]] std::optional<SteadyTime> next_wake_up() const;
    [[nodiscard]] std::size_t sleepers() const { return sleepers_.size(); }

 private:
    struct Sleeper;
    struct Key {
        SteadyTime when;
        std::uint64_t sequence;
        auto operator<=>(const Key&) const = default;
    };

    template <class Handler>
    void add_sleeper(SteadyTime when, Handler handler);
    void abort_sleeper(Key key);
    void poll();
    bool wake_next(SteadyTime limit);

    asio::io_context& context_;
    SteadyTime start_;
    SteadyTime now_;
    WallTime wall_at_start_;
    std::uint64_t sequence_ = 0;
    std::map<Key, std::unique_ptr<Sleeper>> sleepers_;
};

}  // namespace muster::test
