#pragma once

#include "orchestrator/scale_duty.hpp"
#include "orchestrator/snapshot_builder.hpp"
#include "tests/sim/world.hpp"

#include <memory>
#include <string>

namespace muster::sim {

/// What a node's process has besides SimNode: the scaling duty, fed as orchestrator/daemon.cpp
/// feeds it.
class ScalingNode {
 public:
    ScalingNode(World& world, SimNode& node, orchestrator::ScaleDutySettings settings);

    /// Before the node is taken away.
    void end();
    /// Null: none yet.
    [[nodiscard]] const std::shared_ptr<const orchestrator::Snapshot>& snapshot() const {
        return snapshot_;
    }

 private:
    asio::awaitable<void> publish();

    World& world_;
    SimNode& node_;
    orchestrator::SnapshotBuilder builder_;
    std::shared_ptr<const orchestrator::Snapshot> snapshot_;
    std::unique_ptr<orchestrator::ScaleDuty> duty_;
    TaskGroup tasks_;
};

/// Writes the fleet as the API does.
void apply_fleet(World& world, const std::string& document);

}  // namespace muster::sim
