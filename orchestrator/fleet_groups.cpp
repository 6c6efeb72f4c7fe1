#include "orchestrator/fleet_groups.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace muster::orchestrator {
namespace {

std::string in_words(const std::set<std::string>& listeners) {
    return fmt::format(
        "listener{} {}", listeners.size() == 1 ? "" : "s", fmt::join(listeners, ", "));
}

}  // namespace

std::vector<std::string> missing_groups(const config::FleetSpec& fleet,
                                        const follow::ClusterView& view,
                                        const std::set<GroupName>& coming) {
    std::vector<std::string> sentences;
    for (const auto& [group, listeners] : config::groups_of(fleet)) {
        const auto known = view.groups.find(group);
        if (coming.contains(group) || (known != view.groups.end() && known->second.live()))
            continue;
        sentences.push_back(fmt::format("there is no group {} yet, to which {} lead{}",
                                        group.str(),
                                        in_words(listeners),
                                        listeners.size() == 1 ? "s" : ""));
    }
    return sentences;
}

std::vector<std::string> fleets_leading_to(const GroupName& group,
                                           const follow::ClusterView& view) {
    std::vector<std::string> fleets;
    for (const auto& [name, fleet] : view.fleets) {
        if (!fleet.live()) continue;
        const auto groups = config::groups_of(*fleet.spec);
        if (const auto found = groups.find(group); found != groups.end())
            fleets.push_back(fmt::format("fleet {} ({})", name.str(), in_words(found->second)));
    }
    return fleets;
}

}  // namespace muster::orchestrator
