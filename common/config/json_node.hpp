#pragma once

#include "common/config/document.hpp"

#include <boost/json/value.hpp>

namespace muster::config {

/// A JSON value made in memory as a tree without places. Nesting below max_depth is refused.
[[nodiscard]] Node to_node(const boost::json::value& value);

/// Back again: what is a JSON scalar as it stands is one, any other word is a string.
[[nodiscard]] boost::json::value to_json(const Node& node);

}  // namespace muster::config
