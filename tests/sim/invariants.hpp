#pragma once

#include "common/coordination/memory_ensemble.hpp"
#include "tests/sim/collection.hpp"
#include "tests/sim/ownership.hpp"
#include "tests/sim/probing.hpp"
#include "tests/sim/verdicts.hpp"
#include "tests/sim/violations.hpp"
#include "tests/sim/world.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace muster::sim {

struct History {
    std::uint64_t hash = 0xcbf29ce484222325U;  ///< of all commits, in order
    std::uint64_t commits = 0;
    std::uint64_t elections = 0;
    std::uint64_t expiries = 0;
};

/// Everything that must hold at every commit and every instant, judged by the ground truth: the
/// ensemble's tree, the world's hosts and backends; never by what nodes say (but for may_act, which
/// is what the rule is about). This class holds the rules of election and fencing, and hands the
/// rest to one oracle for each concern. Must be made before the first node starts.
class Invariants {
 public:
    explicit Invariants(World& world);
    Invariants(const Invariants&) = delete;
    Invariants& operator=(const Invariants&) = delete;

    /// To be called every half second or so.
    void tick();
    /// Garbage was written there: what it held is not expected to survive.
    void vandalised(const std::string& path);

    [[nodiscard]] const Violations& violations() const { return violations_; }
    [[nodiscard]] Violations& violations() { return violations_; }
    [[nodiscard]] const History& history() const { return history_; }
    [[nodiscard]] const Ownership& ownership() const { return ownership_; }
    [[nodiscard]] const Verdicts& verdicts() const { return verdicts_; }
    [[nodiscard]] const Collection& collection() const { return collection_; }

 private:
    using Commit = coordination::MemoryEnsemble::Commit;
    struct Written {
        std::string_view path;              ///< below the root
        const std::string* data = nullptr;  ///< null: deleted
        std::int32_t version = 0;
        bool created = false;
    };

    void on_commit(const Commit& commit);
    void fold(const Commit& commit);
    void on_write(const Commit& commit, const Written& write);
    void on_epoch(const Commit& commit, const Written& write);
    void on_assignment(const Commit& commit, const Written& write);
    void on_group_node(const Commit& commit, const Written& write);
    void on_status(const Commit& commit, const Written& write, const ShardId& shard);
    void must_be_masters(const Commit& commit, const Written& write, const znodes::Stamp& stamp);
    void must_be_workers(const Commit& commit,
                         const Written& write,
                         const znodes::Stamp& stamp,
                         const std::optional<ShardId>& shard);
    void one_master(std::string_view claimant);
    void wrong(const std::string& rule, const std::string& what) {
        violations_.report(world_.seconds(), rule, what);
    }
    [[nodiscard]] bool writes(const Commit& commit, const std::string& path) const;

    World& world_;
    Violations violations_;
    History history_;
    Ownership ownership_;
    Verdicts verdicts_;
    Probing probing_;
    Collection collection_;
    std::int32_t epoch_ = 0;
    std::map<std::string, std::int64_t> member_sessions_;  ///< node -> owner of its member znode
    /// Of the last status of each shard by each writer: token and sequence.
    std::map<std::pair<ShardId, std::string>, std::pair<std::int64_t, std::int64_t>> last_status_;
};

}  // namespace muster::sim
