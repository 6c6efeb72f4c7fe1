#include "orchestrator/shard_shed.hpp"

#include "orchestrator/shard_balance.hpp"
#include "orchestrator/shard_offers.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace muster::orchestrator {

namespace {

struct Relief {
    int shard = 0;
    int to = ShardBoard::nobody;
    int back = ShardBoard::nobody;  ///< a lighter shard in exchange
    double fullest_after = 0;
};

/// The best-ranked of those that have room for it.
int choose_taker(const ShardBoard& board,
                 const std::vector<int>& workers,
                 int shard,
                 double limit) {
    int taker = ShardBoard::nobody;
    double best = 0;
    for (const int worker : workers) {
        if (worker == board.shards()[shard].owner || !board.can_take(worker, shard)) continue;
        if (board.fullness_with(worker, board.shards()[shard].cost) > limit) continue;
        const double score = board.score(worker, shard);
        if (taker == ShardBoard::nobody || score > best) {
            taker = worker;
            best = score;
        }
    }
    return taker;
}

void shed_to_room(ShardBoard& board, int donor, const std::vector<int>& workers, double limit) {
    std::vector<Offer> offers;
    for (const int shard : board.shards_of(donor)) {
        const int taker = choose_taker(board, workers, shard, limit);
        if (taker == ShardBoard::nobody) continue;
        offers.push_back(
            {.shard = shard, .rating = board.score(taker, shard) / board.score(donor, shard)});
    }
    best_first(offers);
    for (const Offer& offer : offers) {
        if (board.fullness(donor) <= limit) return;
        // Not one so heavy that its giver would then have to be filled.
        const std::int64_t cost = board.shards()[offer.shard].cost;
        if (board.fullness_with(donor, -cost) < 2 - limit) continue;
        const int taker = choose_taker(board, workers, offer.shard, limit);
        if (taker == ShardBoard::nobody) continue;
        [[maybe_unused]] const bool moved = board.move(offer.shard, taker);
    }
}

/// With few or heavy shards nothing fits anywhere: the move that leaves the fuller of both least
/// full, if that gains enough.
std::optional<Relief> find_relief(const ShardBoard& board,
                                  int donor,
                                  const std::vector<int>& workers,
                                  double least_gain) {
    std::optional<Relief> best;
    const double before = board.fullness(donor);
    for (const int shard : board.shards_of(donor)) {
        const std::int64_t cost = board.shards()[shard].cost;
        for (const int worker : workers) {
            if (worker == donor || !board.can_take(worker, shard)) continue;
            const double after =
                std::max(board.fullness_with(donor, -cost), board.fullness_with(worker, cost));
            if (after > before - least_gain || (best && after >= best->fullest_after)) continue;
            best = Relief{.shard = shard, .to = worker, .fullest_after = after};
        }
    }
    return best;
}

/// When no single move helps, because all that the donor has left is heavy: an exchange of one of
/// its shards for a lighter one. The cheapest that leaves both below `limit`, or else the one that
/// leaves the fuller least full.
std::optional<Relief> find_exchange(const ShardBoard& board,
                                    int donor,
                                    const std::vector<int>& workers,
                                    double limit,
                                    double least_gain) {
    std::optional<Relief> best;
    std::pair<double, std::int64_t> least(board.fullness(donor) - least_gain, 0);
    const std::vector<int> given = board.shards_of(donor);
    for (const int worker : workers) {
        if (worker == donor) continue;
        for (const int back : board.shards_of(worker)) {
            if (!board.can_take(donor, back)) continue;
            const std::int64_t returned = board.shards()[back].cost;
            for (const int shard : given) {
                const std::int64_t cost = board.shards()[shard].cost;
                if (cost <= returned || !board.can_take(worker, shard)) continue;
                const double after = std::max(board.fullness_with(donor, returned - cost),
                                              board.fullness_with(worker, cost - returned));
                const std::pair price(std::max(after, limit), cost + returned);
                if (price >= least) continue;
                least = price;
                best = Relief{.shard = shard, .to = worker, .back = back, .fullest_after = after};
            }
        }
    }
    return best;
}

/// False when nothing was found or the budget is spent.
bool relieve(ShardBoard& board, int donor, const std::vector<int>& workers, double headroom) {
    auto relief = find_relief(board, donor, workers, headroom / 4);
    // Exchanging heavy shards is dear: only for an overload that is worth it.
    if (!relief && board.fullness(donor) > 1 + 2 * headroom) {
        relief = find_exchange(board, donor, workers, 1 + 1.5 * headroom, headroom / 4);
    }
    if (!relief || !board.move(relief->shard, relief->to)) return false;
    return relief->back == ShardBoard::nobody || board.move(relief->back, donor);
}

}  // namespace

void shed_overloaded(ShardBoard& board, const PlanSettings& settings) {
    const double trigger = 1 + settings.headroom;
    const std::vector<int> workers = emptiest_first(board);
    std::vector<int> donors(workers.rbegin(), workers.rend());
    std::erase_if(donors, [&](int worker) { return board.fullness(worker) <= trigger; });
    for (const int donor : donors) {
        shed_to_room(board, donor, workers, settled_limit(settings));
        while (board.fullness(donor) > trigger &&
               relieve(board, donor, workers, settings.headroom)) {
        }
    }
}

}  // namespace muster::orchestrator
