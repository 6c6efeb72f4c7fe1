#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"
#include "common/base/result.hpp"
#include "common/znodes/intent.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
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
    bool operator==(const Member&) const = default;
};

/// `config/group/<name>`. A deletion is a tombstone head.
struct GroupHead {
    Stamp stamp;
    std::string uid;  ///< of this group's life; a re-created group has another
    std::int64_t generation = 0;
    std::string spec;                 ///< canonical JSON of the spec without its backends
    std::vector<std::string> chunks;  ///< hashes, in order
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
    SharedValue<LeasedIntent> intent;
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

inline constexpr std::size_t max_audit_text = 250;

/// `audit/e-<seq>`: one change that someone made through an API.
struct AuditEntry {
    Stamp stamp;  ///< the writer is the node that was asked
    WallTime time{};
    std::string author;           ///< as the caller says
    std::string origin;           ///< as the node knows: by which right, and from which address
    std::string action;           ///< "created", "changed", "removed", "paused"
    std::string object;           ///< the group; empty: the cluster
    std::int64_t generation = 0;  ///< after it; 0: there is none
    std::string detail;           ///< what changed, in words; may be cut
    bool operator==(const AuditEntry&) const = default;
};

inline constexpr std::size_t max_payload_bytes = 256UZ << 10U;

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

/// T is one of the payloads above. `cluster` is ours; empty = any. `Control` is never refused for
/// it: that is where the uuid is born, so its reader compares.
template <class T>
[[nodiscard]] Result<T> decode(std::string_view bytes, std::string_view cluster);

}  // namespace muster::znodes

template <>
struct std::is_error_code_enum<muster::znodes::Errc> : std::true_type {};
