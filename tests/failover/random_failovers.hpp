#pragma once

#include "tests/failover/decision_sequence.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace muster::test {

struct FailoverRun {
    std::uint64_t seed = 1;
    int failovers = 5;
    std::chrono::milliseconds longest_gap{2'500};  ///< from a master's first second to its last
    /// After so many a pause in which an instance gets out of DNS, and goes; 0: none.
    int rest_every = 0;
    /// A machine is made that nobody knows of, and must be found and removed.
    bool orphan = false;
};

struct FailoverOutcome {
    std::size_t killed = 0;
    std::size_t paused = 0;       ///< longer than their session, and then they went on
    std::size_t unannounced = 0;  ///< of both: no guardian told of it
    std::size_t made = 0;         ///< machines
    std::size_t removed = 0;      ///< machines
    std::size_t orphans = 0;      ///< machines without a record, at the end
    DecisionSequence decisions;
    /// What must never be, and was; also: ticks without a decision or a record, more than killed
    /// masters explain.
    std::vector<std::string> wrong;
};

/// Two fleets follow a load that goes up and down, one of them with a name in DNS, while masters
/// are killed (the process, or its guardian too) or stopped at random times. Judged by ZooKeeper's
/// own log, etcd's, the provider and the masters' recordings. Blocking. Throws std::runtime_error,
/// with the nodes' logs, when something does not come about.
[[nodiscard]] FailoverOutcome run_failovers(const FailoverRun& run);

}  // namespace muster::test
