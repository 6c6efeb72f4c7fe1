#pragma once

#include "scaler/provider.hpp"

#include <string>

// What every provider asks of a call before anything is done.
namespace muster::scaler {

/// Names, token and parameters are such that they can stand in a path, an argument, a field and a
/// template. `invalid` otherwise.
[[nodiscard]] ProviderResult<void> check_order(const MachineOrder& order);
[[nodiscard]] ProviderResult<void> check_names(const FleetName& fleet, const InstanceId& id);

/// The detail may hold what others have said: it is cut at 1 KiB, and what isn't visible ASCII is
/// replaced, since it goes into logs and pages.
[[nodiscard]] tl::unexpected<ProviderError> refuse(Trouble trouble, std::string detail);

/// What get() answers when there is none.
[[nodiscard]] inline Machine absent(InstanceId id) {
    return {.id = std::move(id), .state = MachineState::stopped};
}

}  // namespace muster::scaler
