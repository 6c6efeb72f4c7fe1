#pragma once

#include "common/znodes/payloads_scaling.hpp"
#include "tests/failover/dns_watch.hpp"
#include "tests/failover/machine_park.hpp"
#include "tests/stale/transaction_log.hpp"
#include "tests/support/zookeeper_server.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// What masters have written about fleets, as ZooKeeper itself has it, and what must hold of that.
namespace muster::test {

/// One transaction that changed a fleet's state, its records or both.
struct FleetCommit {
    std::int64_t zxid = 0;
    WallTime at{};
    FleetName fleet;
    std::optional<znodes::FleetState> state{};
    std::map<InstanceId, std::optional<znodes::FleetInstanceRecord>> records{};  ///< absent: gone
};

/// Of all servers, in order. Throws std::runtime_error when a payload can't be read.
[[nodiscard]] std::vector<FleetCommit> fleet_commits(const ZooKeeperServers& servers,
                                                     const std::string& cluster_uuid);

/// Epochs of writers, generations and ticks never fall; a phase is only followed by those that may
/// follow it (docs/scaling-lifecycle.md); a record's token never changes, and no name comes back.
[[nodiscard]] std::vector<std::string> judge_order(const std::vector<FleetCommit>& commits);

struct RemovalBudget {
    int count = 1;
    std::chrono::seconds window{60};
};
/// Instances that were told to leave, within any window; and those that the provider removed beyond
/// what had been written as leaving or failed by then.
[[nodiscard]] std::vector<std::string> judge_removals(const std::vector<FleetCommit>& commits,
                                                      const std::vector<MachinePark::Done>& done,
                                                      const RemovalBudget& budget);

/// Records of instances that couldn't answer yet; of those that didn't serve within the second
/// before they were seen in the store, though another one of the fleet did; and those that were
/// still there when the record said `deleting`.
[[nodiscard]] std::vector<std::string> judge_names(const std::vector<FleetCommit>& commits,
                                                   const std::vector<MachinePark::Done>& done,
                                                   const std::vector<DnsWatch::Event>& names);

}  // namespace muster::test
