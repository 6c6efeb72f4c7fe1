#pragma once

#include <chrono>
#include <cstdint>
#include <iterator>
#include <vector>

namespace muster::checker {

/// Upper bounds of the lateness histogram, inclusive.
inline constexpr std::chrono::microseconds lateness_bounds[] = {std::chrono::microseconds(1000),
                                                                std::chrono::microseconds(2500),
                                                                std::chrono::microseconds(5000),
                                                                std::chrono::microseconds(10000),
                                                                std::chrono::microseconds(20000),
                                                                std::chrono::microseconds(50000),
                                                                std::chrono::microseconds(100000),
                                                                std::chrono::microseconds(250000),
                                                                std::chrono::microseconds(1000000)};

struct EngineCounters {
    std::uint64_t started = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t inconclusive = 0;
    /// Began late, or came to nothing for want of ports, descriptors, memory or time.
    std::uint64_t shortages = 0;
    std::uint64_t deduplicated = 0;  ///< results that served more than one check: the extra ones
    std::uint64_t late_starts = 0;   ///< began more than late_limit after their slot
    std::uint64_t skipped_slots =
        0;  ///< slots passed over because the check before was still running or we were late
    /// Of starts, by lateness_bounds, and all above at the end.
    std::vector<std::uint64_t> lateness =
        std::vector<std::uint64_t>(std::size(lateness_bounds) + 1);
    std::chrono::nanoseconds lateness_sum{0};
    std::chrono::nanoseconds stalled{0};  ///< time by which our loop came round late
};

/// Adds up what several engines counted.
[[nodiscard]] EngineCounters operator+(EngineCounters left, const EngineCounters& right);

/// Puts one start into the histogram.
void count_lateness(EngineCounters& counters, std::chrono::nanoseconds lateness);

}  // namespace muster::checker
