#pragma once

#include "common/base/result.hpp"
#include "common/coordination/types.hpp"
#include "common/follow/cluster_view.hpp"
#include "common/znodes/paths.hpp"
#include "orchestrator/commands.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

// What people order of fleets that size themselves, as transactions: under compare-and-set, with
// their audit. No master is needed; whoever is master checks what they wrote. Pure.
namespace muster::orchestrator {

/// Who orders, when, and by which node.
struct OrderedBy {
    Requester author;
    std::string writer;
    WallTime time{};
};

/// A znode as it was read just now; nothing: it isn't there.
using ReadNode = std::optional<coordination::Node>;

struct FleetPauseWrite {
    znodes::FleetPause pause;
    std::vector<coordination::Op> ops;
};

/// `there`: `fleets/<f>/pause`; `fleet_is_there`: `fleets/<f>`. An unreadable pause is replaced.
/// Fails for fleets that muster doesn't size.
[[nodiscard]] Result<FleetPauseWrite> plan_fleet_pause(const znodes::Paths& paths,
                                                       const follow::ClusterView& view,
                                                       const FleetPauseChange& change,
                                                       const ReadNode& there,
                                                       bool fleet_is_there,
                                                       const OrderedBy& by);

struct LostHostWrite {
    LostHost lost;
    std::vector<coordination::Op> ops;
};

/// `there`: `fleets/<f>/hosts/<host>`; `hosts_are_there`: its parent. Fails for a host that is a
/// member of the cluster, that the fleet never had, or whose LBs answer probes: so a mistake can't
/// take away what serves.
[[nodiscard]] Result<LostHostWrite> plan_lost_host(const znodes::Paths& paths,
                                                   const follow::ClusterView& view,
                                                   const HostLoss& loss,
                                                   const ReadNode& there,
                                                   bool hosts_are_there,
                                                   const OrderedBy& by);

/// Why a fleet with so many records of LBs must not be deleted; nothing: it may be.
[[nodiscard]] std::optional<Error> refuse_orphaning(const FleetName& fleet, std::size_t records);

}  // namespace muster::orchestrator
