#pragma once

#include "orchestrator/shard_board.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace muster::orchestrator {

/// A shard that one worker could give to another.
struct Offer {
    int shard = 0;
    double rating = 0;  ///< how much better the taker ranks for it than the holder
};

inline void best_first(std::vector<Offer>& offers) {
    std::ranges::sort(
        offers, {}, [](const Offer& offer) { return std::pair(-offer.rating, offer.shard); });
}

/// The workers that balancing gives to and takes from, emptiest first.
[[nodiscard]] inline std::vector<int> emptiest_first(const ShardBoard& board) {
    std::vector<int> workers;
    for (int worker = 0; worker < std::ssize(board.workers()); ++worker) {
        if (board.workers()[worker].accepts && board.workers()[worker].share > 0) {
            workers.push_back(worker);
        }
    }
    std::ranges::sort(
        workers, {}, [&](int worker) { return std::pair(board.fullness(worker), worker); });
    return workers;
}

}  // namespace muster::orchestrator
