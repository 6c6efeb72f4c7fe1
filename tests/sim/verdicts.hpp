#pragma once

#include "common/znodes/payloads.hpp"
#include "tests/sim/violations.hpp"
#include "tests/sim/world.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace muster::sim {

/// What the cluster says about backends, against the truth. Rules for every published status: a
/// letter changes only when the truth gave a reason for it lately; a known verdict is not forgotten
/// while its backend stays configured; the since-time of a verdict that stays stays, whoever
/// publishes it; layout and members match.
class Verdicts {
 public:
    Verdicts(const World& world, Violations& violations) : world_(world), violations_(violations) {}

    void on_members(const ShardId& shard, const std::string* data);
    /// `writer`: the host that published; empty for the scene.
    void on_status(const ShardId& shard, const std::string* data, std::string_view writer);
    /// Garbage was written to a znode of this group: until a while after it was replaced, what the
    /// cluster knew may be lost.
    void vandalised(const GroupName& group, std::string_view path);
    void replaced(const GroupName& group, std::string_view path);

    /// Active backends whose published letter is not the truth.
    [[nodiscard]] std::vector<std::string> differences() const;
    [[nodiscard]] std::uint64_t changes() const { return changes_; }

 private:
    struct Published {
        znodes::Letter letter = znodes::Letter::unknown;
        WallTime since{};
        SteadyTime when{};
    };
    struct Shard {
        std::string group_uid;
        int layout = 0;
        std::vector<znodes::Slot> slots;
    };
    struct Group {
        std::string uid;
        std::map<std::string, Published> backends;   ///< in whichever shard
        std::set<std::string, std::less<>> garbage;  ///< znodes that hold some
        SteadyTime garbage_until{};
    };

    void judge(const ShardId& shard,
               const Group& group,
               const std::string& address,
               const Published& next,
               const std::string& writer,
               std::chrono::nanoseconds lag);
    [[nodiscard]] bool nobody_to_ask(const std::string& writer,
                                     std::chrono::nanoseconds window) const;
    void wrong(const std::string& what) { violations_.report(world_.seconds(), "verdict", what); }

    const World& world_;
    Violations& violations_;
    std::map<ShardId, Shard> shards_;
    std::map<GroupName, Group> groups_;
    std::uint64_t changes_ = 0;
};

}  // namespace muster::sim
