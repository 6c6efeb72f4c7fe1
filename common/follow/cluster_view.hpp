#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"
#include "common/config/fleet_model.hpp"
#include "common/config/model.hpp"
#include "common/coordination/types.hpp"
#include "common/follow/mirror.hpp"
#include "common/znodes/paths.hpp"
#include "common/znodes/payloads.hpp"
#include "common/znodes/payloads_machines.hpp"
#include "common/znodes/payloads_scaling.hpp"
#include "common/znodes/traffic_shift.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster::follow {

/// A payload with the version under which it may be replaced.
template <class T>
struct Versioned {
    T value;
    std::int32_t version = 0;
    std::int64_t created_zxid = 0;
    SteadyTime received{};  ///< when this process learned of this version
    bool garbage =
        false;          ///< the znode holds something undecodable now; `value` is the last good one
    bool gone = false;  ///< the znode is not there now; `value` is the last good one
};

struct ShardView {
    bool made = false;  ///< its directory is there
    std::optional<Versioned<znodes::ShardMembers>> members;
    std::optional<Versioned<znodes::ShardStatus>> status;
    std::optional<std::int32_t> handoff_version;
};

struct GroupView {
    std::optional<Versioned<znodes::GroupHead>> head;
    std::shared_ptr<const config::GroupSpec>
        spec;  ///< of `spec_generation`; null until head and chunks are here
    std::int64_t spec_generation = 0;
    bool made = false;         ///< its directory is there
    bool shards_made = false;  ///< so is the one of its shards
    std::optional<Versioned<znodes::GroupIndex>> index;
    std::map<int, ShardView> shards;

    /// It is configured, not deleted, and its spec is known.
    [[nodiscard]] bool live() const { return head && !head->value.deleted && spec != nullptr; }
};

/// An LB's agent: of which fleet, beside which instance.
using AgentId = std::pair<FleetName, InstanceId>;

using GroupEvidence = std::map<std::string, Versioned<znodes::LbEvidence>>;
/// More LBs than that have no say: a bound, not a wish.
inline constexpr std::size_t max_evidence = 256;

/// As much of a GroupView as its configuration is.
struct FleetView {
    std::optional<Versioned<znodes::GroupHead>> head;
    std::shared_ptr<const config::FleetSpec>
        spec;  ///< of `spec_generation`; null until the head is here
    std::int64_t spec_generation = 0;

    /// It is configured, not deleted, and its spec is known.
    [[nodiscard]] bool live() const { return head && !head->value.deleted && spec != nullptr; }
};

/// A fleet whose LBs muster makes and removes. A record that vanishes without having come to its
/// end stays, as `gone`: LBs don't leave DNS because ZooKeeper has lost what it knew of them.
struct ManagedFleet {
    bool made = false;            ///< its directory is there
    bool instances_made = false;  ///< so are these
    bool hosts_made = false;
    std::optional<Versioned<znodes::FleetState>> state;
    std::optional<Versioned<znodes::FleetPause>> pause;
    std::map<InstanceId, Versioned<znodes::FleetInstanceRecord>> instances;
    std::map<NodeId, Versioned<znodes::HostMachines>> hosts;
};

/// An earlier generation of a group, of the history: read where a rollout names it.
struct EarlierGeneration {
    znodes::GroupHead head;
    std::shared_ptr<const config::GroupSpec> spec;  ///< null until its chunks are here
};

/// The mirrored tree, decoded: the one value that master, worker, API and dashboard read.
///
/// NONODE is never a deletion: a head, index, members, status, rollout or shifts that vanish leave
/// their last good value here (only a tombstone head ends a group or a fleet), and so does one that
/// turns into garbage. Members, assignments, acks and progress follow the tree, since their absence
/// has a meaning of its own.
struct ClusterView {
    std::optional<Versioned<znodes::Control>> control;
    std::optional<Versioned<znodes::Epoch>> epoch;
    std::map<NodeId, Versioned<znodes::Member>> members;
    std::map<NodeId, Versioned<znodes::Assignment>> assignments;
    std::map<NodeId, Versioned<znodes::Ack>> acks;
    std::map<NodeId, Versioned<znodes::Progress>> progress;
    std::map<GroupName, GroupView> groups;  ///< and those of LBs, instance_group.hpp
    std::map<FleetName, FleetView> fleets;
    std::map<FleetName, ManagedFleet> managed;
    std::optional<Versioned<znodes::ShardMap>> map;
    std::optional<Versioned<znodes::TrafficShifts>> shifts;
    std::map<std::string, std::string> chunks;    ///< hash -> bytes
    std::set<std::string> named_chunks;           ///< by the heads of `groups` and `earlier`
    std::map<std::string, std::string> problems;  ///< path -> what is wrong with its content
    std::map<AgentId, Versioned<znodes::AgentReport>> agents;
    std::map<GroupName, Versioned<znodes::Rollout>> rollouts;
    std::map<GroupName, std::map<std::int64_t, EarlierGeneration>> earlier;
    /// What LBs say of the backends of a group, by the names of their znodes.
    std::map<GroupName, GroupEvidence> evidence;
    std::vector<std::string>
        deferred;  ///< changed before `control` (and so the cluster's uuid) was known

    [[nodiscard]] std::string cluster() const {
        return control ? control->value.stamp.cluster : std::string{};
    }

    /// The node that acts on a shard (role own or drain in the document of a live incarnation), if
    /// any.
    [[nodiscard]] std::optional<NodeId> owner_of(const ShardId& shard) const;
};

/// What a set of changed paths touched: lets each reader skip what does not concern it.
struct ViewChange {
    SteadyTime read{};     ///< when
    bool control = false;  ///< control or epoch
    bool members = false;
    bool config = false;
    bool layout = false;  ///< index or members of shards
    bool status = false;
    bool assignments = false;  ///< assignments or map
    bool answers = false;      ///< acks
    bool progress = false;
    bool agents = false;
    bool rollouts = false;
    bool evidence = false;
    bool shifts = false;
    bool scaling = false;  ///< of ClusterView::managed
};

/// What the mirror reads and watches for this view.
[[nodiscard]] Interest interest_in(const znodes::Paths& paths, const std::string& path);
/// The same, without the chunks that only earlier heads name: there may be many times as many.
[[nodiscard]] Interest interest_in(const znodes::Paths& paths,
                                   const ClusterView& view,
                                   const std::string& path);

/// Takes the changed paths over. Decodes only those. Pure but for its arguments.
ViewChange apply(ClusterView& view,
                 const znodes::Paths& paths,
                 const Source& source,
                 const std::vector<std::string>& changed,
                 SteadyTime now);

}  // namespace muster::follow
