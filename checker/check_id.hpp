#pragma once

#include "common/base/id.hpp"

#include <cstdint>
#include <string_view>

namespace muster::checker {

/// Names one check for its whole life: stable over moves, restarts and nodes (a hash of group uid
/// and backend id), so that its phase is, too.
enum class CheckId : std::uint64_t {};

/// The same on every machine and in every build.
[[nodiscard]] CheckId check_id(std::string_view group_uid, const BackendId& backend);

/// Spreads the bits of a number over all 64 (a bijection).
[[nodiscard]] std::uint64_t mix(std::uint64_t value);

}  // namespace muster::checker
