// The JSON of fleets that size themselves.
#include "orchestrator/api_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <string>

namespace muster::orchestrator {

namespace json = boost::json;

namespace {

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

json::array machines_json(const ScalingRow& row) {
    json::array machines;
    for (const MachineRow& one : row.machines) {
        machines.push_back({{"id", one.id.str()},
                            {"phase", one.phase},
                            {"since", json_of(one.since)},
                            {"host", one.host},
                            {"address", one.address},
                            {"leaves", one.leaves},
                            {"reason", one.reason}});
    }
    return machines;
}

bool is_master(const View& view) {
    const auto& master = view.snapshot.cluster.master;
    return master && master->node == view.snapshot.self.node;
}

/// Why there is no decision to show.
std::string no_decision(const View& view, const FleetScalingNotes* notes) {
    const auto& master = view.snapshot.cluster.master;
    if (!master) return "there is no master";
    if (!is_master(view)) return "only the master knows; ask " + master->node.str();
    if (view.snapshot.notes == nullptr)
        return "this node is the master, and sizes no fleet: its settings have no provider, or its "
               "term has just begun";
    if (notes == nullptr) return "this node has no provider of the name that the fleet gives";
    return "nothing was decided yet in this term of office";
}

}  // namespace

json::object json_of(const znodes::FleetPause& pause) {
    return {{"kind", to_string(pause.kind)},
            {"by", pause.by},
            {"reason", pause.why},
            {"until", pause.until ? json_of(*pause.until) : json::value(nullptr)}};
}

void put_scaling(json::object& body, const View& view, const FleetName& fleet) {
    const ScalingRow& row = view.snapshot.scaling.at(fleet);
    const FleetScalingNotes* notes = nullptr;
    if (view.snapshot.notes != nullptr) {
        const auto found = view.snapshot.notes->find(fleet);
        if (found != view.snapshot.notes->end()) notes = &found->second;
    }
    body["fleet"] = fleet.str();
    body["shadow"] = row.shadow;
    body["begun"] = row.begun;
    body["target"] = row.target;
    body["generation"] = row.generation;
    body["under_way"] = text_or_null(row.under_way);
    const bool is_over = row.pause.until && *row.pause.until <= view.wall;
    body["pause"] = json_of(is_over ? znodes::FleetPause{} : row.pause);
    body["instances"] = machines_json(row);
    body["is_master"] = is_master(view);
    body["says"] =
        notes != nullptr ? json::array(notes->says.begin(), notes->says.end()) : json::array();
    body["refused"] = notes != nullptr ? text_or_null(notes->refused) : json::value(nullptr);
    const bool decided = notes != nullptr && !notes->decision.empty();
    body["explanation"] = decided ? json::parse(notes->decision) : json::value(nullptr);
    body["why"] = decided ? json::value(nullptr) : json::value(no_decision(view, notes));
}

}  // namespace muster::orchestrator
