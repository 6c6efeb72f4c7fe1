#pragma once

#include "checker/outcome.hpp"
#include "common/base/clock.hpp"
#include "ctl/context.hpp"

#include <string>
#include <vector>

namespace muster::ctl {

struct ShownProbe {
    std::string backend;
    WallTime time{};
    checker::ProbeOutcome outcome;
};

/// A table with every phase, what was said in words, and the perfdata in that; or the same as data.
void show_probes(Context& context, const std::vector<ShownProbe>& probes);

}  // namespace muster::ctl
