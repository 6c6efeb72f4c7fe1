#pragma once

#include <chrono>
#include <cstddef>

namespace muster::test {

/// A fleet at 2 s on three nodes: cadence and completeness by the backends' own record, what it
/// costs, then half of the fleet fails at once. Prints its figures and metrics.
void measure_load(std::size_t backends, std::chrono::seconds watch);

}  // namespace muster::test
