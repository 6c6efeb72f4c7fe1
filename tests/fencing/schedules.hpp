#pragma once

#include "tests/fencing/etcd_history.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace muster::fencing {

struct Tally {
    std::size_t schedules = 0;
    std::size_t in_time = 0;    ///< late transactions that were done in their master's term
    std::size_t attempted = 0;  ///< transactions that reached etcd after a later master's claim
    std::size_t restores = 0;   ///< of etcd, from a snapshot
    std::size_t wipes = 0;      ///< of ZooKeeper: epochs begin anew, the era is raised
    std::size_t transactions = 0;
    std::vector<std::string> violations;
    std::vector<std::string> emptied;
    std::vector<std::string> wrong;  ///< what else was not as it must be

    Tally& operator+=(const Tally& other);
};

struct Schedules {
    std::uint32_t first_seed = 1;
    std::size_t count = 100;
    /// What comes late compares nothing any more: the oracle must see it.
    bool without_guards = false;
};

/// Random histories of two masters on one real etcd, each with writes of the old one that are
/// released after the claim of the new one: held back, half sent, their replies lost, planned
/// before and sent after; etcd restored from a snapshot, ZooKeeper wiped. Prints nothing; etcd's
/// own history judges.
[[nodiscard]] Tally run_schedules(const Schedules& schedules);

}  // namespace muster::fencing
