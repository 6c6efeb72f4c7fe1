#include "orchestrator/shard_balance.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace muster::orchestrator {

namespace {

struct Rated {
    int shard = 0;
    double rating = 0;  ///< how much better the taker ranks than the holder
};

std::vector<int> accepting_workers(const ShardBoard& board) {
    std::vector<int> accepting;
    for (int worker = 0; worker < std::ssize(board.workers()); ++worker) {
        if (board.workers()[worker].accepts && board.workers()[worker].share > 0) {
            accepting.push_back(worker);
        }
    }
    return accepting;
}

void best_first(std::vector<Rated>& rated) {
    std::ranges::sort(
        rated, {}, [](const Rated& each) { return std::pair(-each.rating, each.shard); });
}

void emptiest_first(const ShardBoard& board, std::vector<int>& workers) {
    std::ranges::sort(
        workers, {}, [&](int worker) { return std::pair(board.fullness(worker), worker); });
}

// --- filling

/// What one donor could give to the receiver, best first. What doesn't fit now never will: while
/// one receiver is filled, it only gets fuller and donors only emptier.
struct Donor {
    int worker = 0;
    std::vector<Rated> offers;
    std::size_t next = 0;
};

std::vector<Donor> find_donors(const ShardBoard& board, int receiver) {
    std::vector<Donor> donors(board.workers().size());
    for (int shard = 0; shard < std::ssize(board.shards()); ++shard) {
        const int owner = board.shards()[shard].owner;
        if (owner == ShardBoard::nobody || owner == receiver || !board.can_take(receiver, shard)) {
            continue;
        }
        donors[owner].offers.push_back(
            {.shard = shard, .rating = board.score(receiver, shard) / board.score(owner, shard)});
    }
    for (int worker = 0; worker < std::ssize(donors); ++worker) {
        donors[worker].worker = worker;
        best_first(donors[worker].offers);
    }
    std::erase_if(donors, [](const Donor& donor) { return donor.offers.empty(); });
    return donors;
}

/// Moves one shard from the fullest donor that has a fitting one. A donor stays above `floor`, or,
/// without one, above the receiver.
bool pull_one(ShardBoard& board,
              int receiver,
              std::vector<Donor>& donors,
              double limit,
              std::optional<double> floor) {
    while (!donors.empty()) {
        const auto fullest = std::ranges::max_element(
            donors, {}, [&](const Donor& donor) { return board.fullness(donor.worker); });
        for (; fullest->next < fullest->offers.size(); ++fullest->next) {
            const int shard = fullest->offers[fullest->next].shard;
            const std::int64_t cost = board.shards()[shard].cost;
            const double after = board.fullness_with(receiver, cost);
            if (after > limit) continue;
            if (board.fullness_with(fullest->worker, -cost) < floor.value_or(after)) continue;
            if (!board.move(shard, receiver)) continue;
            ++fullest->next;
            return true;
        }
        donors.erase(fullest);
    }
    return false;
}

// --- shedding

struct Exchange {
    int shard = 0;
    int to = ShardBoard::nobody;
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
    std::vector<Rated> offers;
    for (const int shard : board.shards_of(donor)) {
        const int taker = choose_taker(board, workers, shard, limit);
        if (taker == ShardBoard::nobody) continue;
        offers.push_back(
            {.shard = shard, .rating = board.score(taker, shard) / board.score(donor, shard)});
    }
    best_first(offers);
    for (const Rated& offer : offers) {
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
std::optional<Exchange> find_relief(const ShardBoard& board,
                                    int donor,
                                    const std::vector<int>& workers,
                                    double least_gain) {
    std::optional<Exchange> best;
    const double before = board.fullness(donor);
    for (const int shard : board.shards_of(donor)) {
        const std::int64_t cost = board.shards()[shard].cost;
        for (const int worker : workers) {
            if (worker == donor || !board.can_take(worker, shard)) continue;
            const double after =
                std::max(board.fullness_with(donor, -cost), board.fullness_with(worker, cost));
            if (after > before - least_gain || (best && after >= best->fullest_after)) continue;
            best = Exchange{.shard = shard, .to = worker, .fullest_after = after};
        }
    }
    return best;
}

}  // namespace

double settled_limit(const PlanSettings& settings) {
    return 1 + settings.headroom / 2;
}

void fill_underloaded(ShardBoard& board, const PlanSettings& settings) {
    const double trigger = 1 - 2 * settings.headroom;
    const double goal = 1 - settings.headroom;
    const double limit = settled_limit(settings);
    std::vector<int> receivers = accepting_workers(board);
    std::erase_if(receivers, [&](int worker) { return board.fullness(worker) >= trigger; });
    emptiest_first(board, receivers);
    for (const int receiver : receivers) {
        auto donors = find_donors(board, receiver);
        while (board.fullness(receiver) < goal &&
               pull_one(board, receiver, donors, limit, 1 - settings.headroom / 2)) {
        }
        if (board.fullness(receiver) >= trigger) continue;
        // Where only some workers can run a kind of probe, even the fullest donor may be below its
        // share.
        donors = find_donors(board, receiver);
        while (board.fullness(receiver) < trigger &&
               pull_one(board, receiver, donors, limit, std::nullopt)) {
        }
    }
}

void shed_overloaded(ShardBoard& board, const PlanSettings& settings) {
    const double trigger = 1 + settings.headroom;
    const std::vector<int> workers = accepting_workers(board);
    std::vector<int> donors = workers;
    std::erase_if(donors, [&](int worker) { return board.fullness(worker) <= trigger; });
    emptiest_first(board, donors);
    std::ranges::reverse(donors);
    for (const int donor : donors) {
        shed_to_room(board, donor, workers, settled_limit(settings));
        while (board.fullness(donor) > trigger) {
            const auto relief = find_relief(board, donor, workers, settings.headroom / 4);
            if (!relief || !board.move(relief->shard, relief->to)) break;
        }
    }
}

}  // namespace muster::orchestrator
