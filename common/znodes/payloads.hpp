#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"
#include "common/base/result.hpp"
#include "common/znodes/ejection.hpp"
#include "common/znodes/intent.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// What our znodes hold (DESIGN.md, section 4), as values; `encode` to small readable JSON, `decode`
// from bytes that may be anything. A decoder never throws, bounds what it accepts, and refuses
// another format version or another cluster's payload (Errc). Equal values have equal bytes. Fields
// that a newer build added are ignored. What it looks like: tests/znodes/payloads_test.cpp,
// ReadLikeThis. Pure.
namespace muster::znodes {

enum class Errc {
    malformed = 1,  ///< not the JSON that this znode holds
    other_format,   ///< a format version that this build does not read
    other_cluster,  ///< written for another cluster's uuid
    out_of_bounds,  ///< a number, text or list over its limit
};
const std::error_category& category();
inline std::error_code make_error_code(Errc code) {
    return {static_cast<int>(code), category()};
}

inline constexpr int format_version = 1;

/// Opens every payload: whose it is, and who wrote it by which authority. An unknown outcome is
/// resolved by reading the node and comparing (token, writer, sequence).
struct Stamp {
    std::string cluster;  ///< cluster uuid
    std::int64_t token =
        0;               ///< the guard's version under which it was written: E, A; 0 for API writes
    std::string writer;  ///< node id, or the API user
    std::int64_t sequence = 0;  ///< counts up for each writer
    bool operator==(const Stamp&) const = default;
};

struct Epoch {
    Stamp stamp;
    NodeId node;
    std::string nonce;
    bool operator==(const Epoch&) const = default;
};

struct Pause {
    bool all = false;
    bool scaling = false;
    bool dns = false;
    bool status = false;
    bool operator==(const Pause&) const = default;
};

struct Control {
    Stamp stamp;  ///< stamp.cluster is the cluster's uuid: the one place where it is born
    std::int64_t era = 1;
    Pause pause;
    bool operator==(const Control&) const = default;
};

struct Candidate {
    Stamp stamp;
    NodeId node;
    std::string incarnation;
    std::string address;
    bool operator==(const Candidate&) const = default;
};

struct Member {
    Stamp stamp;
    NodeId node;
    std::string incarnation;  ///< new with each process
    std::string api_address;  ///< host:port; may be empty
    std::string peer_address;
    std::string zone;
    int capacity = 100;               ///< relative share of the probing load
    std::vector<std::string> probes;  ///< probe kinds that it can run, sorted
    std::string build;
    int protocol = 1;
    bool doubt = false;  ///< it distrusts its own verdicts
    bool drain = false;  ///< it wants to leave: give it nothing, move its shards away
    std::vector<std::string> providers{};  ///< of LBs, that its settings have; sorted
    bool operator==(const Member&) const = default;
};

/// `config/group/<name>`, and `config/fleet/<name>`. A deletion is a tombstone head.
struct GroupHead {
    Stamp stamp;
    std::string uid;  ///< of this group's life; a re-created group has another
    std::int64_t generation = 0;
    std::string spec;  ///< canonical JSON of the spec; of a group without its backends
    std::vector<std::string> chunks;  ///< of a group: hashes, in order
    std::string author;
    WallTime time{};
    bool deleted = false;
    bool operator==(const GroupHead&) const = default;
};

enum class Role { warm, own, drain };

struct AssignedShard {
    ShardId shard;
    Role role = Role::own;
    std::int64_t move = 0;  ///< id of the planned move that it is part of; 0 = none
    bool operator==(const AssignedShard&) const = default;
};

/// `assignment/<node>`; its version A is the node's fencing token.
struct Assignment {
    Stamp stamp;
    std::string incarnation;            ///< of the process that may act on it
    std::vector<AssignedShard> shards;  ///< sorted by shard
    bool operator==(const Assignment&) const = default;
};

struct ShardMap {
    Stamp stamp;
    std::map<ShardId, NodeId> owners;
    bool operator==(const ShardMap&) const = default;
};

enum class Answer { ready, drained };

struct AckEntry {
    ShardId shard;
    std::int64_t move = 0;
    Answer answer = Answer::ready;
    bool operator==(const AckEntry&) const = default;
};

struct Ack {
    Stamp stamp;
    std::vector<AckEntry> answers;
    bool operator==(const Ack&) const = default;
};

/// `progress/<node>`: how long ago, when written, the last complete pass over each owned shard
/// began.
struct Progress {
    Stamp stamp;
    WallTime time{};
    std::map<ShardId, std::chrono::milliseconds> pass_age;
    bool operator==(const Progress&) const = default;
};

struct GroupIndex {
    Stamp stamp;
    std::string group_uid;
    int layout = 1;
    int shards = 0;
    int shard_size = 0;
    bool operator==(const GroupIndex&) const = default;
};

struct Slot {
    BackendId backend;
    std::string address;  ///< "host:port"
    bool tombstone = false;
    bool listed = false;  ///< an LB: its fleet's spec named it when this was written
    bool operator==(const Slot&) const = default;
};

struct ShardMembers {
    Stamp stamp;
    std::string group_uid;
    int layout = 1;
    std::vector<Slot> slots;  ///< index = slot number; only grows within one layout
    bool operator==(const ShardMembers&) const = default;
};

/// One letter a slot.
enum class Letter : char { unknown = '?', up = 'U', down = 'D', degraded = 'G' };

/// What a letter alone doesn't say. Present for every slot that is not plainly UP, and for recent
/// changes.
struct SlotDetail {
    WallTime since{};    ///< when the verdict was reached
    int successes = 0;   ///< consecutive, pending towards rise
    int failures = 0;    ///< consecutive, pending towards fall
    std::string reason;  ///< reason code of the last result that counted ("L4CON")
    int penalty = 0;     ///< of flap damping, in thousandths of a fall, as of `since`
    SharedValue<Intents> intents;
    SharedValue<Ejection> ejection;  ///< in a status; a handoff needs none
    bool operator==(const SlotDetail&) const = default;
};

struct ShardStatus {
    Stamp stamp;  ///< token is A
    std::string group_uid;
    int layout = 1;
    WallTime time{};
    bool doubt = false;
    std::vector<Letter>
        letters;  ///< by slot; may be shorter than the members' slots (newer slots: unknown)
    std::map<int, SlotDetail> details;
    bool operator==(const ShardStatus&) const = default;
};

/// `groups/<g>/shards/<k>/handoff`: what an heir needs beyond the status to go on as if nothing
/// happened.
struct Handoff {
    Stamp stamp;
    std::int64_t move = 0;
    int layout = 1;
    std::map<int, SlotDetail> counters;
    bool operator==(const Handoff&) const = default;
};

/// Of clients, at an LB's listeners. Of old: who needs to know how many, looks at the time.
struct OpenConnections {
    std::int64_t open = 0;
    WallTime counted{};  ///< by the clock of the LB's host
    bool operator==(const OpenConnections&) const = default;
};

/// `agents/<fleet>/<instance>`: what an LB's agent has done with what it was told.
struct AgentReport {
    Stamp stamp;
    FleetName fleet;
    InstanceId instance;
    std::string incarnation;  ///< new with each process
    std::string address;      ///< at which the LB is reached; may be empty
    std::string build;
    std::string lb;                     ///< "haproxy", "nginx", "envoy"
    bool accepting = false;             ///< the LB's process answers and accepts connections
    WallTime time{};                    ///< of this report
    std::int64_t fleet_generation = 0;  ///< applied; 0: none
    std::map<GroupName, std::int64_t> generations;  ///< applied, of its groups
    WallTime status_time{};                         ///< of the newest status applied
    std::string error;  ///< why it has not applied what it should; empty: it has
    /// Where Prometheus finds "/metrics" of the "agent" and of the "lb": host:port.
    std::map<std::string, std::string> exporters;
    std::optional<OpenConnections> connections{};  ///< absent: this kind of LB doesn't tell
    bool operator==(const AgentReport&) const = default;
};

enum class WaveVerdict {
    waiting,   ///< its members are on the stable generation
    watching,  ///< they are on the candidate, and are being looked at
    passed,
    failed,  ///< and so the candidate: everybody goes back
};

struct RolloutWave {
    std::map<FleetName, std::set<InstanceId>> members;
    WaveVerdict verdict = WaveVerdict::waiting;
    WallTime time{};     ///< of the verdict
    std::string reason;  ///< of the verdict, for people; may be cut
    bool operator==(const RolloutWave&) const = default;
};

/// `rollouts/<group>`: which generation of the group an LB is to apply (znodes/rollout.hpp).
struct Rollout {
    Stamp stamp;
    std::string group_uid;  ///< of the group's life that it is about
    std::int64_t stable = 1;
    std::int64_t candidate = 1;      ///< not before `stable`; equal: nothing is under way
    std::vector<RolloutWave> waves;  ///< in their order
    bool released = false;           ///< every LB applies the newest generation, as without this
    bool operator==(const Rollout&) const = default;
};

inline constexpr std::size_t max_rollout_reason = 250;

/// A backend that fails for an LB's own traffic.
struct Outlier {
    BackendId backend;
    OutlierSign sign = OutlierSign::consecutive_5xx;
    int failed = 0;            ///< answers, when this was found last
    int answers = 0;           ///< of so many
    std::int64_t finding = 1;  ///< its number; another one: found again
    bool operator==(const Outlier&) const = default;
};

inline constexpr std::size_t max_outliers = 64;
inline constexpr std::size_t max_evidence_bytes = 16UZ << 10U;

/// `evidence/<group>/<fleet>:<instance>`: what an LB's counters say of a group's backends. Not
/// there when they say nothing.
struct LbEvidence {
    Stamp stamp;
    FleetName fleet;
    InstanceId instance;
    std::string incarnation;  ///< of the agent; with another one `finding` counts anew
    std::string group_uid;
    int seen = 0;   ///< backends that it had answers from, or failures of, in the last interval
    int found = 0;  ///< outliers, also those for which there is no room here
    std::vector<Outlier> outliers;  ///< sorted by backend; the worst, if there are too many
    bool operator==(const LbEvidence&) const = default;
};

/// One record of a name, by its member id.
struct DnsRecordKept {
    std::string address;
    int port = 0;
    int priority = 0;
    int weight = 0;
    bool operator==(const DnsRecordKept&) const = default;
};

struct DnsSetKept {
    std::chrono::seconds ttl{0};
    std::map<std::string, DnsRecordKept> members;
    bool operator==(const DnsSetKept&) const = default;
};

/// Of a store of DNS records: what the next master has to know to trust it.
struct DnsStore {
    bool born = false;          ///< it holds our fence, or has lost it
    std::int64_t revision = 0;  ///< the highest that a master has noted; of etcd
    std::int64_t term = 0;      ///< in which that was
    std::map<std::string, DnsSetKept> last_good{};  ///< by name: what was proven to serve
    /// Seconds: the longest TTL of what was published and may be in caches. Unknown: the longest
    /// that can be configured.
    std::int64_t longest_ttl = 3'600;
    bool operator==(const DnsStore&) const = default;
};

/// `dns/state`: one for each store ("etcd", "rfc2136:192.0.2.53:53:example.org").
struct DnsState {
    Stamp stamp;  ///< token is E
    std::map<std::string, DnsStore> stores;
    bool operator==(const DnsState&) const = default;
};

inline constexpr std::size_t max_audit_text = 250;

/// `audit/e-<seq>`: one change that someone made through an API.
struct AuditEntry {
    Stamp stamp;  ///< the writer is the node that was asked
    WallTime time{};
    std::string author;           ///< as the caller says
    std::string origin;           ///< as the node knows: by which right, and from which address
    std::string action;           ///< "created", "changed", "removed", "paused"
    std::string object;           ///< a group's name, "fleet/<name>"; empty: the cluster
    std::int64_t generation = 0;  ///< after it; 0: there is none
    std::string detail;           ///< what changed, in words; may be cut
    bool operator==(const AuditEntry&) const = default;
};

inline constexpr std::size_t max_payload_bytes = 256UZ << 10U;

/// A status and a handoff are at most this long, whatever backends say of themselves: there is room
/// for the guard and the paths in the request of 256 KiB that writes them.
inline constexpr std::size_t max_status_bytes = 240UZ << 10U;

[[nodiscard]] std::string encode(const Epoch&);
[[nodiscard]] std::string encode(const Control&);
[[nodiscard]] std::string encode(const Candidate&);
[[nodiscard]] std::string encode(const Member&);
[[nodiscard]] std::string encode(const GroupHead&);
[[nodiscard]] std::string encode(const Assignment&);
[[nodiscard]] std::string encode(const ShardMap&);
[[nodiscard]] std::string encode(const Ack&);
[[nodiscard]] std::string encode(const Progress&);
[[nodiscard]] std::string encode(const GroupIndex&);
[[nodiscard]] std::string encode(const ShardMembers&);
[[nodiscard]] std::string encode(const ShardStatus&);
[[nodiscard]] std::string encode(const Handoff&);
[[nodiscard]] std::string encode(const AuditEntry&);
[[nodiscard]] std::string encode(const AgentReport&);
[[nodiscard]] std::string encode(const Rollout&);
[[nodiscard]] std::string encode(const LbEvidence&);
[[nodiscard]] std::string encode(const DnsState&);

/// T is one of the payloads above. `cluster` is ours; empty = any. `Control` is never refused for
/// it: that is where the uuid is born, so its reader compares.
template <class T>
[[nodiscard]] Result<T> decode(std::string_view bytes, std::string_view cluster);

}  // namespace muster::znodes

template <>
struct std::is_error_code_enum<muster::znodes::Errc> : std::true_type {};
