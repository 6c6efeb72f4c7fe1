#include "orchestrator/shard_board.hpp"

#include "orchestrator/rendezvous.hpp"

#include <algorithm>
#include <limits>

namespace muster::orchestrator {

namespace {

template <class T, class Key>
std::vector<const T*> in_order(const std::vector<T>& items, Key T::* key) {
    std::vector<const T*> ordered;
    ordered.reserve(items.size());
    for (const T& item : items) ordered.push_back(&item);
    std::ranges::sort(ordered, {}, [&](const T* item) -> const Key& { return item->*key; });
    const auto rest =
        std::ranges::unique(ordered, {}, [&](const T* item) -> const Key& { return item->*key; });
    ordered.erase(rest.begin(), rest.end());
    return ordered;
}

}  // namespace

ShardBoard::ShardBoard(const std::vector<PlanMember>& members,
                       const std::vector<PlanShard>& shards,
                       const std::map<ShardId, NodeId>& current,
                       const PlanSettings& settings) {
    add_workers(members);
    shards_.reserve(shards.size());
    for (const PlanShard* wanted : in_order(shards, &PlanShard::shard)) {
        add_shard(*wanted, current);
    }

    std::int64_t capacity = 0;
    for (const Worker& worker : workers_) {
        if (worker.accepts) capacity += worker.member->capacity;
    }
    std::int64_t cost = 0;
    for (const Shard& shard : shards_) {
        if (shard.owner == nobody || workers_[shard.owner].accepts) cost += shard.cost;
    }
    for (Worker& worker : workers_) {
        if (!worker.accepts) continue;
        worker.share =
            static_cast<double>(cost) * worker.member->capacity / static_cast<double>(capacity);
    }
    budget_ = settings.voluntary_share * static_cast<double>(cost);
}

void ShardBoard::add_workers(const std::vector<PlanMember>& members) {
    for (const PlanMember* member : in_order(members, &PlanMember::node)) {
        Worker worker{.member = member,
                      .hash = stable_hash(member->node.str()),
                      .accepts = member->accepts && member->capacity > 0};
        for (const std::string& probe : member->probes) {
            const auto kind = static_cast<std::size_t>(kind_number(probe));
            if (worker.kinds.size() <= kind) worker.kinds.resize(kind + 1);
            worker.kinds[kind] = true;
        }
        workers_.push_back(std::move(worker));
    }
}

void ShardBoard::add_shard(const PlanShard& wanted, const std::map<ShardId, NodeId>& current) {
    const int index = static_cast<int>(shards_.size());
    Shard& shard = shards_.emplace_back(Shard{.wanted = &wanted,
                                              .hash = stable_hash(wanted.shard),
                                              .cost = std::max<std::int64_t>(1, wanted.cost)});
    for (const std::string& probe : wanted.probes)
        shard.kinds.push_back(static_cast<std::size_t>(kind_number(probe)));
    const auto before = current.find(wanted.shard);
    const int owner = before == current.end() ? nobody : find_worker(before->second);
    if (owner == nobody) {
        shard.reason = before == current.end() ? MoveReason::unassigned : MoveReason::orphan;
    } else if (can_take(owner, index)) {
        shard.settled = true;
    } else if (!has_kinds(workers_[owner], shard)) {
        shard.reason = MoveReason::probe;
    } else {
        shard.reason =
            wanted.barred == workers_[owner].member->node ? MoveReason::barred : MoveReason::drain;
        // Better with a worker that leaves or lags than with none.
        shard.settled = !anyone_can_take(index);
    }
    if (shard.settled) {
        shard.owner = owner;
        workers_[owner].load += shard.cost;
    } else if (anyone_can_take(index)) {
        homeless_.push_back(index);
    } else {
        // Nobody's: it is no part of what is shared out.
        shard.cost = 0;
    }
}

int ShardBoard::find_worker(const NodeId& node) const {
    const auto at =
        std::ranges::lower_bound(workers_, node, {}, [](const Worker& worker) -> const NodeId& {
            return worker.member->node;
        });
    if (at == workers_.end() || at->member->node != node) return nobody;
    return static_cast<int>(at - workers_.begin());
}

int ShardBoard::kind_number(const std::string& probe) {
    const auto at = std::ranges::find(kinds_, probe);
    if (at == kinds_.end()) kinds_.push_back(probe);
    return static_cast<int>(std::ranges::find(kinds_, probe) - kinds_.begin());
}

bool ShardBoard::has_kinds(const Worker& worker, const Shard& shard) {
    return std::ranges::all_of(shard.kinds, [&worker](std::size_t kind) {
        return kind < worker.kinds.size() && worker.kinds[kind];
    });
}

bool ShardBoard::anyone_can_take(int shard) const {
    for (int worker = 0; worker < std::ssize(workers_); ++worker) {
        if (can_take(worker, shard)) return true;
    }
    return false;
}

bool ShardBoard::can_take(int worker, int shard) const {
    const Worker& candidate = workers_[worker];
    const PlanShard& wanted = *shards_[shard].wanted;
    if (!candidate.accepts || wanted.barred == candidate.member->node) return false;
    return has_kinds(candidate, shards_[shard]);
}

double ShardBoard::score(int worker, int shard) const {
    return rendezvous_score(
        shards_[shard].hash, workers_[worker].hash, workers_[worker].member->capacity);
}

double ShardBoard::fullness(int worker) const {
    return fullness_with(worker, 0);
}

double ShardBoard::fullness_with(int worker, std::int64_t more) const {
    const Worker& filled = workers_[worker];
    if (filled.share <= 0) return std::numeric_limits<double>::max();
    return static_cast<double>(filled.load + more) / filled.share;
}

std::vector<int> ShardBoard::shards_of(int worker) const {
    std::vector<int> held;
    for (int shard = 0; shard < std::ssize(shards_); ++shard) {
        if (shards_[shard].owner == worker) held.push_back(shard);
    }
    return held;
}

bool ShardBoard::move(int index, int worker) {
    Shard& shard = shards_[index];
    if (shard.settled) {
        // The first one may be larger than the budget, or a heavy shard could never move.
        const auto cost = static_cast<double>(shard.cost);
        if (budget_ <= 0 || (moved_voluntarily_ && cost > budget_)) return false;
        budget_ -= cost;
        moved_voluntarily_ = true;
        shard.settled = false;
    }
    if (shard.owner != nobody) workers_[shard.owner].load -= shard.cost;
    workers_[worker].load += shard.cost;
    shard.owner = worker;
    ++moves_made_;
    return true;
}

}  // namespace muster::orchestrator
