#pragma once

#include "common/base/id.hpp"
#include "common/znodes/payloads.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

// Which generation of a group an LB applies (docs/decisions/0018). Pure.
namespace muster::znodes {

enum class GenerationReason {
    no_rollout,     ///< none has ever been seen: the newest
    released,       ///< the rollout says: the newest
    earlier_life,   ///< it is about an earlier group of that name: the newest
    settled,        ///< nothing is under way: all are on the same
    wave_open,      ///< its wave is on the candidate
    wave_waits,     ///< its wave is not on the candidate yet
    in_no_wave,     ///< no wave has it: the stable one
    rolled_back,    ///< a wave has failed: the stable one
    unreadable,     ///< there is one that can't be read: what it has
    not_available,  ///< the one assigned can't be read (any more): what it has, else the newest
};
[[nodiscard]] std::string_view to_string(GenerationReason reason);

/// What an LB's agent knows of a group's generations.
struct KnownGenerations {
    std::string group_uid;
    std::int64_t newest = 0;
    std::set<std::int64_t> readable;  ///< besides the newest: from the history
    std::int64_t applied = 0;         ///< what the LB has now; 0: none
};

struct AssignedGeneration {
    std::int64_t generation = 0;  ///< to apply
    std::int64_t assigned = 0;    ///< by the rollout; 0: it assigns none
    GenerationReason reason = GenerationReason::no_rollout;
    bool operator==(const AssignedGeneration&) const = default;
};

/// | rollout                                     | generation for the LB                         |
/// |---------------------------------------------|-----------------------------------------------|
/// | none, released, of another uid               | the newest                                    |
/// | stable = candidate                           | that one, however many newer there are        |
/// | a wave failed                                | stable                                        |
/// | its wave is watched or has passed            | candidate                                     |
/// | its wave waits, or none has it               | stable                                        |
/// | the one assigned is not known here           | the applied one, else the newest              |
/// | garbage from the beginning (`unreadable`)    | the applied one, else the newest              |
[[nodiscard]] AssignedGeneration assigned_generation(const std::optional<Rollout>& rollout,
                                                     bool unreadable,
                                                     const FleetName& fleet,
                                                     const InstanceId& instance,
                                                     const KnownGenerations& known);

/// Those that it may assign to any LB; empty where it assigns none.
[[nodiscard]] std::set<std::int64_t> generations_named(const Rollout& rollout);

}  // namespace muster::znodes
