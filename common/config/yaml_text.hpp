#pragma once

#include <boost/json/value.hpp>

#include <string>

namespace muster::config {

/// A JSON value as YAML in block form. Texts that any YAML reader could take for something else are
/// quoted; decode() and other readers get the same value back.
[[nodiscard]] std::string to_yaml(const boost::json::value& value);

}  // namespace muster::config
