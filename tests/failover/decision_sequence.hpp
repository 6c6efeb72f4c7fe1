#pragma once

#include "scaler/policy.hpp"
#include "scaler/recording.hpp"
#include "tests/failover/fleet_log.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace muster::test {

/// A decision as a master wrote it down.
struct RecordedDecision {
    std::int64_t epoch = 0;
    scaler::RecordedTick tick;
    scaler::Observations observed;  ///< with series
};

/// Of one fleet, of the recordings of one node. Throws std::runtime_error when they make no sense.
[[nodiscard]] std::vector<RecordedDecision> recorded_decisions(
    const std::filesystem::path& directory, const std::string& fleet);

struct DecisionSequence {
    std::size_t ticks = 0;        ///< whose decisions are in the tree
    std::size_t masters = 0;      ///< that made them
    std::size_t changes = 0;      ///< that changed the size
    std::size_t differences = 0;  ///< decided otherwise by the one core
    std::size_t unwritten = 0;    ///< recorded, and never in the tree: its master died before
    std::size_t unrecorded = 0;   ///< in the tree, and its master died before it was recorded
    std::size_t holes = 0;        ///< of these, with a record by the same master of a later tick
    std::size_t span = 0;         ///< ticks from the first to the last one
    std::string first;            ///< difference, for people
};

/// The decisions of all masters against those of one core that nobody interrupts: it is given what
/// was seen at each tick, in order, and keeps its own history, of which it is told as a master is
/// how much of a decision was carried out. What counts is what is in the tree: a tick whose master
/// died before it had written it has never been. At a tick of which no record is left the core goes
/// on with the history in the tree: so it can't differ there, and there have to be few of them. A
/// master records a tick before it writes it, in order, on a thread of its own: only a killed one
/// loses records, and those of its last moment.
[[nodiscard]] DecisionSequence compare_decisions(const std::vector<FleetCommit>& commits,
                                                 const FleetName& fleet,
                                                 const std::vector<RecordedDecision>& recorded,
                                                 const scaler::Policy& policy,
                                                 std::chrono::seconds period);

}  // namespace muster::test
