// The JSON of fleets and of the agents beside their LBs.
#include "common/follow/instance_group.hpp"
#include "orchestrator/api_json.hpp"

#include <boost/json/array.hpp>

#include <utility>

namespace muster::orchestrator {

namespace json = boost::json;

namespace {

const GroupRow* group_of(const View& view, const FleetName& fleet) {
    return view.snapshot.group(follow::instance_group(fleet));
}

/// How many there are and serve; null while it has none.
json::value instances_of(const View& view, const FleetName& fleet) {
    const GroupRow* const group = group_of(view, fleet);
    if (group == nullptr) return nullptr;
    json::object all = json_of(*group);
    return json::object{{"total", all["backends"]},
                        {"states", all["states"]},
                        {"in_rotation", all["in_rotation"]},
                        {"panic", all["panic"]}};
}

}  // namespace

json::value health_of(const View& view, const FleetName& fleet, const InstanceId& id) {
    const GroupRow* const group = group_of(view, fleet);
    const BackendRow* const row = group != nullptr ? group->backend(BackendId(id.str())) : nullptr;
    if (row == nullptr) return nullptr;
    return json::object{{"state", to_string(state_of(*row))},
                        {"in_rotation", row->in_rotation},
                        {"since", json_of(row->since)},
                        {"reason", row->reason}};
}

json::object json_of(const FleetRow& fleet, const View& view) {
    json::array listeners;
    for (const config::Listener& listener : fleet.spec->listeners)
        listeners.emplace_back(listener.name);
    json::array groups;
    for (const auto& [group, leading] : config::groups_of(*fleet.spec))
        groups.emplace_back(group.str());
    return {{"name", fleet.name().str()},
            {"uid", fleet.uid},
            {"generation", fleet.generation},
            {"author", fleet.author},
            {"changed", json_of(fleet.changed)},
            {"listeners", std::move(listeners)},
            {"groups", std::move(groups)},
            {"notes", json::array(fleet.notes.begin(), fleet.notes.end())},
            {"instances", instances_of(view, fleet.name())}};
}

void put_fleets(json::object& body, const View& view) {
    json::array fleets;
    for (const FleetRow& fleet : view.snapshot.fleets) fleets.push_back(json_of(fleet, view));
    body["fleets"] = std::move(fleets);
}

namespace {

/// Of these many LBs those that need a look are shown, and the first of the others.
constexpr std::size_t shown_agents = 500;

bool needs_a_look(const AgentRow& agent) {
    return !agent.accepting || !agent.behind.empty() || !agent.error.empty();
}

json::object group_json(const AgentGroupRow& group) {
    return {{"name", group.name.str()}, {"generation", group.generation}, {"newest", group.newest}};
}

json::object agent_json(const View& view, const AgentRow& agent) {
    json::array groups;
    for (const AgentGroupRow& group : agent.groups) groups.push_back(group_json(group));
    return {{"fleet", agent.fleet.str()},
            {"instance", agent.instance.str()},
            {"address", agent.address},
            {"lb", agent.lb},
            {"build", agent.build},
            {"accepting", agent.accepting},
            {"health", health_of(view, agent.fleet, agent.instance)},
            {"fleet_generation", agent.fleet_generation},
            {"newest_fleet_generation", agent.newest_fleet_generation},
            {"groups", std::move(groups)},
            {"status_time", json_of(agent.status_time)},
            {"reported", json_of(agent.reported)},
            {"behind", json::array(agent.behind.begin(), agent.behind.end())},
            {"behind_since", json_of(agent.behind_since)},
            {"error", agent.error}};
}

}  // namespace

void put_agents(json::object& body, const View& view) {
    json::array agents;
    for (const AgentRow& agent : view.snapshot.agents) agents.push_back(agent_json(view, agent));
    body["agents"] = std::move(agents);
}

json::array scrape_targets_json(const std::vector<ScrapeTarget>& targets) {
    json::array groups;
    for (const ScrapeTarget& target : targets) {
        groups.push_back({{"targets", json::array{target.address}},
                          {"labels",
                           {{"fleet", target.fleet.str()},
                            {"instance_id", target.instance.str()},
                            {"exporter", target.exporter}}}});
    }
    return groups;
}

void put_shown_agents(json::object& body, const View& view) {
    json::array agents;
    for (const bool trouble : {true, false}) {
        for (const AgentRow& agent : view.snapshot.agents) {
            if (agents.size() < shown_agents && needs_a_look(agent) == trouble)
                agents.push_back(agent_json(view, agent));
        }
    }
    body["agents"] = std::move(agents);
    body["agent_count"] = view.snapshot.agents.size();
}

}  // namespace muster::orchestrator
