#pragma once

#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>

namespace muster::sim {

/// One simulated host's clocks: its own offset and rate against true time, and a process that can
/// be frozen (SIGSTOP): then no sleep of its ends until it is thawed.
class NodeClock final : public Clock {
 public:
    NodeClock(test::VirtualClock& truth, double rate, std::chrono::milliseconds wall_offset)
        : truth_(truth),
          rate_(rate),
          true_origin_(truth.now()),
          own_origin_(truth.now()),
          wall_offset_(wall_offset) {}

    [[nodiscard]] SteadyTime now() const override { return local(truth_.now()); }
    [[nodiscard]] WallTime wall() const override { return truth_.wall() + wall_offset_; }
    [[nodiscard]] asio::awaitable<void> sleep_until(SteadyTime when) override {
        co_await truth_.sleep_until(true_time(when));
        while (frozen() || now() < when) {  // the rate may have changed meanwhile
            co_await truth_.sleep_until(frozen() ? frozen_until_ : true_time(when));
        }
    }

    /// No sleep ends before this moment of true time.
    void freeze_until(SteadyTime true_when) { frozen_until_ = true_when; }
    [[nodiscard]] bool frozen() const { return frozen_until_ > truth_.now(); }

    /// It runs fast or slow from now on. Sleeps under way end when they would have.
    void set_rate(double rate) {
        own_origin_ = now();
        true_origin_ = truth_.now();
        rate_ = rate;
    }
    void step_wall(std::chrono::milliseconds by) { wall_offset_ += by; }

 private:
    [[nodiscard]] SteadyTime local(SteadyTime true_when) const {
        const auto passed = static_cast<double>((true_when - true_origin_).count());
        return own_origin_ + std::chrono::nanoseconds(static_cast<std::int64_t>(passed * rate_));
    }
    [[nodiscard]] SteadyTime true_time(SteadyTime local_when) const {
        const auto passed = static_cast<double>((local_when - own_origin_).count());
        return true_origin_ +
               std::chrono::nanoseconds(static_cast<std::int64_t>(passed / rate_) + 1);
    }

    test::VirtualClock& truth_;
    double rate_;
    SteadyTime true_origin_;  ///< of the present rate
    SteadyTime own_origin_;   ///< what this clock showed then
    std::chrono::milliseconds wall_offset_;
    SteadyTime frozen_until_{};
};

}  // namespace muster::sim
