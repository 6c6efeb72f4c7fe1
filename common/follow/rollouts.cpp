#include "common/follow/rollouts.hpp"

#include "common/znodes/rollout.hpp"

namespace muster::follow {

const znodes::Rollout* rollout_of(const ClusterView& view, const GroupName& group) {
    const auto found = view.rollouts.find(group);
    // One that was never readable has not said of which cluster it is.
    if (found == view.rollouts.end() || found->second.value.stamp.cluster.empty()) return nullptr;
    const auto known = view.groups.find(group);
    const bool of_this_life = known != view.groups.end() && known->second.head &&
                              known->second.head->value.uid == found->second.value.group_uid;
    return of_this_life ? &found->second.value : nullptr;
}

std::set<std::int64_t> earlier_named(const ClusterView& view, const GroupName& group) {
    const znodes::Rollout* const rollout = rollout_of(view, group);
    if (rollout == nullptr) return {};
    std::set<std::int64_t> named = znodes::generations_named(*rollout);
    named.erase(view.groups.at(group).spec_generation);
    return named;
}

void forget_generations(ClusterView& view) {
    for (auto& [group, generations] : view.earlier) {
        const std::set<std::int64_t> named = earlier_named(view, group);
        std::erase_if(generations, [&](const auto& item) { return !named.contains(item.first); });
    }
    std::erase_if(view.earlier, [](const auto& item) { return item.second.empty(); });
}

}  // namespace muster::follow
