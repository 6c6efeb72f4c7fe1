#pragma once

#include "checker/engine.hpp"
#include "checker/prober_set.hpp"
#include "common/config/node_settings.hpp"

#include <tl/expected.hpp>

#include <string>

namespace muster::checker {

[[nodiscard]] EngineSettings engine_settings(const config::NodeSettings& node);

/// What a node's settings say of its probers. Looks at the disk for the programs that they
/// register; the error says which one can't be used, and why.
[[nodiscard]] tl::expected<ProberSetSettings, std::string> prober_settings(
    const config::NodeSettings& node);

}  // namespace muster::checker
