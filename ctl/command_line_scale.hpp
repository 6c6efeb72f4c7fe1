#pragma once

#include "ctl/commands.hpp"
#include "ctl/scale.hpp"

#include <iosfwd>

namespace CLI {
class App;
}

namespace muster::ctl {

/// The values of `musterctl scale ...` that CLI11 writes into, alive until parsing is over.
struct ParsedScale {
    SimulateOptions simulate;
    ScaleReplayOptions replay;
    ScaleExplainOptions explain;
    ScalePauseOptions pause;
    ForgetHostOptions forget;
};

/// Declares the command; what is asked for comes into `command`.
void add_scale(CLI::App& app, ParsedScale& parsed, Command& command, std::istream& in);

}  // namespace muster::ctl
