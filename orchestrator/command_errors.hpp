#pragma once

#include "common/coordination/types.hpp"
#include "orchestrator/commands.hpp"

#include <string>

// Why a command was not carried out, in words for its caller.
namespace muster::orchestrator {

[[nodiscard]] inline Error problem(CommandErrc code, std::string what) {
    return {.code = code, .context = std::move(what)};
}

/// Of a request to ZooKeeper. What is known about its effect decides, not the wording.
[[nodiscard]] Error from_store(const std::error_code& code, const std::string& what);

}  // namespace muster::orchestrator
