#pragma once

#include "common/config/field_writer.hpp"
#include "common/config/model.hpp"
#include "common/config/value.hpp"

#include <optional>

// How backends are checked: the `check` of a group, and what one of its backends has in its place.
namespace muster::config {

[[nodiscard]] CheckSpec decode_check(const Value& check);

/// The `check` of one backend: fields that it has instead of the group's (`of_group`, absent: all
/// at their defaults). A kind of probe replaces the group's with all that is around it. Nothing
/// when there are no fields, or wrong ones.
[[nodiscard]] SharedValue<BackendCheck> decode_backend_check(const Value& check,
                                                             const std::optional<Value>& of_group);

[[nodiscard]] json::object encode(const CheckSpec& check, Verbosity verbosity);

/// What the backend itself has to say.
[[nodiscard]] std::optional<IntentSource> decode_intent(const Value& value);
[[nodiscard]] json::object encode(const IntentSource& intent, Verbosity verbosity);

}  // namespace muster::config
