#pragma once

#include "common/config/model.hpp"
#include "common/config/value.hpp"

#include <optional>

namespace muster::config {

/// The `spec` of a group; its name is the caller's. Fields that are wrong keep their default.
[[nodiscard]] GroupSpec decode_group_spec(const Value& spec, std::size_t max_backends);

/// The elements of a list of backends, checked for duplicates and sorted by id. A backend is
/// written as its address alone or, unless that is the only form, as a map.
enum class BackendForm { address_or_map, address_only };
/// `check` is that of the group.
[[nodiscard]] std::vector<Backend> decode_backends(const Value& list,
                                                   BackendForm form,
                                                   const std::optional<Value>& check,
                                                   std::size_t max_backends);

/// One group of the legacy blob: `{"backend_servers": [...], "health_endpoint": "/health", ...}`.
[[nodiscard]] GroupSpec decode_legacy_group(const Value& group, std::size_t max_backends);

}  // namespace muster::config
