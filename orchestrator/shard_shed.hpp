#pragma once

#include "orchestrator/shard_board.hpp"

namespace muster::orchestrator {

/// Overloaded workers give away the shards for which others with room rank best (thresholds:
/// shard_balance.hpp).
void shed_overloaded(ShardBoard& board, const PlanSettings& settings);

}  // namespace muster::orchestrator
