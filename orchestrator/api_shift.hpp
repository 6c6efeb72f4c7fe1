#pragma once

#include "common/config/decode.hpp"
#include "orchestrator/commands.hpp"
#include "orchestrator/snapshot.hpp"

#include <string_view>
#include <vector>

// What `POST /api/v1/traffic-shift` is sent. Input is hostile. Pure.
namespace muster::orchestrator {

struct ShiftAsked {
    ShiftChange change;
    std::vector<config::Problem> problems;  ///< with their places; some: `change` is worth nothing
};

/// `snapshot` may be null: then only the form is looked at.
[[nodiscard]] ShiftAsked read_shift(std::string_view body, const Snapshot* snapshot);

}  // namespace muster::orchestrator
