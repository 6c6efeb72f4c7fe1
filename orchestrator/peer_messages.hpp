#pragma once

#include "common/base/id.hpp"
#include "orchestrator/suspicion.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What workers ask one another, as JSON over the peer channel. Never an address: who may ask can
// have only that probed which the configuration has anyhow. Pure; what comes in is hostile even
// with the cluster's secret.
namespace muster::orchestrator {

struct VoteRequest {
    std::string cluster;  ///< uuid
    NodeId asks;
    ShardId shard;
    std::string group_uid;
    int layout = 0;
    std::int64_t generation = 0;  ///< of the group's configuration
    std::vector<int> slots;       ///< at most most_asked
    bool operator==(const VoteRequest&) const = default;
};

/// One letter a slot, in the order asked: 'a'gree, 'd'isagree, '-' abstain.
struct VoteReply {
    std::vector<Vote> votes;
    bool operator==(const VoteReply&) const = default;
};

inline constexpr std::size_t longest_peer_message = 64UZ * 1024UZ;

[[nodiscard]] std::string encode(const VoteRequest& request);
[[nodiscard]] std::string encode(const VoteReply& reply);
[[nodiscard]] std::optional<VoteRequest> decode_vote_request(std::string_view text);
[[nodiscard]] std::optional<VoteReply> decode_vote_reply(std::string_view text, std::size_t slots);

}  // namespace muster::orchestrator
