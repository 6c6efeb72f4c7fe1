#pragma once

#include "common/config/field_writer.hpp"
#include "common/config/outlier_model.hpp"
#include "common/config/value.hpp"

namespace muster::config {

/// `outlier` of a group.
[[nodiscard]] OutlierSpec decode_outlier(const Value& value);
[[nodiscard]] json::object encode(const OutlierSpec& outlier, Verbosity verbosity);

}  // namespace muster::config
