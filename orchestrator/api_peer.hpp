#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"
#include "common/base/result.hpp"
#include "common/http/client.hpp"
#include "orchestrator/commands.hpp"
#include "orchestrator/snapshot.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// What one node's API asks another's: the recent results of a backend that the other one probes,
// and what the master makes of a fleet.
namespace muster::orchestrator {

/// Marks a question that comes from another node. It is answered from what its receiver knows by
/// itself and never passed on, so that two nodes with different views can't ask each other in turn.
inline constexpr std::string_view relayed_field = "Muster-Relayed";

struct PeerSettings {
    std::string token;  ///< our own bearer token, which all nodes share; empty: none
    /// In total, connecting included. A node that is gone must not keep the reader waiting for what
    /// is known without it.
    std::chrono::nanoseconds limit = std::chrono::milliseconds(250);
};

/// What a peer may answer at most: 64 results take 10 KiB.
inline constexpr std::size_t max_peer_answer_bytes = 64UZ << 10U;
inline constexpr std::size_t max_peer_results = 256;
inline constexpr std::size_t max_peer_votes = 16;
/// An explanation has lists of 64 with texts of 400 bytes.
inline constexpr std::size_t max_peer_notes_bytes = 512UZ << 10U;
inline constexpr std::size_t max_peer_lines = 256;

/// Asks `owner` at the address under which it is a member. The error is a sentence for people that
/// says whom it could not ask and why. Executor: the awaiting coroutine's.
[[nodiscard]] asio::awaitable<Result<Evidence>> ask_owner(
    Clock& clock, NodeRow owner, GroupName group, BackendId backend, PeerSettings settings);

/// GET of `path` at the address under which the node is a member, marked as relayed. Nothing: it
/// has told no address at which it can be asked. Pure.
[[nodiscard]] std::optional<http::ClientRequest> peer_request(const NodeRow& node,
                                                              std::string_view path,
                                                              std::size_t max_bytes,
                                                              const PeerSettings& settings);

/// The body of what the node answers to GET, if its status is 200. `role`: what it is asked as, for
/// the error's sentence ("probes it").
[[nodiscard]] asio::awaitable<Result<std::string>> ask_peer(Clock& clock,
                                                            NodeRow node,
                                                            std::string path,
                                                            std::string role,
                                                            std::size_t max_bytes,
                                                            PeerSettings settings);

/// scaling_notes() of the master (api_json.hpp).
[[nodiscard]] asio::awaitable<Result<boost::json::object>> ask_master(Clock& clock,
                                                                      NodeRow master,
                                                                      FleetName fleet,
                                                                      PeerSettings settings);

/// The same out of another node's answer, which may be anything: bounded, its members and what a
/// reader of them relies on checked, and refused unless it is `master`'s own. Pure.
[[nodiscard]] Result<boost::json::object> decode_scaling_notes(std::string_view body,
                                                               const NodeId& master);

/// `recent` out of another node's answer, which may be anything: bounded, every field checked, and
/// refused unless it is `owner`'s own. Pure.
[[nodiscard]] Result<Evidence> decode_evidence(std::string_view body, const NodeId& owner);

}  // namespace muster::orchestrator
