#pragma once

#include "checker/outcome.hpp"
#include "common/base/clock.hpp"

#include <chrono>

// A thread that stood still sees time-outs where none were. These rules, pure, tell when a failure
// is the prober's own doing; it then becomes inconclusive. A success is never taken back: whatever
// stood still, the backend did answer.
namespace muster::checker {

/// Adds up how long a loop came round later than it had planned.
class StallMeter {
 public:
    /// Delays up to `ignore` are the normal noise of a loop and are not added.
    explicit StallMeter(std::chrono::nanoseconds ignore) : ignore_(ignore) {}

    /// The loop goes to sleep and wants to be back at `wake`.
    void plan(SteadyTime wake) { wake_ = wake; }

    /// Called by whatever runs first after the sleep, and by all that follows.
    void came_round(SteadyTime now) {
        if (now <= wake_) return;
        if (now - wake_ > ignore_) total_ += now - wake_;
        wake_ = now;
    }

    [[nodiscard]] std::chrono::nanoseconds total() const { return total_; }

 private:
    std::chrono::nanoseconds ignore_;
    SteadyTime wake_ = SteadyTime::max();
    std::chrono::nanoseconds total_{0};
};

/// How one probe was run.
struct RunConditions {
    std::chrono::nanoseconds start_lateness{0};  ///< from its slot to its start
    std::chrono::nanoseconds stalled{0};         ///< of our loop, while it ran
    std::chrono::nanoseconds elapsed{0};         ///< from its start to its result
    std::chrono::nanoseconds timeout{0};
};

/// The outcome, or prober_late in its place: when the probe failed, and it had started more than
/// `late_limit` late, or our loop stood still in the meantime, or the result came too long after
/// the timeout. The latter two count from late_limit or a quarter of the timeout, whatever is less:
/// 50 ms are much in a probe that has 100.
[[nodiscard]] ProbeOutcome doubt_if_late(const ProbeOutcome& outcome,
                                         const RunConditions& run,
                                         std::chrono::nanoseconds late_limit);

}  // namespace muster::checker
