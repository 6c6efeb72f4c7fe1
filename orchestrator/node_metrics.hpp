#pragma once

#include "checker/engine.hpp"
#include "common/observe/metrics.hpp"
#include "orchestrator/agent_gauges.hpp"
#include "orchestrator/dns_gauges.hpp"
#include "orchestrator/node.hpp"
#include "orchestrator/scaling_gauges.hpp"
#include "orchestrator/snapshot.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// What a node exports (docs/operations.md lists the names). Fed once a second from the same values
/// that the API shows. Thread: the control thread feeds, any thread reads the registry.
class NodeMetrics {
 public:
    explicit NodeMetrics(metrics::Registry& registry);

    void take(const Snapshot& snapshot);
    void take(const Node& node);
    void take(const checker::EngineCounters& counters);
    /// Any thread.
    void config_took(std::chrono::nanoseconds span) {
        config_took_.Set(std::chrono::duration<double>(span).count());
    }

 private:
    /// A counter that follows a number which only grows.
    class Follower {
     public:
        explicit Follower(metrics::Counter& counter) : counter_(&counter) {}
        void follow(std::uint64_t value);

     private:
        metrics::Counter* counter_;
        std::uint64_t last_ = 0;
    };

    metrics::Registry& registry_;
    metrics::Gauge& leader_;
    metrics::Gauge& epoch_;
    metrics::Gauge& session_connected_;
    metrics::Gauge& session_age_;
    metrics::Gauge& nodes_;
    metrics::Gauge& shards_owned_;
    metrics::Gauge& problems_;
    metrics::Gauge& paused_;
    metrics::Gauge& doubt_;
    metrics::Gauge& config_took_;
    Follower status_writes_;
    Follower status_transactions_;
    Follower writes_fenced_off_;
    Follower questions_;
    Follower falls_confirmed_;
    Follower falls_refused_;
    Follower outlier_probes_;
    Follower outlier_ejections_;
    metrics::Gauge& outliers_ejected_;
    Follower plans_;
    Follower control_transactions_;
    Follower probes_started_;
    Follower probes_succeeded_;
    Follower probes_failed_;
    Follower probes_inconclusive_;
    Follower probe_shortages_;
    Follower probes_deduplicated_;
    Follower probes_skipped_;
    metrics::Histogram& lateness_;
    std::vector<std::uint64_t> lateness_seen_;
    double lateness_sum_ = 0;
    std::map<std::string, std::map<std::string, metrics::Gauge*>> backends_;  ///< group -> state
    std::map<std::string, metrics::Gauge*> panic_;
    AgentGauges agents_{registry_};
    ScalingGauges scaling_{registry_};
    DnsGauges dns_{registry_};
};

}  // namespace muster::orchestrator
