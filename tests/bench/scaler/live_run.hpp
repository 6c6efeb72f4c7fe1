#pragma once

namespace muster::test {

/// Real musterds and a real Prometheus, whose exporter's load follows a curve, size a fleet at
/// ticks of 1 s for MUSTER_LIVE_MINUTES (1); masters are killed at times. What they have recorded
/// is replayed by musterctl: each decision must be the same to the byte.
void live_run();

}  // namespace muster::test
