#pragma once

namespace muster::test {

/// 7 days of 15 s, a total and readings of 12 instances, with the fleet's model; beside it decide()
/// alone, of the same inputs, so many times.
void simulate_week();

}  // namespace muster::test
