#pragma once

#include <cstddef>
#include <cstdint>

namespace muster::stale {

/// Runs that many complete schedules against real servers and prints their figures and metrics
/// (stale_writes_attempted, stale_writes_accepted, ...). False when a stale write was accepted,
/// when ZooKeeper's log shows any other write without right, or when too few schedules were
/// complete.
[[nodiscard]] bool measure_stale_writes(std::size_t schedules, std::uint64_t seed);

}  // namespace muster::stale
