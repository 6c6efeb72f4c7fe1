#include "orchestrator/actuator.hpp"

#include "common/observe/log.hpp"
#include "scaler/lifecycle.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace muster::orchestrator {

namespace {

using znodes::FleetInstanceRecord;
using znodes::InstancePhase;

constexpr std::chrono::seconds look_period{1};
/// A listing is evidence for as long as it is young: unchanged, it is told again.
constexpr std::chrono::seconds told_at_least_every{5};
constexpr std::size_t most_refusals = 64;

znodes::ReportedState reported(scaler::MachineState state) {
    switch (state) {
        case scaler::MachineState::starting:
            return znodes::ReportedState::starting;
        case scaler::MachineState::running:
            return znodes::ReportedState::running;
        case scaler::MachineState::stopping:
            return znodes::ReportedState::stopping;
        case scaler::MachineState::stopped:
            return znodes::ReportedState::stopped;
        case scaler::MachineState::unknown:
            break;
    }
    return znodes::ReportedState::unknown;
}

const scaler::Machine* find(const std::vector<scaler::Machine>& machines, const InstanceId& id) {
    const auto found = std::ranges::find(machines, id, &scaler::Machine::id);
    return found == machines.end() ? nullptr : &*found;
}

bool is_over(InstancePhase phase) {
    return phase == InstancePhase::deleting || phase == InstancePhase::failed;
}

/// But for when it was made.
bool says_the_same(const znodes::HostMachines& one, const znodes::HostMachines& other) {
    const auto alike = [](const znodes::HostMachine& a, const znodes::HostMachine& b) {
        return a.id == b.id && a.token == b.token && a.state == b.state && a.address == b.address;
    };
    return one.error == other.error && one.refusals == other.refusals &&
           std::ranges::equal(one.machines, other.machines, alike);
}

}  // namespace

HostOrders orders_of(const follow::ManagedFleet& fleet,
                     const FleetName& name,
                     const std::string& uid,
                     const NodeId& host,
                     const std::string& provider,
                     const std::map<std::string, std::string>& parameters,
                     const std::vector<scaler::Machine>& here) {
    HostOrders orders;
    for (const auto& [id, known] : fleet.instances) {
        const FleetInstanceRecord& record = known.value;
        if (known.garbage || known.gone || record.fleet_uid != uid || record.host != host.str() ||
            record.provider != provider)
            continue;
        const scaler::Machine* const machine = find(here, id);
        if (record.phase == InstancePhase::creating && machine == nullptr)
            orders.create.push_back({.fleet = name,
                                     .id = id,
                                     .token = record.token,
                                     .host = host.str(),
                                     .parameters = parameters});
        if (is_over(record.phase) && machine != nullptr && machine->token == record.token)
            orders.remove.push_back(id);
    }
    if (!fleet.state || fleet.state->garbage || fleet.state->gone ||
        fleet.state->value.fleet_uid != uid)
        return orders;
    for (const auto& [id, orphan] : fleet.state->value.orphans) {
        const scaler::Machine* const machine = find(here, id);
        if (orphan.condemned && !fleet.instances.contains(id) && machine != nullptr &&
            scaler::proves_ours(uid, machine->token))
            orders.remove.push_back(id);
    }
    return orders;
}

struct Actuator::Known {
    std::string provider;  ///< of this node, for this fleet
    std::vector<scaler::Machine> here;
    std::string error;
    std::set<InstanceId> busy;  ///< being made or removed
    std::map<InstanceId, std::string> refusals;
    znodes::HostMachines told;
    SteadyTime told_at{};
    bool changed = true;  ///< something was done: tell at once
};

Actuator::Actuator(asio::any_io_executor executor,
                   coordination::Store& store,
                   Clock& clock,
                   const Node& node,
                   LocalProviders providers)
    : store_(store),
      clock_(clock),
      node_(node),
      providers_(std::move(providers)),
      wake_(executor),
      tasks_(executor) {}

Actuator::~Actuator() = default;

void Actuator::start() {
    if (providers_.empty()) return;
    tasks_.spawn("actuator", run());
    tasks_.spawn("actuator clock", tick());
}

asio::awaitable<void> Actuator::stop() {
    co_await tasks_.stop();
}

asio::awaitable<void> Actuator::tick() {
    for (;;) {
        co_await clock_.sleep_for(look_period);
        wake_.notify();
    }
}

asio::awaitable<void> Actuator::run() {
    for (;;) {
        co_await wake_.wait();
        if (!node_.settled() || store_.session().state != coordination::SessionState::connected)
            continue;
        for (const auto& [name, fleet] : node_.view().managed) {
            const config::FleetProvider* const provider = provider_of(name);
            if (!fleet.made || provider == nullptr || !providers_.contains(provider->name))
                continue;
            auto& known = known_[name];
            if (!known) known = std::make_unique<Known>();
            known->provider = provider->name;
        }
        for (const auto& [name, known] : known_) co_await serve(name, *known);
    }
}

const config::FleetProvider* Actuator::provider_of(const FleetName& name) const {
    const auto fleet = node_.view().fleets.find(name);
    if (fleet == node_.view().fleets.end() || !fleet->second.live()) return nullptr;
    return fleet->second.spec->provider ? &*fleet->second.spec->provider : nullptr;
}

scaler::ProviderFence Actuator::fence() const {
    const auto& control = node_.view().control;
    const auto& epoch = node_.view().epoch;
    return {.era = control ? control->value.era : 0, .epoch = epoch ? epoch->version : 0};
}

asio::awaitable<void> Actuator::serve(FleetName name, Known& known) {
    const std::shared_ptr<scaler::Provider> provider = providers_.at(known.provider);
    auto listed = co_await provider->list(name);
    known.error.clear();
    if (!listed) {
        known.error = listed.error().detail;
    } else if (!listed->complete) {
        known.error = "the listing is not complete";
    } else {
        known.here = std::move(listed->machines);
        carry_out(name, known);
    }
    co_await tell(name, known);
}

void Actuator::carry_out(const FleetName& name, Known& known) {
    const auto managed = node_.view().managed.find(name);
    const config::FleetProvider* const wanted = provider_of(name);
    if (managed == node_.view().managed.end() || wanted == nullptr) return;
    const HostOrders orders = orders_of(managed->second,
                                        name,
                                        node_.view().fleets.at(name).head->value.uid,
                                        node_.identity().node,
                                        known.provider,
                                        wanted->parameters,
                                        known.here);
    const auto grace = std::chrono::duration_cast<std::chrono::seconds>(wanted->grace);
    for (const scaler::MachineOrder& order : orders.create) {
        if (known.busy.insert(order.id).second)
            tasks_.spawn("create " + order.id.str(), create(name, order));
    }
    for (const InstanceId& id : orders.remove) {
        if (known.busy.insert(id).second)
            tasks_.spawn("remove " + id.str(), remove(name, id, grace));
    }
}

bool Actuator::is_still_ordered(const scaler::MachineOrder& order, const std::string& data) const {
    const auto record = znodes::decode<FleetInstanceRecord>(data, node_.view().cluster());
    return record && record->phase == InstancePhase::creating && record->token == order.token &&
           record->host == order.host;
}

asio::awaitable<void> Actuator::create(FleetName fleet, scaler::MachineOrder order) {
    const InstanceId id = order.id;
    // What this node has seen may be old: an order that was taken back makes no machine.
    const auto record =
        co_await store_.get(node_.paths().instance(fleet, id), coordination::Watch::none);
    Known& known = *known_.at(fleet);
    if (record && is_still_ordered(order, record->data)) {
        const std::shared_ptr<scaler::Provider> provider = providers_.at(known.provider);
        const auto made = co_await provider->create(std::move(order), fence());
        if (made) {
            log::info("machine_created", {{"fleet", fleet.str()}, {"instance", id.str()}});
            known.refusals.erase(id);
        } else {
            log::warn(
                "machine_not_created",
                {{"fleet", fleet.str()}, {"instance", id.str()}, {"why", made.error().detail}});
            const bool refused = made.error().trouble == scaler::Trouble::invalid ||
                                 made.error().trouble == scaler::Trouble::quota;
            if (refused) {
                while (known.refusals.size() >= most_refusals)
                    known.refusals.erase(known.refusals.begin());
                known.refusals[id] = made.error().detail;
            }
        }
        known.changed = true;
        // Tries again in the next round, without haste.
        if (!made) co_await clock_.sleep_for(look_period);
    } else {
        co_await clock_.sleep_for(look_period);
    }
    known.busy.erase(id);
    wake_.notify();
}

asio::awaitable<void> Actuator::remove(FleetName fleet, InstanceId id, std::chrono::seconds grace) {
    Known& known = *known_.at(fleet);
    const std::shared_ptr<scaler::Provider> provider = providers_.at(known.provider);
    const auto removed = co_await provider->remove(fleet, id, grace, fence());
    if (removed) {
        log::info("machine_removed", {{"fleet", fleet.str()}, {"instance", id.str()}});
    } else {
        log::warn(
            "machine_not_removed",
            {{"fleet", fleet.str()}, {"instance", id.str()}, {"why", removed.error().detail}});
        co_await clock_.sleep_for(look_period);
    }
    known.changed = true;
    known.busy.erase(id);
    wake_.notify();
}

znodes::HostMachines Actuator::listing(const Known& known) const {
    znodes::HostMachines now{
        .provider = known.provider, .error = known.error, .refusals = known.refusals};
    for (const scaler::Machine& machine : known.here) {
        if (now.machines.size() == znodes::max_host_machines) {
            now.error = "there are too many machines to list";
            break;
        }
        now.machines.push_back({.id = machine.id,
                                .token = machine.token,
                                .state = reported(machine.state),
                                .address = machine.address,
                                .started = clock_.wall() - machine.age});
    }
    return now;
}

asio::awaitable<void> Actuator::tell(FleetName name, Known& known) {
    const follow::ClusterView& view = node_.view();
    const NodeId& self = node_.identity().node;
    const auto managed = view.managed.find(name);
    const auto assignment = view.assignments.find(self);
    if (managed == view.managed.end() || !managed->second.made ||
        assignment == view.assignments.end() ||
        assignment->second.value.incarnation != node_.identity().incarnation)
        co_return;
    std::erase_if(known.refusals, [&](const auto& refusal) {
        return !managed->second.instances.contains(refusal.first);
    });
    znodes::HostMachines now = listing(known);
    const bool due = clock_.now() - known.told_at >= told_at_least_every;
    if (!due && !known.changed && says_the_same(now, known.told)) co_return;
    const auto mine = managed->second.hosts.find(self);
    const bool is_there = mine != managed->second.hosts.end();
    const std::int64_t seen = is_there ? mine->second.value.stamp.sequence : 0;
    now.time = clock_.wall();
    now.stamp = {.cluster = view.cluster(),
                 .token = assignment->second.version,
                 .writer = self.str(),
                 .sequence = std::max(known.told.stamp.sequence, seen) + 1};
    const znodes::Paths& paths = node_.paths();
    std::vector<coordination::Op> ops{coordination::CheckOp{.path = paths.assignment(self),
                                                            .version = assignment->second.version}};
    if (!managed->second.hosts_made)
        ops.emplace_back(coordination::CreateOp{.path = paths.hosts(name)});
    std::string data = znodes::encode(now);
    if (is_there)
        ops.emplace_back(
            coordination::SetOp{.path = paths.host(name, self), .data = std::move(data)});
    else
        ops.emplace_back(
            coordination::CreateOp{.path = paths.host(name, self), .data = std::move(data)});
    // What is done while this is under way is told by the next one.
    known.changed = false;
    const coordination::MultiOutcome outcome = co_await store_.multi(std::move(ops));
    if (!outcome.ok()) {
        // A race with what this node is about to read; the next round is soon.
        known.changed = true;
        co_return;
    }
    known.told = std::move(now);
    known.told_at = clock_.now();
}

}  // namespace muster::orchestrator
