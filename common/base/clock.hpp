#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <ratio>

namespace muster {

namespace asio = boost::asio;

/// Tag of our steady time line, which counts through suspends (CLOCK_BOOTTIME). It has no now():
/// only a `Clock` can tell the time, so that cores and tests never reach for the real one.
struct SteadyTimeline {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<SteadyTimeline, duration>;
    static constexpr bool is_steady = true;
};

/// When things happen inside one process: schedules, deadlines, leases. Means nothing on another
/// host.
using SteadyTime = std::chrono::time_point<SteadyTimeline, std::chrono::nanoseconds>;

/// UTC for people and for what is shared between hosts (since-times, probe phases). May jump;
/// nothing that must be safe depends on it.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// The only source of time. The real one is `AsioClock`; simulation and tests have a stepped one.
/// Thread: `now` and `wall` from any; `sleep_until` resumes on the awaiting coroutine's executor.
class Clock {
 public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    [[nodiscard]] virtual SteadyTime now() const = 0;
    [[nodiscard]] virtual WallTime wall() const = 0;

    /// Returns at once when `when` is past. Cancellable: a cancelled sleep throws
    /// operation_aborted.
    [[nodiscard]] virtual asio::awaitable<void> sleep_until(SteadyTime when) = 0;

    [[nodiscard]] asio::awaitable<void> sleep_for(std::chrono::nanoseconds span) {
        return sleep_until(now() + span);
    }
};

}  // namespace muster
