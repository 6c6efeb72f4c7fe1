#pragma once

#include "tests/cluster/cluster.hpp"
#include "tests/failover/dns_watch.hpp"
#include "tests/failover/fleet_log.hpp"
#include "tests/failover/machine_park.hpp"
#include "tests/failover/wire.hpp"
#include "tests/support/etcd_server.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::test {

/// Three real nodes, ZooKeepers and an etcd, with wires between them, and a provider that the test
/// plays. Fleets are called as their test likes; each has a name in DNS, FLEET.muster.test.
/// Blocking; one thread.
class FailoverWorld {
 public:
    struct Settings {
        std::size_t machines = 64;    ///< that can be made, ever
        std::string more_settings{};  ///< of each node
    };
    explicit FailoverWorld(Settings settings);
    FailoverWorld() : FailoverWorld(Settings{}) {}

    struct Fleet {
        std::string name;
        int size = 1;
        std::chrono::seconds warm_up{1};
        std::chrono::seconds create_timeout{60};
        std::chrono::seconds drain_timeout{5};
        std::string in = "{window: 0s, budgets: [{count: 5, window: 1s}]}";
        std::string out = "{}";
        bool dns = true;
        std::string metric{};  ///< instead of the fixed size; then with max
        int max = 5;
        bool replace_dead = true;
    };
    /// By any node that answers; waits for one.
    void apply(const Fleet& fleet);
    /// The same with another size.
    void resize(const std::string& fleet, int size);

    /// Kills the child (its guardian closes the session) of whom the request names as its writer,
    /// and waits until it is dead.
    void kill_writer(const std::string& request);
    void kill_master();
    /// Those that have ended.
    void start_again();
    /// Until another epoch than this one is held by a node that is there.
    [[nodiscard]] bool new_master(std::int64_t than,
                                  std::chrono::seconds limit = std::chrono::seconds(20));
    [[nodiscard]] std::int64_t epoch() const;

    [[nodiscard]] std::optional<znodes::FleetState> state(const std::string& fleet) const;
    [[nodiscard]] std::map<std::string, znodes::InstancePhase> phases(
        const std::string& fleet) const;
    /// `size` serve, nothing is under way, and the provider has these machines alone.
    [[nodiscard]] bool settled(const std::string& fleet, std::size_t size) const;
    [[nodiscard]] std::vector<FleetCommit> commits() const;
    /// What is wrong of all that happened, all judges together.
    [[nodiscard]] std::vector<std::string> judge(const RemovalBudget& budget) const;
    [[nodiscard]] std::string logs();

    Responder responder;
    MachinePark park;
    EtcdServer etcd;
    DnsWatch names;
    std::optional<Wire> zookeeper_wire;
    Wire etcd_wire;
    std::optional<Cluster> cluster;

 private:
    [[nodiscard]] std::string document(const Fleet& fleet) const;

    std::map<std::string, Fleet> fleets_;
};

}  // namespace muster::test
