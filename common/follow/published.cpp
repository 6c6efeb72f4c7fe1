#include "common/follow/published.hpp"

namespace muster::follow {

Published published(const ShardView& shard, std::size_t slot) {
    if (!shard.status || !shard.members) return {};
    const znodes::ShardStatus& status = shard.status->value;
    const znodes::ShardMembers& members = shard.members->value;
    if (status.layout != members.layout || status.group_uid != members.group_uid) return {};
    Published said;
    if (slot < status.letters.size()) said.verdict = status.letters[slot];
    const auto detail = status.details.find(static_cast<int>(slot));
    if (detail != status.details.end()) said.detail = &detail->second;
    return said;
}

znodes::RotationPolicy rotation_policy(const config::GroupSpec& group) {
    const bool ejects = group.outlier && group.outlier->action == config::OutlierAction::eject;
    return {
        .max_eject_percent = group.max_eject_percent,
        .panic_enter_percent = group.panic_enter_percent,
        .panic_exit_percent = group.panic_exit_percent,
        .slow_start = group.lb.slow_start,
        .max_ejection_percent = ejects ? group.outlier->max_ejection_percent : 0,
        .max_ejection_time = ejects ? group.outlier->max_ejection_time : config::Duration::zero()};
}

}  // namespace muster::follow
