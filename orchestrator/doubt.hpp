#pragma once

#include "common/base/clock.hpp"

#include <chrono>
#include <cstddef>
#include <vector>

namespace muster::orchestrator {

/// How the backends of one group look to this worker: of those that are published as serving, or
/// were a moment ago, how many fail now.
struct GroupSight {
    int serving = 0;
    int failing = 0;
};

/// Whether a worker has reason to distrust its own eyes (DESIGN.md, section 7): more than half of
/// what it watches fails, in two groups or more, all of which served a moment ago. One group alone
/// is more likely a broken deployment, and peers confirm that. The doubt ends when at most a
/// quarter fails; without anything to watch, after a minute. Beside that it doubts while most of
/// its canaries fail: what an operator has named as always there. Pure but for what it remembers.
class DoubtMeter {
 public:
    static constexpr int fewest = 4;  ///< serving backends from which a share means something
    static constexpr std::chrono::seconds blind_for{60};

    /// Whether it doubts now.
    bool look(const std::vector<GroupSight>& groups, SteadyTime now);
    /// Of the canaries, asked just now.
    void note_canaries(std::size_t asked, std::size_t failing) { blind_ = 2 * failing > asked; }
    [[nodiscard]] bool doubts() const { return doubts_ || blind_; }
    [[nodiscard]] bool blind() const { return blind_; }

 private:
    bool doubts_ = false;
    bool blind_ = false;
    SteadyTime seen_{};  ///< when there was something to watch last
};

}  // namespace muster::orchestrator
