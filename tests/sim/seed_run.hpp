#pragma once

#include "tests/sim/faults.hpp"
#include "tests/sim/invariants.hpp"
#include "tests/sim/sim_node.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace muster::sim {

/// What came of one seed, or of many.
struct RunReport {
    std::uint64_t seeds = 0;
    double simulated_seconds = 0;
    std::uint64_t faults = 0;
    FaultCounts by_kind{};
    std::map<std::string, std::uint64_t> garbage;
    History history;  ///< hash of the last seed, sums of the rest
    std::uint64_t moves = 0;
    std::uint64_t planned_moves = 0;
    std::uint64_t verdict_changes = 0;
    std::uint64_t probes = 0;
    std::uint64_t collected = 0;               ///< znodes of the configuration that masters deleted
    std::uint64_t fewest_faults = UINT64_MAX;  ///< of one seed
    double longest_recovery = 0;               ///< seconds from healing to all well
    std::vector<std::string> violations;
};
RunReport& operator+=(RunReport& sum, const RunReport& one);

struct RunOptions {
    std::chrono::nanoseconds length = std::chrono::minutes(10);
    SimNode::WrapStore wrap;  ///< a mutant
};

/// One history from its seed: a cluster, ten minutes of faults, then everything is healed and has
/// to become well again within its bounds.
[[nodiscard]] RunReport run_seed(std::uint64_t seed, const RunOptions& options = {});

}  // namespace muster::sim
