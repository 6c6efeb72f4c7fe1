#include "orchestrator/scaling_view.hpp"

#include "common/follow/instance_group.hpp"
#include "orchestrator/hosts_provider.hpp"
#include "orchestrator/scaling_alarms.hpp"
#include "scaler/decide.hpp"
#include "scaler/orphans.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

namespace muster::orchestrator {

namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

/// A listing is told every 5 s; a host that is silent for so long can't be asked.
constexpr seconds host_silence{20};
constexpr seconds clocks_apart{5};
/// Fleets that decide often are to replace soon what has died.
constexpr seconds list_at_most_every{5};
constexpr seconds list_at_least_every{30};

scaler::LifecycleSettings settings_of(const follow::FleetView& fleet, bool places) {
    const config::FleetSpec& spec = *fleet.spec;
    static const config::FleetProvider none;
    const config::FleetProvider& provider = spec.provider ? *spec.provider : none;
    return {.fleet = spec.name,
            .uid = fleet.head->value.uid,
            .spec_generation = fleet.spec_generation,
            .provider = provider.name,
            .places = places,
            .parameters = provider.parameters,
            .create_timeout = duration_cast<seconds>(provider.create_timeout),
            .drain_timeout = duration_cast<seconds>(provider.drain_timeout),
            .grace = duration_cast<seconds>(provider.grace),
            .warm_up = duration_cast<seconds>(spec.scaling->warm_up),
            .replace_dead = provider.replace_dead,
            .shadow = spec.scaling->shadow,
            .take_down = spec.scaling->max == 0,
            .min = spec.scaling->min,
            .max = spec.scaling->max,
            .named = !spec.dns.empty(),
            .list_every = std::clamp(duration_cast<seconds>(2 * spec.scaling->period),
                                     list_at_most_every,
                                     list_at_least_every)};
}

bool is_reachable(const follow::ClusterView& view,
                  const follow::ManagedFleet& managed,
                  const NodeId& node,
                  SteadyTime now) {
    const auto known = managed.hosts.find(node);
    return view.members.contains(node) && known != managed.hosts.end() &&
           now - known->second.received < host_silence;
}

scaler::Verdict verdict_of(znodes::Letter letter) {
    switch (letter) {
        case znodes::Letter::up:
        case znodes::Letter::degraded:
            return scaler::Verdict::up;
        case znodes::Letter::down:
            return scaler::Verdict::down;
        case znodes::Letter::unknown:
            break;
    }
    return scaler::Verdict::unknown;
}

std::vector<scaler::HostView> hosts_of(const follow::ClusterView& view,
                                       const follow::ManagedFleet& managed,
                                       const config::FleetProvider& provider,
                                       bool asks_hosts,
                                       SteadyTime now) {
    std::vector<scaler::HostView> hosts;
    const auto& listed = provider.hosts;
    for (const NodeId& node : nodes_with(view, provider.name)) {
        if (!listed.empty() && std::ranges::find(listed, node.str()) == listed.end()) continue;
        const znodes::Member& member = view.members.at(node).value;
        // Of a program or a service that places machines the node itself knows nothing.
        const bool reachable = !asks_hosts || is_reachable(view, managed, node, now);
        hosts.push_back({.node = node, .zone = member.zone, .usable = reachable && !member.drain});
    }
    return hosts;
}

std::string why_unreadable(const follow::ManagedFleet& managed) {
    if (managed.state && !managed.state->gone && managed.state->garbage)
        return "the fleet's state in ZooKeeper can't be read";
    if (managed.pause && managed.pause->garbage)
        return "the fleet's pause in ZooKeeper can't be read";
    for (const auto& [id, record] : managed.instances) {
        if (record.garbage && !record.gone)
            return fmt::format("the record of {} can't be read", id.str());
    }
    return {};
}

/// A verdict of DOWN is an LB's death to the plan, so it has to be one of now.
bool is_of_now(const GroupRow& group, const BackendRow& row, WallTime now) {
    constexpr seconds longest_silence{30};
    const ShardRow* const shard = group.shard(row.shard);
    return shard != nullptr && !shard->owner.empty() && !shard->doubt &&
           now - shard->progress_time <= longest_silence;
}

/// `frozen`: verdicts aren't published now.
scaler::Sight sight_of(const GroupRow* group, const InstanceId& id, bool frozen, WallTime now) {
    const BackendRow* const row = group != nullptr ? group->backend(BackendId(id.str())) : nullptr;
    if (row == nullptr) return {};
    scaler::Sight sight{.verdict = verdict_of(row->verdict), .since = row->since};
    if (sight.verdict == scaler::Verdict::down && (frozen || !is_of_now(*group, *row, now)))
        sight.verdict = scaler::Verdict::unknown;
    // A verdict without a time says nothing of how long.
    if (sight.since == WallTime{}) sight.since = now;
    return sight;
}

/// What its agent has counted, unless that is old, or of another clock.
void add_connections(const follow::ClusterView& view,
                     const FleetName& fleet,
                     const InstanceId& id,
                     znodes::InstancePhase phase,
                     WallTime now,
                     scaler::Sight& sight) {
    const auto agent = view.agents.find({fleet, id});
    if (agent == view.agents.end() || agent->second.garbage || !agent->second.value.connections)
        return;
    const znodes::OpenConnections& told = *agent->second.value.connections;
    // An agent says more often how an LB drains (agent/connection_reporter.hpp).
    const seconds longest = phase == znodes::InstancePhase::draining ? seconds(15) : seconds(600);
    if (now - told.counted > longest || told.counted - now > clocks_apart) return;
    sight.connections = told.open;
    sight.counted = told.counted;
}

}  // namespace

FleetFacts facts_of_fleet(const follow::ClusterView& view,
                          const FleetName& name,
                          const Snapshot* snapshot,
                          const scaler::ProviderAbilities& abilities,
                          const OutOfDnsOf& out_of_dns,
                          WallTime now,
                          SteadyTime steady) {
    static const follow::ManagedFleet none;
    const follow::FleetView& fleet = view.fleets.at(name);
    const auto found = view.managed.find(name);
    const follow::ManagedFleet& managed = found == view.managed.end() ? none : found->second;
    FleetFacts facts{.settings = settings_of(fleet, abilities.places),
                     .view = {.now = now},
                     .versions = {.epoch = view.epoch ? view.epoch->version : 0,
                                  .control = view.control ? view.control->version : 0,
                                  .spec = fleet.head->version,
                                  .state = managed.state ? managed.state->version : 0,
                                  .pause = managed.pause ? managed.pause->version : 0,
                                  .fleet_is_there = managed.made,
                                  .pause_is_there = managed.pause && !managed.pause->gone,
                                  .instances_are_there = managed.instances_made},
                     .spec = fleet.spec,
                     .unreadable = why_unreadable(managed)};
    scaler::LifecycleView& seen = facts.view;
    if (managed.state && !managed.state->gone) seen.state = managed.state->value;
    if (managed.state && managed.state->value.fleet_uid == fleet.head->value.uid)
        seen.seen_generation = managed.state->value.generation;
    if (managed.pause) seen.pause = managed.pause->value;
    const GroupRow* const group =
        snapshot != nullptr ? snapshot->group(follow::instance_group(name)) : nullptr;
    const bool frozen =
        view.control && (view.control->value.pause.status || view.control->value.pause.all);
    facts.asks_hosts = abilities.asks_hosts;
    for (const auto& [id, record] : managed.instances) {
        if (record.gone) continue;
        seen.instances.emplace(id, record.value);
        facts.versions.instances.emplace(id, record.version);
        scaler::Sight sight = sight_of(group, id, frozen, now);
        const NodeId host(record.value.host);
        // What a lost host had is known: nothing.
        if (abilities.asks_hosts)
            sight.host_reachable =
                is_reachable(view, managed, host, steady) || is_lost(view, managed, host);
        add_connections(view, name, id, record.value.phase, now, sight);
        seen.sights.emplace(id, std::move(sight));
    }
    // Where its names were taken away, records and caches last for a while.
    const bool named =
        facts.settings.named || facts.settings.take_down || (seen.state && seen.state->named);
    // Machines without a record have to be out of DNS, too, before they go.
    if (seen.state)
        for (const auto& [id, orphan] : seen.state->orphans) seen.sights[id];
    for (auto& [id, sight] : seen.sights) {
        const dnsupdate::OutOfDns dns =
            named ? out_of_dns(name, id) : dnsupdate::OutOfDns{.out = true};
        sight.out_of_dns = dns.out;
        sight.published = dns.published;
        sight.in_dns = dns.why;
    }
    if (facts.settings.shadow)
        for (const InstanceId& id : others_of(view, name))
            facts.others.emplace(id, sight_of(group, id, frozen, now));
    if (abilities.places)
        seen.hosts = hosts_of(view, managed, *fleet.spec->provider, abilities.asks_hosts, steady);
    return facts;
}

scaler::Membership membership_of(const FleetFacts& facts) {
    const scaler::LifecycleView& seen = facts.view;
    return scaler::with_others(
        scaler::membership_of(seen.state.value(), seen.instances, seen.sights),
        facts.others,
        facts.settings.warm_up,
        seen.now);
}

std::set<InstanceId> others_of(const follow::ClusterView& view, const FleetName& name) {
    std::set<InstanceId> others;
    const follow::FleetView& fleet = view.fleets.at(name);
    for (const config::FleetInstance& listed : fleet.spec->instances) others.insert(listed.id);
    const auto group = view.groups.find(follow::instance_group(name));
    if (group != view.groups.end())
        for (const follow::Instance& one : follow::instances_of(group->second))
            others.insert(InstanceId(one.id.str()));
    const auto managed = view.managed.find(name);
    std::erase_if(others, [&](const InstanceId& id) {
        return (managed != view.managed.end() && managed->second.instances.contains(id)) ||
               (fleet.spec->provider && scaler::generation_of(name, id.str()));
    });
    return others;
}

SeenFleet remember(SeenFleet seen, const std::string& uid, const znodes::FleetState& state) {
    if (seen.uid != uid) seen = {.uid = uid};
    seen.generation = std::max(seen.generation, state.generation);
    seen.founded = std::max(seen.founded, state.founded);
    return seen;
}

void recall(const SeenFleet& seen, const std::string& uid, scaler::LifecycleView& view) {
    if (seen.uid != uid) return;
    view.seen_generation = std::max(view.seen_generation, seen.generation);
    view.seen_founded = seen.founded;
}

WallTime informed_of(const follow::ClusterView& view, const FleetName& name) {
    const znodes::GroupHead& head = view.fleets.at(name).head->value;
    const auto managed = view.managed.find(name);
    if (managed == view.managed.end() || !managed->second.state) return head.time;
    // One whose znode has vanished, or can't be read, isn't renewed: it grows old.
    const znodes::FleetState& state = managed->second.state->value;
    if (state.fleet_uid != head.uid) return head.time;
    if (state.informed) return *state.informed;
    // Of a build that doesn't say; its evaluations are told.
    return std::max(state.founded.value_or(head.time), state.history.last.value_or(head.time));
}

void note_decision(FleetScalingNotes& notes,
                   const scaler::Decision& decision,
                   const scaler::Explanation& explanation,
                   const scaler::Membership& membership,
                   WallTime at) {
    notes.decided = at;
    notes.alarms = alarms_of(decision, membership);
    notes.decision = boost::json::serialize(scaler::to_json(explanation));
    if (notes.ticks.size() == max_scaling_ticks) notes.ticks.erase(notes.ticks.begin());
    notes.ticks.push_back(
        {.at = at, .was = decision.was, .wanted = decision.wanted, .size = decision.size});
}

void note_hosts(FleetFacts& facts, ReachableHosts& hosts) {
    if (!facts.asks_hosts) return;
    ReachableHosts now;
    for (auto& [id, record] : facts.view.instances) {
        scaler::Sight& sight = facts.view.sights.at(id);
        if (!sight.host_reachable) continue;
        const NodeId host(record.host);
        const auto before = hosts.find(host);
        const WallTime since =
            before == hosts.end() ? facts.view.now : std::min(before->second, facts.view.now);
        sight.host_since = now.try_emplace(host, since).first->second;
    }
    hosts = std::move(now);
}

std::map<FleetName, ScalingRow> scaling_rows(const follow::ClusterView& view) {
    std::map<FleetName, ScalingRow> rows;
    for (const auto& [name, fleet] : view.fleets) {
        if (!fleet.live() || !fleet.spec->scaling) continue;
        ScalingRow& row = rows[name];
        row.shadow = fleet.spec->scaling->shadow;
        row.min = fleet.spec->scaling->min;
        row.max = fleet.spec->scaling->max;
        row.informed = informed_of(view, name);
        if (row.shadow) row.others = static_cast<int>(others_of(view, name).size());
        const auto managed = view.managed.find(name);
        if (managed == view.managed.end()) continue;
        // One whose znode has vanished stays in force.
        if (managed->second.pause) row.pause = managed->second.pause->value;
        if (!managed->second.state || managed->second.state->gone) continue;
        const znodes::FleetState& state = managed->second.state->value;
        row.begun = true;
        row.target = state.target;
        row.generation = state.generation;
        if (state.intent) {
            row.under_way = to_string(state.intent->kind);
            row.intent = ScalingIntentRow{.making = state.intent->ids,
                                          .leaving = state.intent->leaving,
                                          .started = state.intent->started,
                                          .deadline = state.intent->deadline};
        }
        row.creates_failed = state.back_off.failures;
        if (state.back_off.failures > 0) row.creates_again = state.back_off.until;
        for (const auto& [id, record] : managed->second.instances) {
            if (record.gone) continue;
            const znodes::FleetInstanceRecord& one = record.value;
            const bool leaves = state.intent && std::ranges::find(state.intent->leaving, id) !=
                                                    state.intent->leaving.end();
            row.machines.push_back({.id = id,
                                    .phase = std::string(to_string(one.phase)),
                                    .since = one.since,
                                    .host = one.host,
                                    .address = one.address,
                                    .reason = one.reason,
                                    .leaves = leaves});
        }
    }
    return rows;
}

namespace {

using Records = std::map<InstanceId, znodes::FleetInstanceRecord>;

/// Nothing: they aren't all known, or don't add up to the state's target.
std::optional<Records> sound_records(const follow::ManagedFleet& fleet) {
    if (!fleet.state || fleet.state->gone || !why_unreadable(fleet).empty()) return std::nullopt;
    Records records;
    // One that has vanished may have come to its end unseen; the sum tells.
    for (const auto& [id, record] : fleet.instances) {
        if (!record.gone) records.emplace(id, record.value);
    }
    const znodes::FleetState& state = fleet.state->value;
    if (scaler::live_count(records, state.intent) != state.target) return std::nullopt;
    return records;
}

/// Members of the fleet's group that carry a name of muster's own and have no record.
std::set<InstanceId> strays_of(const follow::ClusterView& view,
                               const FleetName& name,
                               const Records& records) {
    std::set<InstanceId> strays;
    const auto group = view.groups.find(follow::instance_group(name));
    if (group == view.groups.end()) return strays;
    for (const follow::Instance& instance : follow::instances_of(group->second)) {
        const InstanceId id(instance.id.str());
        if (!records.contains(id) && scaler::generation_of(name, id.str())) strays.insert(id);
    }
    return strays;
}

}  // namespace

std::optional<HeldBack> held_back(const follow::ClusterView& view, const FleetName& name) {
    const auto fleet = view.fleets.find(name);
    // LBs of a fleet without a provider are people's.
    if (fleet == view.fleets.end() || !fleet->second.live() || !fleet->second.spec->provider)
        return HeldBack{};
    const auto managed = view.managed.find(name);
    // Nothing was made yet: whoever serves was started by people.
    if (managed == view.managed.end() ||
        (!managed->second.state && managed->second.instances.empty()))
        return HeldBack{};
    const std::optional<Records> records = sound_records(managed->second);
    if (!records) return std::nullopt;
    HeldBack held{.for_now = {}, .for_good = strays_of(view, name, *records)};
    // Those that run, that is: what was removed has no agent any more.
    const auto strays = static_cast<std::size_t>(std::ranges::count_if(
        held.for_good, [&](const InstanceId& id) { return view.agents.contains({name, id}); }));
    std::size_t serving = 0;
    for (const auto& [id, record] : *records) {
        using znodes::InstancePhase;
        if (scaler::publishable(record, true))
            ++serving;
        else if (record.phase == InstancePhase::warming || record.phase == InstancePhase::draining)
            held.for_now.insert(id);
        else
            held.for_good.insert(id);
    }
    // A tree that has lost its records begins anew, and then all that serves has none.
    if (strays > serving) return std::nullopt;
    return held;
}

std::set<InstanceId> removed_instances(const follow::ClusterView& view, const FleetName& name) {
    const auto managed = view.managed.find(name);
    const auto fleet = view.fleets.find(name);
    if (managed == view.managed.end() || fleet == view.fleets.end() || !fleet->second.live())
        return {};
    // What people run is theirs, whatever it is called.
    if (!fleet->second.spec->provider) return {};
    const std::optional<Records> records = sound_records(managed->second);
    return records ? strays_of(view, name, *records) : std::set<InstanceId>{};
}

}  // namespace muster::orchestrator
