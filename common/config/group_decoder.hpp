#pragma once

#include "common/config/model.hpp"
#include "common/config/value.hpp"

namespace muster::config {

/// The `spec` of a group; its name is the caller's. Fields that are wrong keep their default.
[[nodiscard]] GroupSpec decode_group_spec(const Value& spec, std::size_t max_backends);

/// The elements of a list of backends, checked for duplicates and sorted by id.
[[nodiscard]] std::vector<Backend> decode_backends(const Value& list, std::size_t max_backends);

/// One group of the legacy blob: `{"backend_servers": [...], "health_endpoint": "/health", ...}`.
[[nodiscard]] GroupSpec decode_legacy_group(const Value& group, std::size_t max_backends);

}  // namespace muster::config
