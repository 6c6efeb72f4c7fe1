#pragma once

#include "common/coordination/memory_ensemble.hpp"
#include "orchestrator/collection_plan.hpp"
#include "tests/sim/violations.hpp"
#include "tests/sim/world.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace muster::sim {

/// The oracle for what masters delete of the configuration: nothing that a head or a kept history
/// names, no head but a tombstone of a group that is gone, and nothing without the fence.
class Collection {
 public:
    Collection(World& world, Violations& violations) : world_(world), violations_(violations) {}

    /// `path` below the root, begins with "config/" or "audit/"; it is gone already.
    void on_delete(const coordination::MemoryEnsemble::Commit& commit,
                   std::string_view path,
                   std::int32_t epoch);
    /// A head as the API wrote it.
    void on_head(std::string_view path, const std::string& data);

    /// What should have been collected, as sentences.
    [[nodiscard]] std::vector<std::string> leftovers() const;
    [[nodiscard]] std::uint64_t deletions() const { return deletions_; }

 private:
    void on_head_deleted(std::string_view group);
    void on_history_deleted(std::string_view group_and_generation);
    [[nodiscard]] std::set<std::string> named() const;
    [[nodiscard]] orchestrator::ConfigTraces traces(const std::string& group) const;
    [[nodiscard]] std::set<std::string> children(const std::string& path) const;
    void wrong(const std::string& what) {
        violations_.report(world_.seconds(), "collection", what);
    }

    World& world_;
    Violations& violations_;
    std::uint64_t deletions_ = 0;
};

}  // namespace muster::sim
