#pragma once

#include "agent/agent_metrics.hpp"
#include "agent/lb_counters.hpp"
#include "agent/lb_state.hpp"
#include "agent/outlier_detector.hpp"
#include "common/base/clock.hpp"
#include "common/coordination/store.hpp"
#include "common/follow/cluster_view.hpp"
#include "common/znodes/paths.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace muster::agent {

/// Tells the nodes what the LB counts of the backends of groups with `outlier`: looks at the
/// counters, and keeps `evidence/<group>/<fleet>:<instance>` as they say. A cluster whose tree was
/// made before there was `evidence` gets none until `musterctl init` is run again. Executor: the
/// store's.
class OutlierReporter {
 public:
    struct Identity {
        FleetName fleet;
        InstanceId instance;
        std::string incarnation;
    };

    OutlierReporter(coordination::Store& store,
                    Clock& clock,
                    znodes::Paths paths,
                    LbCounterSource& source,
                    AgentMetrics& metrics,
                    Identity identity);

    /// One look: at the groups of `state` that want it by `view`. To be called once a second, and
    /// not at all while nobody is registered under this name. Each group is written at most once a
    /// call, and only what is news.
    [[nodiscard]] asio::awaitable<void> look(const LbState& state, const follow::ClusterView& view);

 private:
    /// What a look needs to know of a group.
    struct Wanted {
        config::OutlierSpec outlier;
        std::string uid;
        bool operator==(const Wanted&) const = default;
    };
    struct Group {
        Wanted wanted;
        OutlierState state;
    };
    struct Written {
        std::uint64_t session = 0;
        znodes::LbEvidence evidence;
    };

    asio::awaitable<void> look_at(LbState state,
                                  std::map<GroupName, Wanted> wanted,
                                  std::string cluster);
    asio::awaitable<bool> read(const LbState& state, const std::map<GroupName, Wanted>& wanted);
    asio::awaitable<void> tell(GroupName group, std::optional<znodes::LbEvidence> evidence);
    asio::awaitable<bool> write(GroupName group, std::string data);

    coordination::Store& store_;
    Clock& clock_;
    znodes::Paths paths_;
    LbCounterSource& source_;
    AgentMetrics& metrics_;
    Identity identity_;
    std::map<GroupName, Group> groups_;
    std::map<GroupName, Written> written_;
    std::int64_t sequence_ = 0;
    std::int64_t findings_ = 0;  ///< no number of one comes twice, whatever is forgotten
    std::string error_;
};

}  // namespace muster::agent
