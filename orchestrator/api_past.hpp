#pragma once

#include "orchestrator/api_peer.hpp"
#include "orchestrator/api_reads.hpp"
#include "orchestrator/past_ticks.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

// `GET /api/v1/fleets/F/scaling?at=T`: each node has recorded what it decided as master, so all of
// them are asked, and the answer that holds is given.
namespace muster::orchestrator {

/// What this node has recorded. Null: nothing.
using ReadPast = std::function<asio::awaitable<PastAnswer>(FleetName fleet, WallTime at)>;

/// What one node answered.
struct PastOf {
    NodeId node;
    PastAnswer answer;
};

inline constexpr std::size_t max_past_answer_bytes = 1UZ << 20U;

/// Out of another node's answer, which may be anything: what isn't well-formed, or not `node`'s
/// own, or of a later time, is a problem of the answer. Pure.
[[nodiscard]] PastAnswer decode_past(std::string_view body, const NodeId& node, WallTime at);

/// Of the nodes' answers the one that holds, and what each said. `fleet` is a well-formed name.
[[nodiscard]] http::Response answer_past(const ReadCall& call,
                                         const FleetName& fleet,
                                         WallTime at,
                                         std::vector<PastOf> answers);

/// Reads here and asks all other members, each for `peers.limit` at most; when another node asks,
/// reads here alone. Executor: the awaiting coroutine's.
[[nodiscard]] asio::awaitable<http::Response> show_past(ReadCall call,
                                                        Clock& clock,
                                                        ReadPast read,
                                                        PeerSettings peers);

}  // namespace muster::orchestrator
