#pragma once

namespace muster::test {

/// Real musterds and a real Prometheus, whose exporter's load follows a curve, size a fleet at
/// ticks of 1 s for MUSTER_LIVE_MINUTES (1; 30 is the run that counts); masters are killed at
/// times. What they have recorded is replayed by musterctl: each decision must be the same to the
/// byte, and a killed master may cost one tick at most. How many were decided and not kept in the
/// tree is told.
void live_run();

}  // namespace muster::test
