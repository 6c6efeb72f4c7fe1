#pragma once

#include "common/coordination/types.hpp"
#include "common/znodes/paths.hpp"

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace muster::stale {

/// The kinds of guarded writes that a node makes (DESIGN.md sections 4 and 5).
enum class WriteClass {
    control,  ///< the master's: layouts, assignments, map (guard: epoch)
    status,   ///< a worker's, like the next three (guard: its assignment)
    ack,      ///< READY of a planned move
    progress,
    handoff,
    claim,  ///< taking office (guard: own candidacy, and the epoch at its read version)
};

inline constexpr std::array write_classes{WriteClass::control,
                                          WriteClass::status,
                                          WriteClass::ack,
                                          WriteClass::progress,
                                          WriteClass::handoff,
                                          WriteClass::claim};

[[nodiscard]] std::string_view to_string(WriteClass kind);

/// What a transaction of a node is; nothing for one that sets nothing under a guard (membership,
/// candidacies, the confirmation of an office). Pure.
[[nodiscard]] std::optional<WriteClass> classify(const znodes::Paths& paths,
                                                 const std::vector<coordination::Op>& ops);

}  // namespace muster::stale
