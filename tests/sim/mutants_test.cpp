// The tests of the tests: a node whose store breaks a rule must be caught by the invariants within
// a small part of the seeds that CI runs.
#include "tests/sim/mutants.hpp"

#include "common/observe/log.hpp"
#include "tests/sim/seed_run.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <string>

namespace muster::sim {
namespace {

struct Mutant {
    std::string name;
    SimNode::WrapStore (*wrap)();
    std::string rule;  ///< that catches it: a part of the text; empty = any
};

class Mutants : public testing::TestWithParam<Mutant> {};

TEST_P(Mutants, AreCaught) {
    log::set_level(log::Level::error);
    constexpr std::uint64_t budget = 200;
    for (std::uint64_t seed = 1; seed <= budget; ++seed) {
        const RunReport report = run_seed(seed, {.wrap = GetParam().wrap()});
        for (const std::string& text : report.violations) {
            if (text.find(GetParam().rule) == std::string::npos) continue;
            std::cout << "caught with seed " << seed << ": " << text << "\n";
            return;
        }
    }
    FAIL() << GetParam().name << " was not caught in " << budget << " seeds";
}

INSTANTIATE_TEST_SUITE_P(Store,
                         Mutants,
                         testing::Values(Mutant{"BrokenLease", broken_lease, "one master"},
                                         Mutant{"DroppedFence", dropped_fence, "fencing"},
                                         Mutant{"LostWatches", lost_watches, ""}),
                         [](const testing::TestParamInfo<Mutant>& mutant) {
                             return mutant.param.name;
                         });

}  // namespace
}  // namespace muster::sim
