#pragma once

#include "orchestrator/snapshot.hpp"

#include <memory>
#include <vector>

namespace muster::orchestrator {

/// So many events of one kind and group are told one by one; the rest become one event with a
/// count ("web: 4950 more backends went DOWN").
inline constexpr std::size_t max_single_events = 40;

/// What happened between two snapshots of one node, without ids, in a fixed order: session, master,
/// pause, members, then group by group: config, backends' health, rotation, panic, shards; then
/// fleets. Pure.
/// - A first view (before has no cluster) tells only session, master and pauses: members and groups
///   did not change then, they became known.
/// - A verdict's change from or to nothing known (a new backend, a new group) is told only when it
///   is DOWN: a start of 10,000 backends is not 10,000 events.
/// - Rotation is told where it differs from what the verdict says: capped ejections, panic, drain.
[[nodiscard]] std::vector<Event> transitions(const Snapshot& before, const Snapshot& after);

/// The ring after `news`: numbered on from the newest id, the oldest dropped over max_kept_events.
/// Returns `ring` itself when there is no news.
[[nodiscard]] std::shared_ptr<const std::vector<Event>> append_events(
    const std::shared_ptr<const std::vector<Event>>& ring, std::vector<Event> news);

}  // namespace muster::orchestrator
