#include "tests/failover/world.hpp"

#include "tests/support/eventually.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace muster::test {

using namespace std::chrono_literals;
using follow::ClusterView;
using znodes::InstancePhase;

namespace {

constexpr std::size_t backends = 2;  ///< of group web; machines get the others

void kill_and_wait(pid_t pid) {
    if (pid <= 1) return;
    ::kill(pid, SIGKILL);
    if (!eventually(10s, [&] { return !is_alive(pid); }))
        throw std::runtime_error("a killed process goes on");
}

std::uint16_t port_of(const std::string& address) {
    return static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
}

const follow::ManagedFleet* managed_of(const ClusterView& view, const std::string& fleet) {
    const auto found = view.managed.find(FleetName(fleet));
    return found == view.managed.end() ? nullptr : &found->second;
}

}  // namespace

FailoverWorld::FailoverWorld(Settings settings)
    : responder(backends + settings.machines),
      park(responder, backends),
      names(etcd),
      etcd_wire(Wire::Protocol::http, {etcd.port()}) {
    Cluster::Settings nodes;
    nodes.more_settings = fmt::format(
        "providers:\n"
        "  park: {{webhook: {{url: \"{}/v1/machines\", timeout: 30s}}}}\n"
        "dns:\n"
        "  etcd: {{endpoints: [\"http://{}\"], timeout: 500ms}}\n"
        "  zones: [muster.test]\n"
        "  allowed_addresses: [127.0.0.0/8]\n"
        "prometheus: {{endpoints: [\"{}\"]}}\n"
        "{}",
        park.url(),
        etcd_wire.addresses().front(),
        park.url(),
        settings.more_settings);
    nodes.through = [this](const std::vector<std::string>& servers) {
        std::vector<std::uint16_t> ports;
        std::ranges::transform(servers, std::back_inserter(ports), port_of);
        zookeeper_wire.emplace(Wire::Protocol::zookeeper, ports);
        return zookeeper_wire->addresses();
    };
    cluster.emplace(nodes);
    std::ifstream digest(cluster->agent_auth_file());
    std::string text;
    std::getline(digest, text);
    park.join(cluster->zookeeper_addresses(), text, cluster->observer().view().cluster());
    cluster->apply(make_group(responder, "web", 0, backends, 500ms));
    if (!cluster->wait_all_up(30s)) throw std::runtime_error("the cluster does not come up");
}

std::string FailoverWorld::document(const Fleet& fleet) const {
    const std::string dns =
        fleet.dns ? fmt::format("[{{name: {}.muster.test, types: [A], ttl: 5s}}]", fleet.name)
                  : "[]";
    const std::string metric =
        fleet.metric.empty() ? fmt::format("{{name: floor, fixed: {}}}", fleet.size) : fleet.metric;
    return fmt::format(R"(kind: Fleet
name: {}
spec:
  listeners: [{{name: main, bind: ":{}", group: web}}]
  health: {{interval: 200ms, timeout: 200ms}}
  dns: {}
  provider:
    name: park
    create_timeout: {}s
    drain_timeout: {}s
    grace: 0s
    replace_dead: {}
  scaling:
    min: 1
    max: {}
    period: 1s
    scrape_interval: 1s
    warm_up: {}s
    metrics: [{}]
    in: {}
    out: {}
)",
                       fleet.name,
                       responder.port(),
                       dns,
                       fleet.create_timeout.count(),
                       fleet.drain_timeout.count(),
                       fleet.replace_dead,
                       fleet.max,
                       fleet.warm_up.count(),
                       metric,
                       fleet.in,
                       fleet.out);
}

void FailoverWorld::apply(const Fleet& fleet) {
    fleets_.insert_or_assign(fleet.name, fleet);
    cluster->apply(document(fleet));
}

void FailoverWorld::resize(const std::string& fleet, int size) {
    Fleet changed = fleets_.at(fleet);
    changed.size = size;
    apply(changed);
}

void FailoverWorld::kill_writer(const std::string& request) {
    for (std::size_t node = 0; node < cluster->size(); ++node)
        if (request.contains(fmt::format("\"writer\":\"{}\"", Cluster::name(node).str())))
            return kill_and_wait(cluster->child(node));
    throw std::runtime_error("nobody has written this: " + request);
}

void FailoverWorld::kill_master() {
    const auto master = cluster->master();
    if (!master) throw std::runtime_error("there is no master");
    kill_and_wait(cluster->child(*master));
}

void FailoverWorld::start_again() {
    for (std::size_t node = 0; node < cluster->size(); ++node)
        if (!cluster->running(node)) cluster->start(node);
}

std::int64_t FailoverWorld::epoch() const {
    const ClusterView view = cluster->observer().view();
    return view.epoch ? view.epoch->version : 0;
}

bool FailoverWorld::new_master(std::int64_t than, std::chrono::seconds limit) {
    return cluster->observer().wait(limit, [&](const ClusterView& view) {
        return view.epoch && view.epoch->version > than &&
               view.members.contains(view.epoch->value.node);
    });
}

std::optional<znodes::FleetState> FailoverWorld::state(const std::string& fleet) const {
    const ClusterView view = cluster->observer().view();
    const follow::ManagedFleet* const managed = managed_of(view, fleet);
    if (managed == nullptr || !managed->state || managed->state->gone) return std::nullopt;
    return managed->state->value;
}

std::map<std::string, InstancePhase> FailoverWorld::phases(const std::string& fleet) const {
    const ClusterView view = cluster->observer().view();
    std::map<std::string, InstancePhase> phases;
    if (const follow::ManagedFleet* const managed = managed_of(view, fleet))
        for (const auto& [id, record] : managed->instances)
            if (!record.gone) phases.emplace(id.str(), record.value.phase);
    return phases;
}

bool FailoverWorld::settled(const std::string& fleet, std::size_t size) const {
    const auto now = phases(fleet);
    const auto is = state(fleet);
    if (!is || is->intent || now.size() != size) return false;
    const std::set<std::string> machines = park.machines_of(fleet);
    return machines.size() == size && std::ranges::all_of(now, [&](const auto& one) {
               return one.second == InstancePhase::serving && machines.contains(one.first);
           });
}

std::vector<FleetCommit> FailoverWorld::commits() const {
    return fleet_commits(cluster->zookeeper(), cluster->observer().view().cluster());
}

std::vector<std::string> FailoverWorld::judge(const RemovalBudget& budget) const {
    const std::vector<FleetCommit> all = commits();
    std::vector<std::string> wrong = park.violations();
    const auto add = [&](const std::vector<std::string>& more) {
        wrong.insert(wrong.end(), more.begin(), more.end());
    };
    add(judge_order(all));
    add(judge_removals(all, park.done(), budget));
    add(judge_names(all, park.done(), names.events()));
    return wrong;
}

std::string FailoverWorld::logs() {
    return "\n" + cluster->logs();
}

}  // namespace muster::test
