#include "orchestrator/hosts_provider.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace muster::orchestrator {

namespace {

using scaler::Machine;
using scaler::MachineState;
using scaler::ProviderError;
using scaler::Trouble;

constexpr std::chrono::milliseconds look_period{50};
/// Twice as long as an actuator needs for a listing that doesn't change, and then some.
constexpr std::chrono::seconds listing_limit{12};
constexpr std::chrono::seconds create_limit{30};

MachineState state_of(znodes::ReportedState state) {
    switch (state) {
        case znodes::ReportedState::starting:
            return MachineState::starting;
        case znodes::ReportedState::running:
            return MachineState::running;
        case znodes::ReportedState::stopping:
            return MachineState::stopping;
        case znodes::ReportedState::stopped:
            return MachineState::stopped;
        case znodes::ReportedState::unknown:
            break;
    }
    return MachineState::unknown;
}

const znodes::HostMachine* find(const znodes::HostMachines& listing, const InstanceId& id) {
    const auto found = std::ranges::find(listing.machines, id, &znodes::HostMachine::id);
    return found == listing.machines.end() ? nullptr : &*found;
}

tl::unexpected<ProviderError> silent(Trouble trouble, const NodeId& host) {
    return tl::unexpected(
        ProviderError{.trouble = trouble,
                      .detail = fmt::format("host {} doesn't tell what runs there", host.str())});
}

}  // namespace

std::set<NodeId> nodes_with(const follow::ClusterView& view, const std::string& provider) {
    std::set<NodeId> nodes;
    for (const auto& [node, member] : view.members) {
        const auto& offered = member.value.providers;
        if (!member.garbage && std::ranges::find(offered, provider) != offered.end())
            nodes.insert(node);
    }
    return nodes;
}

bool is_lost(const follow::ClusterView& view,
             const follow::ManagedFleet& fleet,
             const NodeId& host) {
    const auto known = fleet.hosts.find(host);
    return known != fleet.hosts.end() && !known->second.garbage && known->second.value.lost &&
           !view.members.contains(host);
}

std::set<NodeId> hosts_to_ask(const follow::ClusterView& view,
                              const FleetName& fleet,
                              const std::string& provider) {
    std::set<NodeId> hosts = nodes_with(view, provider);
    const auto managed = view.managed.find(fleet);
    if (managed == view.managed.end()) return hosts;
    for (const auto& [host, known] : managed->second.hosts) {
        // An empty host that is gone has nothing to tell.
        if (known.value.provider == provider && !known.value.machines.empty()) hosts.insert(host);
    }
    for (const auto& [id, record] : managed->second.instances) {
        if (record.value.provider == provider && !record.value.host.empty())
            hosts.insert(NodeId(record.value.host));
    }
    std::erase_if(hosts, [&](const NodeId& host) { return is_lost(view, managed->second, host); });
    return hosts;
}

bool HostsProvider::is_lost(const FleetName& fleet, const NodeId& host) const {
    const auto managed = node_.view().managed.find(fleet);
    return managed != node_.view().managed.end() &&
           orchestrator::is_lost(node_.view(), managed->second, host);
}

const znodes::HostMachines* HostsProvider::listing(const FleetName& fleet,
                                                   const NodeId& host) const {
    const auto managed = node_.view().managed.find(fleet);
    if (managed == node_.view().managed.end()) return nullptr;
    const auto known = managed->second.hosts.find(host);
    if (known == managed->second.hosts.end() || known->second.garbage) return nullptr;
    return &known->second.value;
}

std::int64_t HostsProvider::sequence(const FleetName& fleet, const NodeId& host) const {
    const znodes::HostMachines* const known = listing(fleet, host);
    return known != nullptr ? known->stamp.sequence : 0;
}

NodeId HostsProvider::host_of(const FleetName& fleet, const InstanceId& id) const {
    const auto managed = node_.view().managed.find(fleet);
    if (managed == node_.view().managed.end()) return {};
    const auto record = managed->second.instances.find(id);
    if (record != managed->second.instances.end()) return NodeId(record->second.value.host);
    for (const auto& [host, known] : managed->second.hosts) {
        if (find(known.value, id) != nullptr) return host;
    }
    return {};
}

Machine HostsProvider::machine_of(const znodes::HostMachine& machine, const NodeId& host) const {
    const auto age = std::chrono::floor<std::chrono::seconds>(clock_.wall() - machine.started);
    return {.id = machine.id,
            .token = machine.token,
            .state = state_of(machine.state),
            .address = machine.address,
            .host = host.str(),
            .age = std::max(age, std::chrono::seconds(0))};
}

asio::awaitable<std::optional<znodes::HostMachines>> HostsProvider::fresh(FleetName fleet,
                                                                          NodeId host,
                                                                          std::int64_t after,
                                                                          SteadyTime limit) {
    for (;;) {
        const znodes::HostMachines* const known = listing(fleet, host);
        if (known != nullptr && known->stamp.sequence > after && known->error.empty())
            co_return *known;
        if (clock_.now() >= limit) co_return std::nullopt;
        co_await clock_.sleep_for(look_period);
    }
}

asio::awaitable<scaler::ProviderResult<scaler::Machines>> HostsProvider::list(FleetName fleet) {
    scaler::Machines all{.machines = {}, .complete = true};
    // Before its first write a fleet has no place for listings: then nothing of it can run.
    const auto managed = node_.view().managed.find(fleet);
    if (managed == node_.view().managed.end() || !managed->second.made) co_return all;
    std::map<NodeId, std::int64_t> before;
    for (const NodeId& host : hosts_to_ask(node_.view(), fleet, name_))
        before.emplace(host, sequence(fleet, host));
    const SteadyTime limit = clock_.now() + listing_limit;
    for (const auto& [host, sequence_before] : before) {
        const auto found = co_await fresh(fleet, host, sequence_before, limit);
        if (!found) {
            all.complete = false;
            continue;
        }
        for (const znodes::HostMachine& machine : found->machines)
            all.machines.push_back(machine_of(machine, host));
    }
    std::ranges::sort(all.machines, {}, &Machine::id);
    co_return all;
}

asio::awaitable<scaler::ProviderResult<Machine>> HostsProvider::get(FleetName fleet,
                                                                    InstanceId id) {
    const NodeId host = host_of(fleet, id);
    const Machine absent{.id = id, .token = {}, .state = MachineState::stopped};
    if (host.empty() || is_lost(fleet, host)) co_return absent;
    const auto found =
        co_await fresh(fleet, host, sequence(fleet, host), clock_.now() + listing_limit);
    if (!found) co_return silent(Trouble::unknown_outcome, host);
    const znodes::HostMachine* const machine = find(*found, id);
    co_return machine != nullptr ? machine_of(*machine, host) : absent;
}

asio::awaitable<scaler::ProviderResult<Machine>> HostsProvider::create(
    scaler::MachineOrder order, scaler::ProviderFence /*fence*/) {
    const NodeId host(order.host);
    const SteadyTime limit = clock_.now() + create_limit;
    std::int64_t seen = -1;
    if (is_lost(order.fleet, host))
        co_return tl::unexpected(
            ProviderError{.trouble = Trouble::invalid,
                          .detail = fmt::format("host {} is lost for good", host.str())});
    for (;;) {
        const auto found = co_await fresh(order.fleet, host, seen, limit);
        if (!found) co_return silent(Trouble::unknown_outcome, host);
        seen = found->stamp.sequence;
        const znodes::HostMachine* const machine = find(*found, order.id);
        if (machine != nullptr && machine->token == order.token)
            co_return machine_of(*machine, host);
        const auto refusal = found->refusals.find(order.id);
        if (refusal != found->refusals.end())
            co_return tl::unexpected(
                ProviderError{.trouble = Trouble::invalid, .detail = refusal->second});
    }
}

asio::awaitable<scaler::ProviderResult<void>> HostsProvider::remove(
    FleetName fleet, InstanceId id, std::chrono::seconds grace, scaler::ProviderFence /*fence*/) {
    const NodeId host = host_of(fleet, id);
    if (host.empty() || is_lost(fleet, host)) co_return scaler::ProviderResult<void>{};
    const SteadyTime limit = clock_.now() + grace + listing_limit;
    std::int64_t seen = sequence(fleet, host);
    for (;;) {
        const auto found = co_await fresh(fleet, host, seen, limit);
        if (!found) co_return silent(Trouble::unknown_outcome, host);
        seen = found->stamp.sequence;
        if (find(*found, id) == nullptr) co_return scaler::ProviderResult<void>{};
    }
}

asio::awaitable<scaler::ProviderResult<void>> HostsProvider::can_remove(FleetName fleet,
                                                                        InstanceId id) {
    const NodeId host = host_of(fleet, id);
    if (is_lost(fleet, host)) co_return scaler::ProviderResult<void>{};
    // A host that tells what runs there would carry it out.
    const auto managed = node_.view().managed.find(fleet);
    const znodes::HostMachines* const told = listing(fleet, host);
    const bool known =
        managed != node_.view().managed.end() && told != nullptr && told->error.empty();
    if (!known || clock_.now() - managed->second.hosts.at(host).received > listing_limit)
        co_return silent(Trouble::transient, host);
    co_return scaler::ProviderResult<void>{};
}

}  // namespace muster::orchestrator
