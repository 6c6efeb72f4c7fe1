#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"
#include "common/config/fleet_model.hpp"
#include "common/config/model.hpp"
#include "common/coordination/types.hpp"
#include "common/znodes/payloads.hpp"
#include "common/znodes/payloads_scaling.hpp"
#include "common/znodes/rotation.hpp"
#include "common/znodes/traffic_shift.hpp"
#include "dnsupdate/updater_status.hpp"
#include "orchestrator/scaling_alarms.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// What one node knows of its cluster, as the API and the dashboard show it: plain values, built
// whole by the control thread (at each change, and at least once a second) and never changed after.
// Texts are UTF-8 and may be hostile. Times are absolute, so a view that nobody renews ages by
// itself.
namespace muster::orchestrator {

struct MasterRow {
    NodeId node;
    std::int64_t epoch = 0;
    WallTime since{};
    std::string api_address;
    bool operator==(const MasterRow&) const = default;
};

struct ClusterRow {
    std::string uuid;  ///< empty: no complete view of the cluster yet
    std::string name;
    std::int64_t era = 0;
    znodes::Pause pause;
    std::optional<MasterRow> master;
    bool operator==(const ClusterRow&) const = default;
};

/// This node's session.
struct SessionRow {
    coordination::SessionState state = coordination::SessionState::connecting;
    std::string server;                     ///< host:port that it talks to; may be empty
    std::optional<SteadyTime> confirmed;    ///< send time of the last heartbeat that was answered
    std::optional<SteadyTime> lease_until;  ///< set while this node is master
    bool operator==(const SessionRow&) const = default;
};

/// This node.
struct SelfRow {
    NodeId node;
    std::string incarnation;
    std::string version;  ///< "0.1.0"
    std::string build;    ///< commit
    std::string zone;
    WallTime started{};
    bool is_master = false;
    bool paused = false;  ///< by an operator, on this node alone
    std::string pause_reason;
    bool leaving = false;  ///< drains before its end
    bool doubt = false;
    bool operator==(const SelfRow&) const = default;
};

struct NodeRow {
    NodeId id;
    std::string incarnation;
    std::string zone;
    int capacity = 100;
    std::string build;
    std::string api_address;
    std::string peer_address;
    bool doubt = false;
    bool draining = false;
    int shards = 0;    ///< that it owns
    int warm = 0;      ///< that it gets ready to take over
    int backends = 0;  ///< in the shards that it owns
    bool operator==(const NodeRow&) const = default;
};

struct BackendRow {
    BackendId id;  ///< what else its configuration says: GroupRow::configured()
    int weight = 100;
    config::Admin admin = config::Admin::active;
    znodes::Letter verdict = znodes::Letter::unknown;
    WallTime since{};    ///< of the verdict; the epoch while there is none
    std::string reason;  ///< code of the last result that counted ("L4CON"); may be empty
    int successes = 0;   ///< consecutive, pending towards rise
    int failures = 0;    ///< consecutive, pending towards fall
    int penalty = 0;     ///< of flap damping, as of `since`
    SharedValue<znodes::Intents> intents;  ///< what it wants for itself
    SharedValue<znodes::Ejection> ejection;
    bool in_rotation = false;
    int rotation_weight = 0;
    znodes::RotationReason rotation_reason = znodes::RotationReason::healthy;
    int shard = -1;  ///< -1: no slot yet
    bool operator==(const BackendRow&) const = default;
};

struct ShardRow {
    int number = 0;
    NodeId owner;  ///< empty: nobody probes it
    bool draining = false;
    NodeId warming;  ///< empty: nobody gets ready to take it over
    std::int64_t owner_token = 0;
    int layout = 1;
    std::int64_t sequence = 0;  ///< of its status
    WallTime status_time{};     ///< when the status was written; the epoch: never
    WallTime progress_time{};   ///< when the last complete pass began; the epoch: none known
    int backends = 0;
    bool doubt = false;  ///< said by the status
    bool operator==(const ShardRow&) const = default;
};

/// A group with all that belongs to it. Immutable and shared: a group in which nothing changed
/// should be the same object in the next snapshot, then it costs nothing to build or to compare.
struct GroupRow {
    std::shared_ptr<const config::GroupSpec> spec;  ///< never null
    std::string uid;
    std::int64_t generation = 0;
    std::string author;
    WallTime changed{};
    bool panic = false;
    int healthy_percent = 100;
    std::vector<std::string> notes;    ///< sentences: what its newest generation still waits for
    std::vector<BackendRow> backends;  ///< sorted by id
    std::vector<ShardRow> shards;      ///< sorted by number

    [[nodiscard]] const GroupName& name() const { return spec->name; }
    [[nodiscard]] const BackendRow* backend(const BackendId& id) const;
    /// Null: it has none of that id.
    [[nodiscard]] const config::Backend* configured(const BackendId& id) const;
    [[nodiscard]] const ShardRow* shard(int number) const;
    [[nodiscard]] bool operator==(const GroupRow& other) const;  ///< compares specs by value
};

struct FleetRow {
    std::shared_ptr<const config::FleetSpec> spec;  ///< never null
    std::string uid;
    std::int64_t generation = 0;
    std::string author;
    WallTime changed{};
    std::vector<std::string> notes;  ///< sentences: what it leads to, and is not there

    [[nodiscard]] const FleetName& name() const { return spec->name; }
};

/// How far an LB is with one of its groups.
struct AgentGroupRow {
    GroupName name;
    std::int64_t generation = 0;  ///< applied; 0: none
    std::int64_t newest = 0;
    bool operator==(const AgentGroupRow&) const = default;
};

/// An LB, as its agent tells.
struct AgentRow {
    FleetName fleet;
    InstanceId instance;
    std::string address;
    std::string lb;  ///< its kind
    std::string build;
    bool accepting = false;
    std::int64_t fleet_generation = 0;         ///< applied
    std::int64_t newest_fleet_generation = 0;  ///< 0: there is no such fleet
    std::vector<AgentGroupRow> groups;         ///< of its fleet, sorted by name
    WallTime status_time{};                    ///< of the newest status applied
    WallTime reported{};
    std::vector<std::string> behind;  ///< sentences: what it has not applied
    WallTime behind_since{};          ///< the time of the oldest of that; the epoch: nothing
    std::string error;                ///< why; empty: nothing is wrong
    bool operator==(const AgentRow&) const = default;
};

/// What Prometheus shall scrape of an LB.
struct ScrapeTarget {
    FleetName fleet;
    InstanceId instance;
    std::string exporter;  ///< "agent", "lb"
    std::string address;   ///< host:port
    bool operator==(const ScrapeTarget&) const = default;
};

/// A decision, as short as it can be.
struct ScalingTick {
    WallTime at{};
    int was = 0;
    int wanted = 0;  ///< by the metrics, before anything held it back
    int size = 0;
    bool operator==(const ScalingTick&) const = default;
};
inline constexpr std::size_t max_scaling_ticks = 240;

/// What the master's scaler makes of a fleet.
struct FleetScalingNotes {
    std::vector<std::string> says;   ///< sentences: what holds now, and what is waited for
    std::string refused;             ///< why nothing is done at all; empty: nothing is in the way
    WallTime decided{};              ///< the tick of the last decision; the epoch: none
    std::string decision;            ///< JSON (scaler/explain.hpp); empty: none
    ScalingAlarms alarms;            ///< of that decision
    std::vector<ScalingTick> ticks;  ///< of this term, oldest first; the newest ones
    bool operator==(const FleetScalingNotes&) const = default;
};
using ScalingNotes = std::map<FleetName, FleetScalingNotes>;

/// An LB that muster makes.
struct MachineRow {
    InstanceId id;
    std::string phase;  ///< znodes::InstancePhase
    WallTime since{};
    std::string host;     ///< a node; empty: the provider's choice
    std::string address;  ///< empty: not known yet
    std::string reason;
    bool leaves = false;  ///< it is to go, or goes
    bool operator==(const MachineRow&) const = default;
};

/// What is being done to a fleet.
struct ScalingIntentRow {
    std::vector<InstanceId> making;
    std::vector<InstanceId> leaving;
    WallTime started{};
    WallTime deadline{};  ///< until then it should be done
    bool operator==(const ScalingIntentRow&) const = default;
};

/// A fleet that sizes itself, as the tree has it.
struct ScalingRow {
    bool shadow = false;
    int min = 0;
    int max = 0;
    int others = 0;  ///< of a fleet in shadow: its LBs that people run
    /// When all that a decision needs was known last. Never: since when it is to be.
    WallTime informed{};
    bool begun = false;  ///< else nothing of the following is known
    int target = 0;
    std::int64_t generation = 0;
    std::string under_way;     ///< "out", "in", "replace"; empty: nothing
    znodes::FleetPause pause;  ///< its time may be over
    std::optional<ScalingIntentRow> intent;
    int creates_failed = 0;    ///< in a row
    WallTime creates_again{};  ///< nothing is created before: creates have failed; the epoch: none
    std::vector<MachineRow> machines;  ///< sorted by id
    bool operator==(const ScalingRow&) const = default;
};

/// What the master's dnsupdate does, and what this node's view says should be published.
struct DnsRow {
    std::vector<std::string> zones;
    std::vector<dnsupdate::UpdaterStatus> stores;  ///< empty: this node is not master
};

/// "host:port", and the zone; empty for none.
[[nodiscard]] std::string address_of(const config::Backend* configured);
[[nodiscard]] std::string zone_of(const config::Backend* configured);

enum class EventKind {
    health_changed,
    rotation_changed,
    panic_changed,
    master_changed,
    shard_moved,
    member_joined,
    member_left,
    member_changed,
    config_applied,
    group_removed,
    fleet_removed,
    pause_changed,
    session_changed,
    traffic_shifted,
};
[[nodiscard]] std::string_view to_string(EventKind kind);

/// Something that happened, as this node saw it.
struct Event {
    std::int64_t id = 0;  ///< counts up within one process; 0 = not yet in a ring
    WallTime time{};
    EventKind kind = EventKind::health_changed;
    std::string text;  ///< one sentence for people
    std::map<std::string, std::string> fields;
    bool operator==(const Event&) const = default;
};

inline constexpr std::size_t max_kept_events = 500;

struct Snapshot {
    std::int64_t number = 0;  ///< + 1 with each snapshot of this process
    SteadyTime built{};       ///< shows that the control loop comes round
    WallTime time{};          ///< the same moment
    ClusterRow cluster;
    SessionRow session;
    SelfRow self;
    std::vector<NodeRow> nodes;                           ///< sorted by id
    std::vector<std::shared_ptr<const GroupRow>> groups;  ///< sorted by name, never null
    std::vector<FleetRow> fleets;                         ///< sorted by name
    std::vector<AgentRow> agents;                         ///< sorted by fleet and instance
    std::map<FleetName, ScalingRow> scaling;              ///< of fleets that size themselves
    std::shared_ptr<const ScalingNotes> notes;            ///< null: this node is not master
    /// Of LBs, in the same order. Nothing: not all of the tree was read yet.
    std::optional<std::vector<ScrapeTarget>> scrape_targets;
    std::shared_ptr<const DnsRow> dns;                   ///< null: this node's settings have none
    std::map<std::string, znodes::TrafficShift> shifts;  ///< by the names that they are of
    std::shared_ptr<const std::vector<Event>> events;    ///< oldest first; null = none

    [[nodiscard]] const GroupRow* group(const GroupName& name) const;
    [[nodiscard]] const FleetRow* fleet(const FleetName& name) const;
    [[nodiscard]] const NodeRow* node(const NodeId& id) const;
};

/// What the backend is doing: the operator's word, else the verdict.
enum class BackendState { up, down, degraded, unknown, drain, maintenance };
inline constexpr std::size_t backend_states = 6;
[[nodiscard]] BackendState state_of(const BackendRow& backend);
[[nodiscard]] std::string_view to_string(BackendState state);

}  // namespace muster::orchestrator
