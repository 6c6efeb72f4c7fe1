#pragma once

#include "tests/sim/ownership.hpp"
#include "tests/sim/violations.hpp"
#include "tests/sim/world.hpp"

#include <chrono>
#include <map>
#include <set>
#include <string>

namespace muster::sim {

/// Who probes what, as the backends see it. Rules, each for undisturbed hosts:
///  - a shard's holder that had a quiet moment to take it over probes every backend of it at least
///    every interval, from then on and whatever happens to its link or to ZooKeeper;
///  - a host that is in touch probes nothing that is not its own (or getting so).
class Probing {
 public:
    Probing(World& world, const Ownership& ownership, Violations& violations)
        : world_(world), ownership_(ownership), violations_(violations) {}

    void on_members(const ShardId& shard, const std::string* data);
    /// Nodes that lose their copy of this group's configuration can't probe it.
    void vandalised(const GroupName& group) { vandalised_[group] = world_.clock.now(); }
    void tick();

 private:
    struct Shard {
        std::set<std::string> addresses;
        std::string group_uid;
        SteadyTime changed{};
        std::string taken_by;   ///< the incarnation that has had its quiet moment
        SteadyTime taken_at{};  ///< when that was over
    };

    void check_holder(const ShardId& id, Shard& shard, const Ownership::Holder& holder);
    void check_strangers(const ShardId& id,
                         const Shard& shard,
                         const Ownership::Holder& holder) const;
    void wrong(const std::string& what) const {
        violations_.report(world_.seconds(), "probing", what);
    }

    World& world_;
    const Ownership& ownership_;
    Violations& violations_;
    std::map<ShardId, Shard> shards_;
    std::map<GroupName, SteadyTime> vandalised_;
};

}  // namespace muster::sim
