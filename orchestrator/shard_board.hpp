#pragma once

#include "orchestrator/shard_plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// The working state of one shard plan: who holds what, and how full each worker is. Workers and
/// shards are numbered in the order of their ids, so that the order of the input decides nothing.
/// Inside of plan_shards.
class ShardBoard {
 public:
    static constexpr int nobody = -1;

    struct Worker {
        const PlanMember* member = nullptr;
        std::uint64_t hash = 0;
        std::vector<bool> kinds;  ///< probe kinds that it can run, by number
        bool accepts = false;
        double share = 0;  ///< its part, by capacity, of the cost to be shared out
        std::int64_t load = 0;
    };

    struct Shard {
        const PlanShard* wanted = nullptr;
        std::uint64_t hash = 0;
        std::vector<std::size_t> kinds;  ///< that its worker must have, by number
        std::int64_t cost = 1;
        int owner = nobody;
        bool settled = false;  ///< still where it was before the plan, and may stay
        MoveReason reason = MoveReason::balance;  ///< of leaving where it was
    };

    ShardBoard(const std::vector<PlanMember>& members,
               const std::vector<PlanShard>& shards,
               const std::map<ShardId, NodeId>& current,
               const PlanSettings& settings);

    [[nodiscard]] const std::vector<Worker>& workers() const { return workers_; }
    [[nodiscard]] const std::vector<Shard>& shards() const { return shards_; }
    [[nodiscard]] const std::vector<int>& homeless() const { return homeless_; }

    [[nodiscard]] bool can_take(int worker, int shard) const;
    [[nodiscard]] double score(int worker, int shard) const;
    /// Load over share: 1 is exactly its part.
    [[nodiscard]] double fullness(int worker) const;
    [[nodiscard]] double fullness_with(int worker, std::int64_t more) const;
    [[nodiscard]] std::vector<int> shards_of(int worker) const;

    /// Gives the shard to `worker`; false when the budget for voluntary moves is spent.
    [[nodiscard]] bool move(int shard, int worker);
    [[nodiscard]] int moves_made() const { return moves_made_; }

 private:
    void add_workers(const std::vector<PlanMember>& members);
    void add_shard(const PlanShard& wanted, const std::map<ShardId, NodeId>& current);
    [[nodiscard]] int find_worker(const NodeId& node) const;
    [[nodiscard]] static bool has_kinds(const Worker& worker, const Shard& shard);
    [[nodiscard]] int kind_number(const std::string& probe);
    [[nodiscard]] bool anyone_can_take(int shard) const;

    std::vector<Worker> workers_;
    std::vector<Shard> shards_;
    std::vector<int> homeless_;
    std::vector<std::string> kinds_;
    double budget_ = 0;
    bool moved_voluntarily_ = false;
    int moves_made_ = 0;
};

}  // namespace muster::orchestrator
