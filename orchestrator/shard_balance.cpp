#include "orchestrator/shard_balance.hpp"

#include "orchestrator/shard_offers.hpp"
#include "orchestrator/shard_shed.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace muster::orchestrator {

namespace {

/// What one donor could give to the receiver, best first. What doesn't fit now never will: while
/// one receiver is filled, it only gets fuller and donors only emptier.
struct Donor {
    int worker = 0;
    std::vector<Offer> offers;
    std::size_t next = 0;
};

/// Shards that change hands in this plan anyway are free to go elsewhere.
enum class Offered { on_the_move, all };

std::vector<Donor> find_donors(const ShardBoard& board, int receiver, Offered offered) {
    std::vector<Donor> donors(board.workers().size());
    for (int shard = 0; shard < std::ssize(board.shards()); ++shard) {
        const int owner = board.shards()[shard].owner;
        if (offered == Offered::on_the_move && board.shards()[shard].settled) continue;
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

/// Workers below `trigger` pull until they reach `goal`.
struct Fill {
    double trigger = 0;
    double goal = 0;
    Offered offered = Offered::all;
};

void fill_underloaded(ShardBoard& board, const PlanSettings& settings, const Fill& fill) {
    const double limit = settled_limit(settings);
    std::vector<int> receivers = emptiest_first(board);
    std::erase_if(receivers, [&](int worker) { return board.fullness(worker) >= fill.trigger; });
    for (const int receiver : receivers) {
        auto donors = find_donors(board, receiver, fill.offered);
        while (board.fullness(receiver) < fill.goal &&
               pull_one(board, receiver, donors, limit, 1 - settings.headroom / 2)) {
        }
        if (board.fullness(receiver) >= fill.trigger) continue;
        // Where only some workers can run a kind of probe, even the fullest donor may be below its
        // share.
        donors = find_donors(board, receiver, fill.offered);
        while (board.fullness(receiver) < fill.trigger &&
               pull_one(board, receiver, donors, limit, std::nullopt)) {
        }
    }
}

}  // namespace

double settled_limit(const PlanSettings& settings) {
    return 1 + settings.headroom / 2;
}

void balance(ShardBoard& board, const PlanSettings& settings) {
    const double h = settings.headroom;
    fill_underloaded(
        board, settings, {.trigger = 1 - 1.5 * h, .goal = 1 - h, .offered = Offered::on_the_move});
    // Relieving one worker may leave another to be filled; more rounds than these gain nothing.
    for (int round = 0; round < 4; ++round) {
        const int before = board.moves_made();
        fill_underloaded(board, settings, {.trigger = 1 - 2.5 * h, .goal = 1 - 1.8 * h});
        shed_overloaded(board, settings);
        if (board.moves_made() == before) return;
    }
}

}  // namespace muster::orchestrator
