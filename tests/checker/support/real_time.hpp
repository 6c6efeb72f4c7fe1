#pragma once

#include "common/base/asio_clock.hpp"
#include "tests/support/eventually.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>

namespace muster::checker {

/// The machine's clock, which a test can set forward.
class ShiftedClock final : public Clock {
 public:
    [[nodiscard]] SteadyTime now() const override { return real_.now() + shift; }
    [[nodiscard]] WallTime wall() const override { return real_.wall(); }
    [[nodiscard]] asio::awaitable<void> sleep_until(SteadyTime when) override {
        return real_.sleep_until(when - shift);
    }

    std::chrono::nanoseconds shift{0};

 private:
    AsioClock real_;
};

/// Runs the context until `done` holds (true) or `limit` x slowdown() has passed (false).
[[nodiscard]] inline bool run_until(asio::io_context& context,
                                    const std::function<bool()>& done,
                                    std::chrono::nanoseconds limit = std::chrono::seconds(60)) {
    const test::Stopwatch watch;
    while (!done()) {
        if (watch.elapsed() > limit * test::slowdown()) return false;
        if (context.stopped()) context.restart();
        context.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
}

}  // namespace muster::checker
