#pragma once

#include "common/config/document.hpp"

#include <boost/json/value.hpp>

namespace muster::config {

/// A JSON value made in memory as a tree without places. Nesting below max_depth is refused.
[[nodiscard]] Node to_node(const boost::json::value& value);

}  // namespace muster::config
