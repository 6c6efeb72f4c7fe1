#pragma once

#include "common/follow/cluster_view.hpp"
#include "orchestrator/election.hpp"
#include "orchestrator/scrape_targets.hpp"
#include "orchestrator/snapshot.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace muster::orchestrator {

/// What a snapshot shows besides the view: this node and its session at one moment.
struct SnapshotFacts {
    std::string cluster_name;
    SelfRow self;
    coordination::SessionStatus session;
    std::optional<Office> office;
    std::optional<SteadyTime> lease_until;
    std::shared_ptr<const DnsRow> dns;
    std::set<ShardId> unplaceable;  ///< as the master (this node) found out
    bool settled = false;           ///< all that there is was read
    std::shared_ptr<const ScalingNotes> scaling_notes;
    SteadyTime now{};
    WallTime wall{};
};

/// Turns the view into snapshots. Rebuilds only the groups in which something changed (the rest are
/// shared with the snapshot before), remembers each group's panic for its hysteresis, and keeps the
/// ring of events. Executor: the control executor.
class SnapshotBuilder {
 public:
    [[nodiscard]] std::shared_ptr<const Snapshot> build(const follow::ClusterView& view,
                                                        const SnapshotFacts& facts);

 private:
    struct KnownGroup {
        std::uint64_t signature = 0;
        std::shared_ptr<const GroupRow> row;
        bool ramping = false;  ///< its weights change with time alone (slow start)
    };
    struct Placement {
        NodeId owner;
        std::int64_t token = 0;
        bool draining = false;
        NodeId warming;
    };
    using Placements = std::map<ShardId, Placement>;

    [[nodiscard]] static Placements placements(const follow::ClusterView& view);
    KnownGroup build_group(const follow::ClusterView& view,
                           const follow::GroupView& group,
                           const Placements& where,
                           const SnapshotFacts& facts,
                           bool was_in_panic) const;

    std::shared_ptr<const Snapshot> last_;
    std::map<GroupName, KnownGroup> groups_;
    std::optional<MasterRow> master_;
    ScrapeTargets scrape_targets_;
};

}  // namespace muster::orchestrator
