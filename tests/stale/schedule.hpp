#pragma once

#include "tests/stale/holding_store.hpp"
#include "tests/stale/host.hpp"
#include "tests/stale/stale_cluster.hpp"

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace muster::stale {

/// What the victim is when it holds its breath.
enum class Part {
    master,    ///< and a worker besides
    worker,    ///< one that owns shards
    claimant,  ///< next in line, about to take the office that the master has just given up
};
[[nodiscard]] std::string_view to_string(Part part);

/// A held write after its release.
struct ReleasedWrite {
    std::shared_ptr<HeldWrite> write;
    /// Its guard had moved on before it was sent, as the witness saw.
    bool stale = false;
    std::int64_t after = 0;  ///< zxid of a change seen before it was sent
};

/// One history: who was parted, how, and what became of what it held.
struct ScheduleReport {
    std::uint64_t seed = 0;
    Part part = Part::worker;
    Separation separation = Separation::frozen;
    NodeId victim;
    std::string unfinished;  ///< why it proves nothing; empty: it ran to its end
    std::vector<ReleasedWrite> writes;

    /// It ran to its end, and a stale write of each class met a server.
    [[nodiscard]] bool complete() const;
};
/// "schedule 7: master ann, frozen: 8 writes", and why it is not complete, if it is not.
[[nodiscard]] std::string to_string(const ScheduleReport& report);

/// Runs one randomised schedule on the cluster:
///  1. the victim begins to hold; backends flip, the configuration changes, the roamer joins or
///     leaves (planned moves), or the master steps down, so that the victim has writes to make;
///     what does not come up is composed with the victim's own tokens;
///  2. it is parted from ZooKeeper until the successor's first write: a new epoch's assignments,
///     and a status of one of its shards by another node;
///  3. it is reunited, and all that it held goes out over its new session, at once or a while
///  later.
[[nodiscard]] ScheduleReport run_schedule(StaleCluster& cluster, std::uint64_t seed);

/// One after the other with seeds from `seed` on, until `wanted` of them are complete; half as many
/// more may fail to be. Prints a line for each.
[[nodiscard]] std::vector<ScheduleReport> run_schedules(StaleCluster& cluster,
                                                        std::uint64_t seed,
                                                        std::size_t wanted);

}  // namespace muster::stale
