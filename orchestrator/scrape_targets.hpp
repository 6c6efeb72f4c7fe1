#pragma once

#include "common/follow/cluster_view.hpp"
#include "orchestrator/snapshot.hpp"

#include <map>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// Where the exporters of all LBs are, as their agents tell. An LB whose agent is gone (it is being
/// started again, or ZooKeeper has lost its session) keeps its place for as long as it is a member
/// of its fleet: Prometheus takes what vanishes from the list for gone at once, and a sum over the
/// fleet would shrink. Executor: the builder's of snapshots.
class ScrapeTargets {
 public:
    [[nodiscard]] std::vector<ScrapeTarget> update(const follow::ClusterView& view);

 private:
    std::map<follow::AgentId, std::map<std::string, std::string>> known_;
};

}  // namespace muster::orchestrator
