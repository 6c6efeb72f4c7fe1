#pragma once

#include "common/base/clock.hpp"
#include "common/config/program_model.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace muster::ctl {

/// Whom a plug-in under test is to probe.
struct ConformanceTarget {
    std::string host = "127.0.0.1";
    int port = 1;
    std::string settings = "{}";  ///< JSON
    std::chrono::milliseconds timeout{1000};
};

struct ConformanceResult {
    std::string name;
    bool passed = false;
    std::string problem;  ///< what the plug-in did instead
};

/// Runs a plug-in as musterd would and holds it to docs/plugin-protocol.md. After a failure that
/// leaves nothing to talk to, the rest has failed, too. Blocks; takes some seconds.
[[nodiscard]] std::vector<ConformanceResult> test_plugin(
    Clock& clock,
    const config::Program& program,
    const ConformanceTarget& target,
    const std::function<void(const ConformanceResult&)>& told);

}  // namespace muster::ctl
