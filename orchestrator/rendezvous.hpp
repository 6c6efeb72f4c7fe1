#pragma once

#include "common/base/id.hpp"

#include <cstdint>
#include <string_view>

// Weighted rendezvous hashing: how well a worker ranks for a shard. Stable over builds, hosts and
// library versions, because standbys and successors must agree. Pure.
namespace muster::orchestrator {

[[nodiscard]] std::uint64_t stable_hash(std::string_view text);
[[nodiscard]] std::uint64_t stable_hash(const ShardId& shard);

/// -capacity / ln(u), u uniform in (0, 1) from both hashes: the share of shards for which a worker
/// scores highest is its share of the capacity. 0 without capacity.
[[nodiscard]] double rendezvous_score(std::uint64_t shard, std::uint64_t worker, int capacity);

}  // namespace muster::orchestrator
