#include "orchestrator/api_json.hpp"

#include "common/config/decode.hpp"
#include "common/follow/instance_group.hpp"
#include "orchestrator/api_explain.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

namespace muster::orchestrator {
namespace {

namespace json = boost::json;

double seconds(std::chrono::nanoseconds span) {
    // Milliseconds are as exact as any reader needs, and keep bodies short.
    const auto rounded = std::chrono::round<std::chrono::milliseconds>(span);
    return static_cast<double>(rounded.count()) / 1000.0;
}

/// Age of a moment that other hosts' clocks may have set: never negative.
json::value age_seconds(WallTime then, WallTime now) {
    if (then == WallTime{}) return nullptr;
    return seconds(std::max(now - then, std::chrono::milliseconds(0)));
}

using StateCounts = std::array<std::int64_t, backend_states>;

StateCounts count_states(const GroupRow& group) {
    StateCounts counts{};
    for (const BackendRow& backend : group.backends) {
        ++counts[static_cast<std::size_t>(state_of(backend))];
    }
    return counts;
}

json::object object_of(const StateCounts& counts) {
    json::object object;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        object[to_string(static_cast<BackendState>(i))] = counts[i];
    }
    return object;
}

std::string_view to_text(coordination::SessionState state) {
    switch (state) {
        case coordination::SessionState::connecting:
            return "connecting";
        case coordination::SessionState::connected:
            return "connected";
        case coordination::SessionState::lost:
            return "lost";
    }
    return "connecting";
}

json::value json_of_master(const View& view) {
    const auto& master = view.snapshot.cluster.master;
    if (!master) return nullptr;
    return {{"node", master->node.str()},
            {"epoch", master->epoch},
            {"since", json_of(master->since)},
            {"api_address", master->api_address}};
}

json::object json_of_session(const View& view) {
    const SessionRow& session = view.snapshot.session;
    json::object object{{"state", to_text(session.state)}, {"server", session.server}};
    const auto age = age_of(view);
    object["confirmed_age_seconds"] = age ? json::value(seconds(*age)) : json::value(nullptr);
    return object;
}

json::object json_of_self(const View& view) {
    const SelfRow& self = view.snapshot.self;
    const auto& lease = view.snapshot.session.lease_until;
    json::object object{{"node", self.node.str()},
                        {"incarnation", self.incarnation},
                        {"version", self.version},
                        {"build", self.build},
                        {"zone", self.zone},
                        {"started", json_of(self.started)},
                        {"is_master", self.is_master}};
    object["lease_seconds"] =
        lease ? json::value(seconds(std::max(*lease - view.now, std::chrono::nanoseconds(0))))
              : json::value(nullptr);
    object["paused"] = self.paused;
    object["pause_reason"] = self.pause_reason;
    object["leaving"] = self.leaving;
    object["doubt"] = self.doubt;
    return object;
}

json::object json_of_totals(const Snapshot& snapshot) {
    StateCounts counts{};
    std::size_t backends = 0;
    std::size_t shards = 0;
    for (const auto& group : snapshot.groups) {
        const StateCounts more = count_states(*group);
        std::ranges::transform(counts, more, counts.begin(), std::plus{});
        backends += group->backends.size();
        shards += group->shards.size();
    }
    return {{"nodes", snapshot.nodes.size()},
            {"groups", snapshot.groups.size()},
            {"shards", shards},
            {"backends", backends},
            {"states", object_of(counts)}};
}

json::object object_of(const GroupRow& group, const ShardRow& shard, WallTime wall) {
    const std::string_view role = shard.owner.empty() ? "none" : shard.draining ? "drain" : "own";
    return {{"id", ShardId{.group = group.name(), .number = shard.number}.str()},
            {"group", group.name().str()},
            {"number", shard.number},
            {"owner", shard.owner.str()},
            {"role", role},
            {"warming", shard.warming.str()},
            {"layout", shard.layout},
            {"backends", shard.backends},
            {"owner_token", shard.owner_token},
            {"sequence", shard.sequence},
            {"status_age_seconds", age_seconds(shard.status_time, wall)},
            {"progress_age_seconds", age_seconds(shard.progress_time, wall)},
            {"doubt", shard.doubt}};
}

json::object object_of(const NodeRow& node, const Snapshot& snapshot) {
    const auto& master = snapshot.cluster.master;
    return {{"id", node.id.str()},
            {"self", node.id == snapshot.self.node},
            {"master", master && master->node == node.id},
            {"zone", node.zone},
            {"capacity", node.capacity},
            {"incarnation", node.incarnation},
            {"build", node.build},
            {"api_address", node.api_address},
            {"peer_address", node.peer_address},
            {"doubt", node.doubt},
            {"draining", node.draining},
            {"shards", node.shards},
            {"warm", node.warm},
            {"backends", node.backends}};
}

}  // namespace

std::optional<std::chrono::nanoseconds> age_of(const View& view) {
    const auto& confirmed = view.snapshot.session.confirmed;
    if (!confirmed) return std::nullopt;
    return std::max(view.now - *confirmed, std::chrono::nanoseconds(0));
}

bool is_live(const View& view) {
    const auto age = age_of(view);
    return age && *age <= live_limit &&
           view.snapshot.session.state == coordination::SessionState::connected;
}

json::object opening(const View& view) {
    json::object body;
    const auto age = age_of(view);
    if (age) {
        body["as_of"] = json_of(view.wall - std::chrono::round<std::chrono::milliseconds>(*age));
        body["age_seconds"] = seconds(*age);
    } else {
        body["as_of"] = nullptr;
        body["age_seconds"] = nullptr;
    }
    body["source"] = is_live(view) ? "live" : "cached";
    body["node"] = view.snapshot.self.node.str();
    return body;
}

void put_cluster(json::object& body, const View& view) {
    const ClusterRow& cluster = view.snapshot.cluster;
    body["cluster"] = {{"uuid", cluster.uuid},
                       {"name", cluster.name},
                       {"era", cluster.era},
                       {"pause", json_of(cluster.pause)}};
    body["session"] = json_of_session(view);
    body["master"] = json_of_master(view);
    body["self"] = json_of_self(view);
    body["totals"] = json_of_totals(view.snapshot);
}

void put_nodes(json::object& body, const View& view) {
    json::array nodes;
    for (const NodeRow& node : view.snapshot.nodes) nodes.push_back(object_of(node, view.snapshot));
    body["nodes"] = std::move(nodes);
}

void put_groups(json::object& body, const View& view) {
    json::array groups;
    for (const auto& group : view.snapshot.groups) groups.push_back(json_of(*group));
    body["groups"] = std::move(groups);
}

void put_backends(json::object& body, const View& view, const BackendQuery& query) {
    const Selection selection = select(view.snapshot, query);
    json::array backends;
    backends.reserve(selection.page.size());
    for (const Found& found : selection.page) {
        backends.push_back(json_of(*found.group, *found.backend, view.wall));
    }
    body["total"] = selection.total;
    body["matched"] = selection.matched;
    body["offset"] = query.offset;
    body["limit"] = query.limit;
    body["backends"] = std::move(backends);
}

void put_shards(json::object& body,
                const View& view,
                std::string_view group_name,
                std::string_view owner) {
    json::array shards;
    for (const auto& group : view.snapshot.groups) {
        if (!group_name.empty() && group->name().str() != group_name) continue;
        for (const ShardRow& shard : group->shards) {
            if (!owner.empty() && shard.owner.str() != owner) continue;
            shards.push_back(object_of(*group, shard, view.wall));
        }
    }
    body["shards"] = std::move(shards);
}

void put_shard_map(json::object& body, const Snapshot& snapshot) {
    json::array shards;
    for (const auto& group : snapshot.groups) {
        std::map<int, int> down;
        for (const BackendRow& backend : group->backends) {
            if (state_of(backend) == BackendState::down) ++down[backend.shard];
        }
        for (const ShardRow& shard : group->shards) {
            shards.push_back({{"id", ShardId{.group = group->name(), .number = shard.number}.str()},
                              {"owner", shard.owner.str()},
                              {"warming", shard.warming.str()},
                              {"backends", shard.backends},
                              {"down", down[shard.number]}});
        }
    }
    body["shard_map"] = std::move(shards);
}

void put_events(json::object& body, const Snapshot& snapshot, const EventQuery& query) {
    const EventSelection selection = select(snapshot, query);
    json::array events;
    for (const Event* event : selection.events) events.push_back(json_of(*event));
    body["newest"] = selection.newest;
    body["reset"] = selection.reset;
    body["events"] = std::move(events);
}

json::object json_of(const GroupRow& group) {
    const auto in = std::ranges::count_if(group.backends, &BackendRow::in_rotation);
    json::array notes;
    for (const std::string& note : group.notes) notes.emplace_back(note);
    const auto fleet = follow::fleet_of(group.name());
    return {{"name", group.name().str()},
            {"fleet", fleet ? json::value(fleet->str()) : json::value(nullptr)},
            {"uid", group.uid},
            {"generation", group.generation},
            {"author", group.author},
            {"changed", json_of(group.changed)},
            {"check", check_summary(group.spec->check)},
            {"algorithm", config::to_string(group.spec->lb.algorithm)},
            {"backends", group.backends.size()},
            {"shards", group.shards.size()},
            {"states", object_of(count_states(group))},
            {"in_rotation", in},
            {"healthy_percent", group.healthy_percent},
            {"panic", group.panic},
            {"notes", std::move(notes)}};
}

json::object json_of(const znodes::LeasedIntent& leased) {
    using znodes::Intent;
    const Intent& intent = leased.intent;
    json::object out{{"until", json_of(leased.until)}};
    if (intent.serving != Intent::Serving::unsaid)
        out["serving"] = intent.serving == Intent::Serving::up ? "up" : "down";
    if (intent.wish == Intent::Wish::ready) out["wish"] = "ready";
    if (intent.wish == Intent::Wish::drain) out["wish"] = "drain";
    if (intent.wish == Intent::Wish::maintenance) out["wish"] = "maint";
    if (intent.degraded) out["degraded"] = true;
    if (intent.weight_percent) out["weight_percent"] = *intent.weight_percent;
    if (intent.maxconn) out["maxconn"] = *intent.maxconn;
    if (!intent.reason.empty()) out["reason"] = intent.reason;
    return out;
}

/// What a backend wants for itself, and who said what of it; null when nothing holds.
json::value json_of(const SharedValue<znodes::Intents>& said, WallTime now) {
    const auto until = znodes::next_end(said, now);
    if (!until) return nullptr;
    json::object out = json_of({.intent = znodes::in_force(said, now), .until = *until});
    json::object said_by;
    if (znodes::holds(said->reply, now)) said_by["reply"] = json_of(*said->reply);
    if (znodes::holds(said->agent, now)) said_by["agent"] = json_of(*said->agent);
    out["said_by"] = std::move(said_by);
    return out;
}

/// One that is over is told, too, as long as it makes the next one longer.
json::value json_of(const SharedValue<znodes::Ejection>& ejection) {
    if (!ejection) return nullptr;
    return json::object{{"since", json_of(ejection->since)},
                        {"until", json_of(ejection->until)},
                        {"times", ejection->times},
                        {"sign", znodes::to_string(ejection->sign)},
                        {"lbs", ejection->lbs},
                        {"of", ejection->of}};
}

json::object json_of(const GroupRow& group, const BackendRow& backend, WallTime wall) {
    const ShardRow* shard = group.shard(backend.shard);
    const config::Backend* configured = group.configured(backend.id);
    json::object object{
        {"group", group.name().str()},
        {"id", backend.id.str()},
        {"address", address_of(configured)},
        {"zone", zone_of(configured)},
        {"weight", backend.weight},
        {"admin", config::to_string(backend.admin)},
        {"state", to_string(state_of(backend))},
        {"verdict", to_string(state_of(BackendRow{.verdict = backend.verdict}))},
        {"since", json_of(backend.since)},
        {"reason", backend.reason},
        {"pending", {{"successes", backend.successes}, {"failures", backend.failures}}},
        {"intent", json_of(backend.intents, wall)},
        {"ejection", json_of(backend.ejection)},
        {"rotation",
         {{"in", backend.in_rotation},
          {"weight", backend.rotation_weight},
          {"reason", znodes::to_string(backend.rotation_reason)}}},
        {"shard", backend.shard}};
    object["owner"] = shard != nullptr ? shard->owner.str() : "";
    object["status_age_seconds"] =
        shard != nullptr ? age_seconds(shard->status_time, wall) : json::value(nullptr);
    return object;
}

json::object json_of(const Event& event) {
    json::object fields;
    for (const auto& [name, value] : event.fields) fields[name] = value;
    return {{"id", event.id},
            {"time", json_of(event.time)},
            {"kind", to_string(event.kind)},
            {"text", event.text},
            {"fields", std::move(fields)}};
}

json::object json_of(const AuditRow& row) {
    const znodes::AuditEntry& entry = row.entry;
    return {{"id", row.id},
            {"time", json_of(entry.time)},
            {"author", entry.author},
            {"origin", entry.origin},
            {"action", entry.action},
            {"object", entry.object},
            {"generation", entry.generation},
            {"detail", entry.detail},
            {"node", entry.stamp.writer}};
}

json::object json_of(const znodes::Pause& pause) {
    return {{"all", pause.all},
            {"scaling", pause.scaling},
            {"dns", pause.dns},
            {"status", pause.status}};
}

json::value json_of(WallTime time) {
    if (time == WallTime{}) return nullptr;
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    return json::string(fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                                    static_cast<int>(date.year()),
                                    static_cast<unsigned>(date.month()),
                                    static_cast<unsigned>(date.day()),
                                    clock.hours().count(),
                                    clock.minutes().count(),
                                    clock.seconds().count(),
                                    clock.subseconds().count()));
}

}  // namespace muster::orchestrator
