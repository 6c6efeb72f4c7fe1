#pragma once

#include "tests/fencing/schedules.hpp"

#include <cstddef>
#include <cstdint>

namespace muster::fencing {

/// The same on whole clusters of real processes: changes of the fleet's health whose writes the
/// network keeps, then the master is stopped (SIGSTOP) or killed, another one takes office, what
/// was kept is released, and the old one wakes. Throws std::runtime_error, with the logs, when the
/// cluster does not do its work in time.
[[nodiscard]] Tally run_cluster_schedules(std::size_t count, std::uint32_t seed);

}  // namespace muster::fencing
