// The JSON of fleets that size themselves.
#include "common/follow/instance_group.hpp"
#include "orchestrator/api_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace muster::orchestrator {

namespace json = boost::json;

namespace {

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

/// As of now: one whose time is over is none.
json::object pause_json(const View& view, const ScalingRow& row) {
    const bool is_over = row.pause.until && *row.pause.until <= view.wall;
    return json_of(is_over ? znodes::FleetPause{} : row.pause);
}

json::value intent_json(const ScalingRow& row) {
    if (!row.intent) return nullptr;
    const auto ids_of = [](const std::vector<InstanceId>& ids) {
        json::array list;
        for (const InstanceId& id : ids) list.emplace_back(id.str());
        return list;
    };
    return json::object{{"kind", row.under_way},
                        {"making", ids_of(row.intent->making)},
                        {"leaving", ids_of(row.intent->leaving)},
                        {"started", json_of(row.intent->started)},
                        {"deadline", json_of(row.intent->deadline)}};
}

json::array machines_json(const View& view, const FleetName& fleet, const ScalingRow& row) {
    json::array machines;
    for (const MachineRow& one : row.machines) {
        machines.push_back({{"id", one.id.str()},
                            {"phase", one.phase},
                            {"since", json_of(one.since)},
                            {"host", one.host},
                            {"address", one.address},
                            {"leaves", one.leaves},
                            {"reason", one.reason},
                            {"health", health_of(view, fleet, one.id)}});
    }
    return machines;
}

bool is_master(const View& view) {
    const auto& master = view.snapshot.cluster.master;
    return master && master->node == view.snapshot.self.node;
}

/// In service, and their probes say DOWN.
std::ptrdiff_t down(const View& view, const FleetName& fleet, const ScalingRow& row) {
    const GroupRow* const group = view.snapshot.group(follow::instance_group(fleet));
    if (group == nullptr) return 0;
    return std::ranges::count_if(row.machines, [&](const MachineRow& one) {
        const BackendRow* const backend = group->backend(BackendId(one.id.str()));
        return one.phase == "serving" && backend != nullptr &&
               state_of(*backend) == BackendState::down;
    });
}

/// What is shown of a fleet however little room there is.
json::object size_json(const View& view, const FleetName& fleet, const ScalingRow& row) {
    std::map<std::string, int> phases;
    for (const MachineRow& one : row.machines) ++phases[one.phase];
    return {{"fleet", fleet.str()},
            {"shadow", row.shadow},
            {"begun", row.begun},
            {"target", row.target},
            {"others", row.others},
            {"min", row.min},
            {"max", row.max},
            {"generation", row.generation},
            {"under_way", text_or_null(row.under_way)},
            {"intent", intent_json(row)},
            {"pause", pause_json(view, row)},
            {"creates_again", json_of(row.creates_again)},
            {"phases", json::object(phases.begin(), phases.end())},
            {"down", down(view, fleet, row)}};
}

}  // namespace

json::object json_of(const znodes::FleetPause& pause) {
    return {{"kind", to_string(pause.kind)},
            {"by", pause.by},
            {"reason", pause.why},
            {"until", pause.until ? json_of(*pause.until) : json::value(nullptr)}};
}

json::object no_scaling_notes(std::string_view why) {
    return {{"told_by", nullptr},
            {"says", json::array()},
            {"refused", nullptr},
            {"explanation", nullptr},
            {"ticks", json::array()},
            {"why", why}};
}

json::object scaling_notes(const View& view, const FleetName& fleet) {
    const auto& master = view.snapshot.cluster.master;
    const bool knows = view.snapshot.notes != nullptr;
    if (!knows && !master) return no_scaling_notes("there is no master");
    if (!knows && !is_master(view))
        return no_scaling_notes("only the master knows; ask " + master->node.str());
    json::object told = no_scaling_notes("nothing was decided yet in this term of office");
    told["told_by"] = view.snapshot.self.node.str();
    if (!knows) {
        told["why"] =
            "this node is the master, and sizes no fleet: its settings have no provider that one "
            "names, or its term has just begun";
        return told;
    }
    const auto found = view.snapshot.notes->find(fleet);
    if (found == view.snapshot.notes->end()) {
        told["why"] = "this node has no provider of the name that the fleet gives";
        return told;
    }
    const FleetScalingNotes& notes = found->second;
    told["says"] = json::array(notes.says.begin(), notes.says.end());
    told["refused"] = text_or_null(notes.refused);
    json::array ticks;
    for (const ScalingTick& tick : notes.ticks)
        ticks.push_back({{"at", json_of(tick.at)},
                         {"was", tick.was},
                         {"wanted", tick.wanted},
                         {"size", tick.size}});
    told["ticks"] = std::move(ticks);
    if (!notes.decision.empty()) {
        told["explanation"] = json::parse(notes.decision);
        told["why"] = nullptr;
    }
    return told;
}

void put_scaling(json::object& body, const View& view, const FleetName& fleet, json::object notes) {
    const ScalingRow& row = view.snapshot.scaling.at(fleet);
    for (auto& [name, value] : size_json(view, fleet, row)) body[name] = std::move(value);
    body["instances"] = machines_json(view, fleet, row);
    body["is_master"] = is_master(view);
    for (auto& [name, value] : notes) body[name] = std::move(value);
}

void put_sizes(json::object& body, const View& view) {
    json::array sizes;
    for (const auto& [fleet, row] : view.snapshot.scaling)
        sizes.push_back(size_json(view, fleet, row));
    body["scaling"] = std::move(sizes);
}

}  // namespace muster::orchestrator
