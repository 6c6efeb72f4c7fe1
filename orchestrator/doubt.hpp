#pragma once

#include "common/base/clock.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

namespace muster::orchestrator {

/// How the backends of one group look to this worker: of those that are published as serving, or
/// were a moment ago, how many fail now, and of how many of those peers have just said that they do
/// serve. All of them are among what it watches.
struct GroupSight {
    int watched = 0;
    int serving = 0;
    int failing = 0;
    int refuted = 0;
};

/// What became of a worker's probes since it started.
struct ProbeSums {
    std::uint64_t finished = 0;
    std::uint64_t shortages = 0;  ///< began late, or lacked ports, descriptors or memory
};

/// Whether a worker has reason to distrust its own eyes (DESIGN.md, section 7), and why:
/// - More than half of what it watches fails, in two groups or more, all of which served a moment
///   ago. One group alone is more likely a broken deployment, and peers confirm that. Ends at a
///   quarter.
/// - For more than a tenth of what it watches peers say that it serves and does not fail. Ends at a
///   twentieth.
/// - More than half of its probes of the last seconds (the last four, if those took longer) were
///   late or lacked means of its own: it sees nothing, and others may. Ends at a quarter.
/// - Most of its canaries fail: what an operator has named as always there.
/// Whoever has less than half of that left to watch, or to probe, with which its doubt began has
/// seen nothing better since: that doubt ends after a minute, and after twice as long each time (a
/// quarter of an hour at most) when it came back within that time. Pure but for what it remembers.
class DoubtMeter {
 public:
    static constexpr int fewest = 4;  ///< backends, or probes, from which a share means something
    static constexpr std::chrono::seconds blind_for{60};
    static constexpr std::chrono::seconds longest_blind_for{900};
    static constexpr std::chrono::seconds window{5};

    /// Whether it doubts now.
    bool look(const std::vector<GroupSight>& groups, SteadyTime now);
    /// Now and then, before look().
    void note_probes(ProbeSums sums, SteadyTime now);
    /// Of the canaries, asked just now.
    void note_canaries(std::size_t asked, std::size_t failing) { blind_ = 2 * failing > asked; }
    [[nodiscard]] bool doubts() const { return stricken_ || starved_ || blind_; }
    [[nodiscard]] bool blind() const { return blind_; }
    [[nodiscard]] std::string_view why() const;  ///< while it doubts

 private:
    void judge_sight(const std::vector<GroupSight>& groups, SteadyTime now);
    void judge_probes(SteadyTime now);
    void count_return(SteadyTime now);

    struct Sample {
        SteadyTime time{};
        ProbeSums sums;
    };
    bool stricken_ = false;     ///< much of what it watches fails
    bool refuted_ = false;      ///< for peers it doesn't; how that doubt began
    bool starved_ = false;      ///< most of its probes come to nothing
    bool blind_ = false;        ///< most canaries fail
    int watched_ = 0;           ///< backends when it began to be stricken
    SteadyTime seen_{};         ///< when there were half of them last
    std::uint64_t probed_ = 0;  ///< probes in the window when it began to be starved
    SteadyTime fed_{};          ///< when there were half of them last
    std::deque<Sample> samples_;
    std::optional<SteadyTime> ended_;  ///< the last doubt of the first two kinds
    std::chrono::seconds rest_ = blind_for;
};

}  // namespace muster::orchestrator
