#pragma once

#include "common/base/clock.hpp"
#include "common/follow/cluster_view.hpp"
#include "orchestrator/node.hpp"
#include "scaler/provider.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace muster::orchestrator {

/// The members that offer this provider.
[[nodiscard]] std::set<NodeId> nodes_with(const follow::ClusterView& view,
                                          const std::string& provider);

/// A person has said that this host is lost for good, and it isn't a member again: nothing of the
/// fleet runs there.
[[nodiscard]] bool is_lost(const follow::ClusterView& view,
                           const follow::ManagedFleet& fleet,
                           const NodeId& host);

/// All that may have machines of the fleet, so that a list is complete when each of them has told.
[[nodiscard]] std::set<NodeId> hosts_to_ask(const follow::ClusterView& view,
                                            const FleetName& fleet,
                                            const std::string& provider);

/// Machines that the nodes start on their own hosts, as the master sees them: what is to be done is
/// in the records of the instances (an Actuator carries it out), and what is there is in the
/// listings `fleets/<f>/hosts/<node>`. So a call waits until a listing that was made after it shows
/// what was asked for, and else its outcome is unknown. Executor: the control executor.
class HostsProvider final : public scaler::Provider {
 public:
    HostsProvider(Clock& clock, const Node& node, std::string name)
        : clock_(clock), node_(node), name_(std::move(name)) {}

    [[nodiscard]] scaler::ProviderAbilities abilities() const override {
        return {.places = true, .asks_hosts = true, .fences = true};
    }
    [[nodiscard]] asio::awaitable<scaler::ProviderResult<scaler::Machines>> list(
        FleetName fleet) override;
    [[nodiscard]] asio::awaitable<scaler::ProviderResult<scaler::Machine>> get(
        FleetName fleet, InstanceId id) override;
    [[nodiscard]] asio::awaitable<scaler::ProviderResult<scaler::Machine>> create(
        scaler::MachineOrder order, scaler::ProviderFence fence) override;
    [[nodiscard]] asio::awaitable<scaler::ProviderResult<void>> remove(
        FleetName fleet,
        InstanceId id,
        std::chrono::seconds grace,
        scaler::ProviderFence fence) override;
    [[nodiscard]] asio::awaitable<scaler::ProviderResult<void>> can_remove(FleetName fleet,
                                                                           InstanceId id) override;

 private:
    /// A listing of this host that is younger than `after`; nothing: none came in time.
    asio::awaitable<std::optional<znodes::HostMachines>> fresh(FleetName fleet,
                                                               NodeId host,
                                                               std::int64_t after,
                                                               SteadyTime limit);
    [[nodiscard]] const znodes::HostMachines* listing(const FleetName& fleet,
                                                      const NodeId& host) const;
    [[nodiscard]] std::int64_t sequence(const FleetName& fleet, const NodeId& host) const;
    [[nodiscard]] bool is_lost(const FleetName& fleet, const NodeId& host) const;
    /// Where the instance is, by its record or else by the listings; empty: nobody knows.
    [[nodiscard]] NodeId host_of(const FleetName& fleet, const InstanceId& id) const;
    [[nodiscard]] scaler::Machine machine_of(const znodes::HostMachine& machine,
                                             const NodeId& host) const;

    Clock& clock_;
    const Node& node_;
    std::string name_;
};

}  // namespace muster::orchestrator
