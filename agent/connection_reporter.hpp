#pragma once

#include "agent/agent_metrics.hpp"
#include "agent/lb_counters.hpp"
#include "common/base/clock.hpp"
#include "common/config/fleet_model.hpp"
#include "common/znodes/payloads.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace muster::agent {

/// Is it worth a write to ZooKeeper, beside what was told last? Hundreds of LBs have numbers that
/// change all the time; what they are for is to choose who leaves, roughly, and to see the end of
/// a drain, exactly. Pure.
///
/// | the LB | told                                                                             |
/// |--------|----------------------------------------------------------------------------------|
/// | leaves | each other number (the registration writes once a second at most); the same      |
/// |        | every 5 s, so that its age shows that it still holds                             |
/// | stays  | a number that has doubled or halved, come from 0 or gone to it, every 30 s at    |
/// |        | most; any every 5 minutes: 300 LBs write at most 10 times a second, and once     |
/// |        | while nothing happens                                                            |
[[nodiscard]] bool is_news(const std::optional<znodes::OpenConnections>& told,
                           std::int64_t open,
                           WallTime now,
                           bool leaves);

/// Counts the connections of an LB. Executor: the agent's.
class ConnectionReporter {
 public:
    ConnectionReporter(Clock& clock, LbCounterSource& counters, AgentMetrics& metrics)
        : clock_(clock), counters_(counters), metrics_(metrics) {}

    /// What to tell, if anything. To be called every second; it counts that often only while the
    /// LB leaves. What can't be counted isn't told: it grows old.
    [[nodiscard]] asio::awaitable<std::optional<znodes::OpenConnections>> look(
        std::vector<config::Listener> listeners, bool leaves);

 private:
    Clock& clock_;
    LbCounterSource& counters_;
    AgentMetrics& metrics_;
    std::optional<SteadyTime> counted_;
    std::optional<znodes::OpenConnections> told_;
};

}  // namespace muster::agent
