#pragma once

#include "orchestrator/shard_board.hpp"

namespace muster::orchestrator {

// The voluntary moves of a shard plan, in terms of fullness (load over share) and headroom h. With
// the default h = 5 %:
//
//   < 1 - 2.5h  0.875   fill it, up to 1 - 1.8h = 0.91: a joiner, or one left behind
//   between             leave it alone
//   > 1 + h     1.05    shed from it, down to 1 + h/2 = 1.025
//   > 1 + 2h    1.1     if that can't be done, exchange a heavy shard for a lighter one
//
// Shards that change hands anyway go, at no cost, where they make workers at least 1 - h full.
// Nothing is ever filled beyond 1 + h/2 while there is a choice: what a plan leaves behind is away
// from the next trigger, so that one more backend moves no other. A joiner is not filled to the
// brim, because every further backend that moves is one whose prober changes for little gain.
// Measured over 760 joins each (2 to 20 workers, costs log-normal with sigma 1, no shard heavier
// than a share): with 80 shards a worker, at most 1.03 of the joiner's share moves and the fullest
// is at 1.05; with 20, 1.14 and 1.10.

/// How full placing and balancing make a worker at most.
[[nodiscard]] double settled_limit(const PlanSettings& settings);

/// Underloaded workers pull, from the fullest others, the shards for which they rank best; then
/// overloaded workers give away the shards for which others with room rank best; again, until
/// nothing is left to do (a few rounds at most).
void balance(ShardBoard& board, const PlanSettings& settings);

}  // namespace muster::orchestrator
