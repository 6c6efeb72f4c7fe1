#pragma once

#include "common/znodes/payloads.hpp"
#include "tests/sim/violations.hpp"
#include "tests/sim/world.hpp"

#include <chrono>
#include <cstdint>
#include <map>
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
    void vandalised(const ShardId& shard) { shards_[shard].tainted = true; }

    /// Active backends whose published letter is not the truth.
    [[nodiscard]] std::vector<std::string> differences() const;
    [[nodiscard]] std::uint64_t changes() const { return changes_; }

 private:
    struct Published {
        znodes::Letter letter = znodes::Letter::unknown;
        WallTime since{};
    };
    struct Shard {
        std::string group_uid;
        int layout = 0;
        std::vector<znodes::Slot> slots;
        int status_layout = 0;
        std::string status_uid;
        SteadyTime published{};
        std::map<std::string, Published> by_backend;
        bool tainted = false;  ///< garbage was written to its status
    };

    void judge(const ShardId& shard,
               Shard& known,
               const std::string& address,
               const Published& next,
               std::chrono::nanoseconds lag);
    void wrong(const std::string& what) { violations_.report(world_.seconds(), "verdict", what); }

    const World& world_;
    Violations& violations_;
    std::map<ShardId, Shard> shards_;
    std::uint64_t changes_ = 0;
};

}  // namespace muster::sim
