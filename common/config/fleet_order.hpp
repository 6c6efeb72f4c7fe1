#pragma once

#include "common/config/fleet_model.hpp"

// What the parts of a fleet take from one another. Pure.
namespace muster::config {

/// No request reaches `later` that does not match `earlier`, too.
[[nodiscard]] bool takes_all_of(const Route& earlier, const Route& later);
[[nodiscard]] bool takes_everything(const Route& route);

/// They can't both listen: the same port of the same address, where "" is 0.0.0.0 and ::. An
/// address of its own beside those is fine: it gets what comes to it.
[[nodiscard]] bool bind_alike(const Listener& one, const Listener& other);

}  // namespace muster::config
