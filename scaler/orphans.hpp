#pragma once

#include "scaler/lifecycle_draft.hpp"

#include <optional>
#include <string_view>

// Machines that carry our name and that nobody knows (reference/autoscaling.md, 4.3, rule 8). Pure.
namespace muster::scaler {

inline constexpr seconds orphan_listings_apart{120};
inline constexpr seconds orphan_age{600};

/// The generation in `<fleet>-<generation>-<k>`; nothing if it isn't one of our names.
[[nodiscard]] std::optional<std::int64_t> generation_of(const FleetName& fleet,
                                                        std::string_view id);

/// Counts who is listed without a record and with a token that proves that this fleet made it; what
/// has no such token is named, and left alone. Condemns those that two complete listings, at least
/// 2 minutes apart, had, that are older than 10 minutes and out of DNS, at most `orphans_per_hour`;
/// unless more than 45 % and more than 3 of all machines look like that, or more than are healthy
/// and in service: then it's the tree that is wrong. What is condemned is removed until a later
/// listing doesn't have it.
void collect_orphans(Draft& draft);

}  // namespace muster::scaler
