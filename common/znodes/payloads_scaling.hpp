#pragma once

#include "common/znodes/payloads.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What is kept below `fleets/<f>` of a fleet whose LBs muster makes itself (DESIGN.md, 4 and 8).
// Part of payloads.hpp: the same rules of encode() and decode() hold. Pure.
namespace muster::znodes {

struct SizeAt {
    WallTime at{};
    int size = 0;
    bool operator==(const SizeAt&) const = default;
};

struct SizeChange {
    WallTime at{};
    int added = 0;
    int removed = 0;
    bool operator==(const SizeChange&) const = default;
};

/// scaler::History. Oldest first.
struct SizeHistory {
    std::vector<SizeAt> peaks{};
    std::vector<SizeAt> troughs{};
    std::vector<SizeChange> events{};
    std::optional<WallTime> last{};  ///< evaluation
    std::string memory{};            ///< the rest of it: JSON that the scaler alone reads
    bool operator==(const SizeHistory&) const = default;
};

enum class FleetIntentKind : std::uint8_t { out, in, replace };

/// What is being done to the fleet. One at a time; written before anything is done.
struct FleetIntent {
    FleetIntentKind kind = FleetIntentKind::out;
    std::int64_t generation = 0;        ///< of the state when it began, or was last extended
    std::vector<InstanceId> ids{};      ///< that are made
    std::vector<InstanceId> leaving{};  ///< that are taken away
    WallTime started{};
    WallTime deadline{};  ///< for people: until then it should be done
    std::string nonce;    ///< new with each intent
    std::string digest;   ///< of the decision that it comes from; may be empty
    bool operator==(const FleetIntent&) const = default;
};

/// Creates that failed stop further ones for a while.
struct FleetBackOff {
    int failures = 0;   ///< in a row
    WallTime failed{};  ///< the last one
    WallTime until{};   ///< nothing is created before
    bool operator==(const FleetBackOff&) const = default;
};

/// A machine that carries the fleet's name and has no record.
struct OrphanSighting {
    WallTime first{};
    WallTime last{};
    int listings = 0;                     ///< complete ones that had it, in a row
    std::optional<WallTime> condemned{};  ///< it is removed; from here on there is no return
    bool operator==(const OrphanSighting&) const = default;
};

/// `fleets/<f>/state`
struct FleetState {
    Stamp stamp;                  ///< token is E
    std::string fleet_uid;        ///< of the fleet's life
    std::int64_t generation = 0;  ///< counts intents; ids contain it
    int target = 0;               ///< as many instances are to be; those that leave don't count
    /// When this state was begun: the later of two is right, though its generation be lower.
    std::optional<WallTime> founded{};
    SizeHistory history;
    FleetBackOff back_off;
    std::optional<FleetIntent> intent{};
    std::map<InstanceId, OrphanSighting> orphans{};
    std::vector<WallTime> collected{};   ///< orphans, in the last hour
    std::optional<WallTime> listed{};    ///< the last listing that was taken in
    std::int64_t tick = 0;               ///< number of the last evaluation
    std::optional<WallTime> replaced{};  ///< when a dead instance was last replaced
    /// Hosts that made nothing of an order, and until when others are preferred.
    std::map<std::string, WallTime> avoided{};
    int owed = 0;        ///< dead instances that left, and whose replacements failed
    bool named = false;  ///< names are answered with its instances, or may still be
    /// When all that a decision needs was known last; never: since when it is to be. Absent: an
    /// earlier build's.
    std::optional<WallTime> informed{};
    bool operator==(const FleetState&) const = default;
};

enum class FleetPauseKind : std::uint8_t { none, in, out, all };

/// `fleets/<f>/pause`. Is there as soon as the fleet is managed, so that each step can check it.
struct FleetPause {
    Stamp stamp;  ///< token is 0
    FleetPauseKind kind = FleetPauseKind::none;
    std::string by;
    std::string why;
    std::optional<WallTime> until{};  ///< absent: until someone ends it
    bool operator==(const FleetPause&) const = default;
};

/// DESIGN.md, 8.
enum class InstancePhase : std::uint8_t {
    planned,
    creating,
    booting,
    warming,
    serving,
    draining,
    deleting,
    gone,
    failed,
};

/// `fleets/<f>/instances/<iid>`
struct FleetInstanceRecord {
    Stamp stamp;  ///< token is E
    std::string fleet_uid;
    std::int64_t generation = 0;  ///< of the intent that it was made by
    InstancePhase phase = InstancePhase::planned;
    WallTime since{};      ///< in this phase
    std::string token;     ///< of this life at the provider
    std::string provider;  ///< by its name in the nodes' settings
    std::string host;      ///< node id; empty: the provider's choice
    std::string zone;
    std::string address;               ///< as far as known
    std::int64_t spec_generation = 0;  ///< of the fleet's spec that it was made by
    /// Of the phase: creating, booting. Draining: until then connections may last; it has none
    /// before nobody gets its address any more.
    std::optional<WallTime> deadline{};
    std::optional<WallTime> warm_until{};
    std::optional<WallTime> drain_started{};
    std::optional<WallTime> delete_asked{};  ///< the provider has taken the removal
    int absent = 0;                          ///< answers in a row that there is no such machine
    std::optional<WallTime> absent_at{};     ///< the last of them
    std::optional<WallTime> keep_until{};    ///< not chosen for removal before: it was refused
    std::string reason;                      ///< for people
    bool operator==(const FleetInstanceRecord&) const = default;
};

enum class ReportedState : std::uint8_t { starting, running, stopping, stopped, unknown };

inline constexpr std::size_t max_size_ring = 256;
inline constexpr std::size_t max_size_memory = 64UZ << 10U;
inline constexpr std::size_t max_intent_ids = 200;
inline constexpr std::size_t max_orphan_sightings = 200;
inline constexpr std::size_t max_avoided_hosts = 256;
inline constexpr std::size_t max_fleet_reason = 250;
inline constexpr int max_fleet_size = 10'000;

[[nodiscard]] std::string_view to_string(FleetIntentKind kind);
[[nodiscard]] std::string_view to_string(FleetPauseKind kind);
[[nodiscard]] std::string_view to_string(InstancePhase phase);
[[nodiscard]] std::string_view to_string(ReportedState state);
[[nodiscard]] std::optional<ReportedState> reported_state(std::string_view text);

/// Texts for people are cut to max_fleet_reason, and freed of what isn't plain.
[[nodiscard]] std::string encode(const FleetState&);
[[nodiscard]] std::string encode(const FleetPause&);
[[nodiscard]] std::string encode(const FleetInstanceRecord&);

}  // namespace muster::znodes
