#pragma once

#include "checker/engine.hpp"
#include "checker/health_state.hpp"
#include "common/config/model.hpp"
#include "common/znodes/payloads.hpp"

#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// One slot of a shard as its prober sees it.
struct CellSlot {
    BackendId backend;
    checker::CheckId check{};
    bool active = false;  ///< probed: configured, not a tombstone, not in maintenance
    checker::HealthState state;
    SharedValue<znodes::Intents> intents;  ///< what it wants for itself
    SharedValue<znodes::Ejection> ejection;
};

/// The health of one shard, and its two written forms. Pure values; `Worker` owns and publishes
/// them.
struct StatusCell {
    std::string group_uid;
    int layout = 0;
    std::vector<CellSlot> slots;
};

/// The slots of `members`, probed as `group` says. What is known of a slot in `before` stays (same
/// layout), a slot in maintenance is forgotten: it has to prove itself again.
[[nodiscard]] StatusCell make_cell(const znodes::ShardMembers& members,
                                   const config::GroupSpec& group,
                                   const StatusCell* before);

/// Takes over what an owner has published, for slots that this prober knows nothing of.
void adopt(StatusCell& cell, const znodes::ShardStatus& published);

/// Gives those of which nobody knows anything the state that their checks begin with. For a cell of
/// `group`.
void begin_unknown(StatusCell& cell, const config::GroupSpec& group, WallTime now);

/// At the end of a planned move: what the old owner published last is the truth up to now. Where
/// our own verdict agrees, our (fresher) counters stay, raised to those handed over when they run
/// in the same direction; where it differs, the published state is taken as it is.
void merge(StatusCell& cell,
           const znodes::ShardStatus& published,
           const std::optional<znodes::Handoff>& handoff);

/// What a backend said of itself just now. An agent's words change what it said before, a reply's
/// replace what replies said; neither touches what the other has said.
enum class WordsOf { reply, agent };
void take_words(CellSlot& slot,
                const checker::IntentWords& words,
                WordsOf source,
                config::Duration standard_ttl,
                WallTime now);

/// What the cell publishes. The stamp is the caller's.
[[nodiscard]] znodes::ShardStatus to_status(const StatusCell& cell,
                                            znodes::Stamp stamp,
                                            WallTime now,
                                            bool doubt = false);
[[nodiscard]] znodes::Handoff to_handoff(const StatusCell& cell,
                                         znodes::Stamp stamp,
                                         std::int64_t move);

[[nodiscard]] znodes::Letter letter_of(checker::Verdict verdict);
[[nodiscard]] checker::Verdict verdict_of(znodes::Letter letter);

}  // namespace muster::orchestrator
