#pragma once

namespace muster::test {

/// 7 virtual days (MUSTER_WEEK_HOURS: fewer) through the real shells on a virtual clock, 40,320
/// ticks of 15 s, the master killed every 6 hours: all that was recorded is decided again.
void live_week();

}  // namespace muster::test
