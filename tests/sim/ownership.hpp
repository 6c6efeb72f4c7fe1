#pragma once

#include "common/znodes/payloads.hpp"
#include "tests/sim/violations.hpp"
#include "tests/sim/world.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster::sim {

/// Who holds which shard by the assignment documents, at every zxid. Rules: at most one holder (own
/// or drain) of a shard; a shard of a living group, once held, is held for good, and by a living
/// process within a bound.
class Ownership {
 public:
    Ownership(const World& world, Violations& violations)
        : world_(world), violations_(violations) {}

    struct Document {
        std::int32_t version = 0;  ///< A
        std::string incarnation;
        std::vector<znodes::AssignedShard> shards;
        bool readable = false;
        SteadyTime changed{};
    };
    struct Holder {
        std::string node;
        std::string incarnation;
        SteadyTime since{};
        std::int64_t move = 0;  ///< the planned move under way, if any
        std::string warm;       ///< who gets ready to take over
        bool operator==(const Holder&) const = default;
    };

    /// One document was written; call settle() after all of its transaction.
    void on_document(std::string_view node, const std::string& data, std::int32_t version);
    void on_index(const GroupName& group, const std::string* data);
    /// `by_scene`: what a vandal does is not held against anyone.
    void settle(bool by_scene);
    void tick();

    [[nodiscard]] const Document* document(std::string_view node) const;
    [[nodiscard]] const std::map<ShardId, Holder>& holders() const { return holders_; }
    [[nodiscard]] bool holds(std::string_view node, const ShardId& shard) const;
    /// The shards that a living group has by its index, if that is this group's own.
    [[nodiscard]] int shards_of(const GroupName& group) const;
    [[nodiscard]] std::uint64_t moves() const { return moves_; }
    [[nodiscard]] std::uint64_t planned_moves() const { return planned_moves_; }

 private:
    [[nodiscard]] bool must_be_held(const ShardId& shard) const;
    void wrong(const std::string& what) { violations_.report(world_.seconds(), "ownership", what); }

    const World& world_;
    Violations& violations_;
    std::map<std::string, Document, std::less<>> documents_;
    std::map<ShardId, Holder> holders_;
    std::map<GroupName, int> shards_;
    std::map<ShardId, SteadyTime> orphaned_;  ///< must be held, and is not by a living process
    bool changed_ = false;
    std::uint64_t moves_ = 0;
    std::uint64_t planned_moves_ = 0;
};

}  // namespace muster::sim
