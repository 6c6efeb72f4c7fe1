#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"
#include "common/znodes/paths.hpp"
#include "orchestrator/audit.hpp"
#include "orchestrator/control_plan.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

// What the master deletes because nobody needs it any more: earlier heads beyond a bound, backend
// chunks that no kept head names, the tombstones of groups and fleets that are gone, old audit
// entries. Pure.
namespace muster::orchestrator {

/// A head, present or earlier.
struct ReadHead {
    std::int32_t version = 0;
    bool readable = false;
    std::string uid;
    bool deleted = false;  ///< a tombstone
    std::int64_t generation = 0;
    std::vector<std::string> chunks;  ///< that it names
};

/// What the tree holds of the configuration of one group or fleet.
struct ConfigTraces {
    std::optional<ReadHead> head;  ///< nothing: not there
    bool has_layout = false;       ///< groups/<g> is there; of a fleet groups/@<f>
    bool has_rollout = false;      ///< rollouts/<g> is there
    /// The generations that it names: their history stays, however old. Nothing: unreadable.
    std::optional<std::set<std::int64_t>> held = std::set<std::int64_t>{};
    bool has_history = false;  ///< config/history/<kind>/<name> is there
    /// Generation -> chunks that it names; nothing: unreadable. Chunks of those that are not kept
    /// need not be known.
    std::map<std::int64_t, std::optional<std::vector<std::string>>> history;
};

/// Read in this order, in one session: first `heads_version`, then heads and history, then chunks.
/// A head that is written after the first read changes the version that every deletion of a chunk
/// checks; one that was written before is among those read.
struct ConfigInventory {
    std::int32_t heads_version = 0;  ///< of `config/chunks`, which each write of a head sets
    std::map<znodes::ConfigName, ConfigTraces> objects;
    std::set<std::string> chunks;
    std::vector<std::string> audit;  ///< names
};

/// Since when a thing has looked useless to this master, at each look.
struct CollectionMemory {
    std::map<std::string, SteadyTime> unnamed;            ///< chunk -> first seen so
    std::map<znodes::ConfigName, SteadyTime> tombstones;  ///< without layout
};

struct CollectionSettings {
    std::chrono::nanoseconds period = std::chrono::minutes(1);
    /// The API writes chunks before the head that names them; and a tombstone should be read by
    /// whoever was away for a moment.
    std::chrono::nanoseconds grace = std::chrono::minutes(10);
    std::int64_t kept_generations = 32;  ///< of each object, the present one included
    std::size_t kept_audit = max_audit_entries;
};

struct CollectionPlan {
    std::vector<Transaction> transactions;  ///< independent of one another
    CollectionMemory memory;
};

/// `epoch` is the guard of every transaction. What can't be read may name anything: while a head or
/// a kept history of a group is unreadable no chunk is deleted, and no history of what has no
/// readable head.
[[nodiscard]] CollectionPlan plan_collection(const znodes::Paths& paths,
                                             std::int64_t epoch,
                                             const ConfigInventory& inventory,
                                             const CollectionMemory& memory,
                                             SteadyTime now,
                                             const CollectionSettings& settings);

/// The generations whose history stays: the newest `kept_generations`, up to the head's if it is
/// known, and those that a rollout names; all while it can't be read.
[[nodiscard]] bool is_kept(const ConfigTraces& object,
                           std::int64_t generation,
                           const CollectionSettings& settings);

}  // namespace muster::orchestrator
