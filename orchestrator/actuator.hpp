#pragma once

#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/store.hpp"
#include "common/follow/cluster_view.hpp"
#include "orchestrator/node.hpp"
#include "scaler/provider.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// By its name in this node's settings.
using LocalProviders = std::map<std::string, std::shared_ptr<scaler::Provider>>;

/// What this host is to do for a fleet, as the tree has it.
struct HostOrders {
    std::vector<scaler::MachineOrder> create;
    std::vector<InstanceId> remove;
    bool operator==(const HostOrders&) const = default;
};

/// `here`: what runs. Only a machine that was ordered and isn't there yet is made (one that has
/// ended is the master's to replace, under another name); removed are those whose records say so,
/// and orphans that a master has condemned. A record that has vanished or is garbage says nothing.
/// Pure.
[[nodiscard]] HostOrders orders_of(const follow::ManagedFleet& fleet,
                                   const FleetName& name,
                                   const std::string& uid,  ///< of the fleet's life
                                   const NodeId& host,
                                   const std::string& provider,
                                   const std::map<std::string, std::string>& parameters,
                                   const std::vector<scaler::Machine>& here);

/// Carries out, on this node's host, what the records of instances order (DESIGN.md, 8), and tells
/// in `fleets/<f>/hosts/<node>` what runs here; under A, the version of this node's assignment.
/// Works without a master, and does nothing while ZooKeeper is away: before a machine is made its
/// record is read again. Executor: the control executor.
class Actuator {
 public:
    Actuator(asio::any_io_executor executor,
             coordination::Store& store,
             Clock& clock,
             const Node& node,
             LocalProviders providers);
    ~Actuator();

    void start();
    [[nodiscard]] asio::awaitable<void> stop();

    /// The view may have changed.
    void look() { wake_.notify(); }

 private:
    struct Known;  ///< of one fleet

    asio::awaitable<void> run();
    asio::awaitable<void> tick();
    asio::awaitable<void> serve(FleetName name, Known& known);
    void carry_out(const FleetName& name, Known& known);
    asio::awaitable<void> create(FleetName fleet, scaler::MachineOrder order);
    asio::awaitable<void> remove(FleetName fleet, InstanceId id, std::chrono::seconds grace);
    asio::awaitable<void> tell(FleetName name, Known& known);
    [[nodiscard]] znodes::HostMachines listing(const Known& known) const;
    [[nodiscard]] bool is_still_ordered(const scaler::MachineOrder& order,
                                        const std::string& data) const;
    [[nodiscard]] scaler::ProviderFence fence() const;
    [[nodiscard]] const config::FleetProvider* provider_of(const FleetName& name) const;

    coordination::Store& store_;
    Clock& clock_;
    const Node& node_;
    LocalProviders providers_;
    Signal wake_;
    std::map<FleetName, std::unique_ptr<Known>> known_;  ///< never shrinks
    TaskGroup tasks_;
};

}  // namespace muster::orchestrator
