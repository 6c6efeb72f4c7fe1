#pragma once

#include <string_view>

namespace muster::config {

/// The JSON Schemas (draft 2020-12) of what decode() reads: docs/schema/group.schema.json and
/// fleet.schema.json, word for word. Looser than the decoder where a schema can't express a rule,
/// never stricter.
[[nodiscard]] std::string_view group_schema();
[[nodiscard]] std::string_view fleet_schema();

}  // namespace muster::config
