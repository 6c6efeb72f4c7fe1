#pragma once

#include "common/base/clock.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

namespace muster::coordination {

/// Why a request failed. What counts for callers is what is known about its effect.
enum class Errc {
    // The server answered: surely not applied.
    no_node = 1,
    node_exists,
    bad_version,
    not_empty,
    no_auth,
    no_children_for_ephemerals,
    rolled_back,  ///< an op of a multi that itself was in order; another one failed
    rejected,     ///< any other refusal by the server (its code is in the context)
    // Never sent: surely not applied.
    invalid_argument,  ///< malformed path, empty multi
    too_large,         ///< over the request size limit (a server would just drop the connection)
    too_many,          ///< over the limit of requests in flight and queued
    not_connected,     ///< no connection within the request's deadline
    session_lost,      ///< the session under which it was queued has ended
    closed,            ///< this store is closing
    // Maybe applied: read and compare before deciding anything.
    unknown_outcome,
};

const std::error_category& category();
inline std::error_code make_error_code(Errc code) {
    return {static_cast<int>(code), category()};
}

/// ZooKeeper's Stat, without the sizes.
struct Stat {
    std::int64_t created_zxid = 0;
    std::int64_t modified_zxid = 0;
    std::int32_t version = 0;  ///< of the data; 0 when created
    std::int32_t children_version = 0;
    std::int64_t ephemeral_owner = 0;  ///< session id; 0 when persistent
    std::int32_t children = 0;

    bool operator==(const Stat&) const = default;
};

struct Node {
    std::string data;
    Stat stat;
};

struct Children {
    std::vector<std::string> names;  ///< without the parent's path, sorted
    Stat stat;
};

enum class CreateMode { persistent, ephemeral, persistent_sequential, ephemeral_sequential };

inline constexpr std::int32_t any_version = -1;

/// Who may do what with a znode. Empty = the store's default (see each adapter's settings).
struct Acl {
    std::string scheme;
    std::string id;
    int permissions = 0;  ///< ZooKeeper's bits: read 1, write 2, create 4, delete 8, admin 16
    auto operator<=>(const Acl&) const = default;
};

struct CheckOp {
    std::string path;
    std::int32_t version = any_version;
};
struct CreateOp {
    std::string path;
    std::string data;
    CreateMode mode = CreateMode::persistent;
    std::vector<Acl> acl;
};
struct SetOp {
    std::string path;
    std::string data;
    std::int32_t version = any_version;
};
struct DeleteOp {
    std::string path;
    std::int32_t version = any_version;
};
using Op = std::variant<CheckOp, CreateOp, SetOp, DeleteOp>;

/// What one op of a successful multi did.
struct OpOutcome {
    std::string path;  ///< the path created, with its sequence number; else the op's path
    Stat stat;         ///< after a set (version is what counts); zero otherwise
};

/// A multi's result. Not Result<>: which op failed, and how, is what callers decide on.
struct MultiOutcome {
    std::error_code error;  ///< none when all ops were applied
    std::string context;
    std::vector<OpOutcome> ops;              ///< when applied
    std::vector<std::error_code> op_errors;  ///< when refused by the server: one for each op

    [[nodiscard]] bool ok() const { return !error; }
    [[nodiscard]] bool unknown() const { return error == make_error_code(Errc::unknown_outcome); }
    /// The first op (our guard) was refused: our token is no longer the newest.
    [[nodiscard]] bool fenced_off() const {
        return !op_errors.empty() && op_errors.front() &&
               op_errors.front() != make_error_code(Errc::rolled_back);
    }
};

enum class Watch { none, set };

enum class WatchKind { data, children };

enum class SessionState {
    connecting,  ///< no session yet, or the connection is lost and the session may still live
    connected,
    lost,  ///< said to be over by the server, or not confirmed for a whole timeout: no
           ///< authority may rest on it any more (see Store::session for what follows)
};

/// A value snapshot; compare `generation` to notice that a session was replaced.
struct SessionStatus {
    SessionState state = SessionState::connecting;
    std::int64_t id = 0;
    std::uint64_t generation = 0;         ///< + 1 with each new session
    std::chrono::nanoseconds timeout{0};  ///< as negotiated, not as asked
    SteadyTime confirmed{};               ///< send time of the last heartbeat that was answered

    bool operator==(const SessionStatus&) const = default;
};

/// Until when this process may act on authority that its session proves: 2/3 of the timeout from
/// the send time of the last confirmed heartbeat, less one server tick (reference: ZooKeeper counts
/// expiry in ticks, and a follower reports to the leader up to T/3 late; DESIGN.md section 5).
[[nodiscard]] inline SteadyTime lease_until(const SessionStatus& session,
                                            std::chrono::nanoseconds tick) {
    if (session.state == SessionState::lost ||
        session.timeout == std::chrono::nanoseconds::zero()) {
        return SteadyTime{};
    }
    return session.confirmed + session.timeout * 2 / 3 - tick;
}

/// From when on the servers have surely ended the session, were it never heard of again.
[[nodiscard]] inline SteadyTime surely_over(const SessionStatus& session) {
    return session.confirmed + session.timeout;
}

}  // namespace muster::coordination

template <>
struct std::is_error_code_enum<muster::coordination::Errc> : std::true_type {};
