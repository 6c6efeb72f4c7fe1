#pragma once

#include "common/base/clock.hpp"

namespace muster {

/// The machine's clocks: CLOCK_BOOTTIME, CLOCK_REALTIME and Asio's timers. Built in main.cpp (and
/// by tests that run against real servers), nowhere else. Thread-safe.
class AsioClock final : public Clock {
 public:
    [[nodiscard]] SteadyTime now() const override;
    [[nodiscard]] WallTime wall() const override;
    [[nodiscard]] asio::awaitable<void> sleep_until(SteadyTime when) override;
};

}  // namespace muster
