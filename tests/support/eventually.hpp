#pragma once

#include <chrono>
#include <functional>

namespace muster::test {

/// How much longer things may take in this build: 1, more under a sanitizer.
[[nodiscard]] int slowdown();

/// Asks `condition` every few milliseconds until it holds (true) or `limit` x slowdown() has passed
/// (false). For tests that wait on real processes and servers; blocks the calling thread.
[[nodiscard]] bool eventually(std::chrono::nanoseconds limit,
                              const std::function<bool()>& condition);

/// CLOCK_MONOTONIC, for what a test notes down of the real world.
[[nodiscard]] std::chrono::nanoseconds monotonic_now();

/// Real time since its construction, for figures that a test prints or compares with its limits.
class Stopwatch {
 public:
    Stopwatch();
    [[nodiscard]] std::chrono::nanoseconds elapsed() const;

 private:
    std::chrono::steady_clock::time_point start_;
};

}  // namespace muster::test
