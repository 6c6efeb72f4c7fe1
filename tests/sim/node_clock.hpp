#pragma once

#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <vector>

namespace muster::sim {

/// One simulated host's clocks: its own offset and rate against true time, and a process that can
/// be frozen (SIGSTOP): then no sleep of its ends until it is thawed.
class NodeClock final : public Clock {
 public:
    NodeClock(test::VirtualClock& truth, double rate, std::chrono::milliseconds wall_offset)
        : truth_(truth), rate_(rate), origin_(truth.now()), wall_offset_(wall_offset) {}

    [[nodiscard]] SteadyTime now() const override { return local(truth_.now()); }
    [[nodiscard]] WallTime wall() const override { return truth_.wall() + wall_offset_; }
    [[nodiscard]] asio::awaitable<void> sleep_until(SteadyTime when) override {
        co_await truth_.sleep_until(true_time(when));
        while (frozen_until_ > truth_.now()) co_await truth_.sleep_until(frozen_until_);
    }

    /// No sleep ends before this moment of true time.
    void freeze_until(SteadyTime true_when) { frozen_until_ = true_when; }
    [[nodiscard]] bool frozen() const { return frozen_until_ > truth_.now(); }

 private:
    [[nodiscard]] SteadyTime local(SteadyTime true_when) const {
        const auto passed = static_cast<double>((true_when - origin_).count());
        return origin_ + std::chrono::nanoseconds(static_cast<std::int64_t>(passed * rate_));
    }
    [[nodiscard]] SteadyTime true_time(SteadyTime local_when) const {
        const auto passed = static_cast<double>((local_when - origin_).count());
        return origin_ + std::chrono::nanoseconds(static_cast<std::int64_t>(passed / rate_) + 1);
    }

    test::VirtualClock& truth_;
    double rate_;
    SteadyTime origin_;
    std::chrono::milliseconds wall_offset_;
    SteadyTime frozen_until_{};
};

}  // namespace muster::sim
