#include "orchestrator/scrape_targets.hpp"

#include "common/follow/instance_group.hpp"

#include <set>
#include <utility>

namespace muster::orchestrator {

namespace {

std::set<follow::AgentId> members(const follow::ClusterView& view) {
    std::set<follow::AgentId> all;
    for (const auto& [name, group] : view.groups) {
        const auto fleet = follow::fleet_of(name);
        if (!fleet) continue;
        for (const follow::Instance& instance : follow::instances_of(group))
            all.emplace(*fleet, InstanceId(instance.id.str()));
    }
    return all;
}

}  // namespace

std::vector<ScrapeTarget> ScrapeTargets::update(const follow::ClusterView& view) {
    const std::set<follow::AgentId> there = members(view);
    std::erase_if(known_, [&](const auto& known) {
        return !there.contains(known.first) && !view.agents.contains(known.first);
    });
    for (const auto& [id, agent] : view.agents) {
        if (!agent.value.incarnation.empty()) known_[id] = agent.value.exporters;
    }
    std::vector<ScrapeTarget> targets;
    for (const auto& [id, exporters] : known_) {
        for (const auto& [exporter, address] : exporters)
            targets.push_back({.fleet = id.first,
                               .instance = id.second,
                               .exporter = exporter,
                               .address = address});
    }
    return targets;
}

}  // namespace muster::orchestrator
