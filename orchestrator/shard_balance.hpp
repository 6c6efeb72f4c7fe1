#pragma once

#include "orchestrator/shard_board.hpp"

namespace muster::orchestrator {

// The voluntary moves of a shard plan. With headroom h, fullness 1 being a worker's exact share:
//
//   < 1 - 2h  fill it, up to 1 - h: a joiner, or one that others have left behind
//   > 1 + h   shed from it, down to 1 + h/2
//   between   leave it alone
//
// Nothing is ever filled beyond 1 + h/2: what a plan leaves behind is at least h/2 away from the
// next trigger, so that one more backend moves no other.

/// How full placing and balancing make a worker at most.
[[nodiscard]] double settled_limit(const PlanSettings& settings);

/// Underloaded workers pull, from the fullest others, the shards for which they rank best.
void fill_underloaded(ShardBoard& board, const PlanSettings& settings);

/// Overloaded workers give away the shards for which others with room rank best.
void shed_overloaded(ShardBoard& board, const PlanSettings& settings);

}  // namespace muster::orchestrator
