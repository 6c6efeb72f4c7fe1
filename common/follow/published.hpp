#pragma once

#include "common/config/model.hpp"
#include "common/follow/cluster_view.hpp"
#include "common/znodes/rotation.hpp"

#include <cstddef>

// From the decoded tree to what rotation() asks for. Pure.
namespace muster::follow {

/// What is published of one slot of a shard.
struct Published {
    znodes::Letter verdict = znodes::Letter::unknown;
    const znodes::SlotDetail* detail = nullptr;  ///< of the view; null when there is none
};

/// Unknown where the status speaks of another layout than the members, or not of this slot.
[[nodiscard]] Published published(const ShardView& shard, std::size_t slot);

[[nodiscard]] znodes::RotationPolicy rotation_policy(const config::GroupSpec& group);

}  // namespace muster::follow
