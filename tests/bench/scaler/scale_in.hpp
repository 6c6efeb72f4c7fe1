#pragma once

namespace muster::test {

/// A fleet shrinks from 4 to 2 and grows again under 5,000 requests a second of clients that follow
/// DNS, and no request may fail while it shrinks; then two LBs are taken away at once, as by an
/// autoscaler that doesn't drain. MUSTER_BENCH_RATE (5000).
void scale_in();

}  // namespace muster::test
