#include "tests/sim/seed_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::sim {

using namespace std::chrono_literals;

namespace {

// From "nothing is broken any more" to "all is as it should be": a new session (T + 2 ticks), an
// election, adoption of the shards, and the probes that a verdict takes at the slowest cadence.
constexpr std::chrono::nanoseconds recovery_bound = 60s;
// Then nothing may be written but progress: by then a worker that had nothing left to watch has
// stopped doubting itself, and moves for balance are over.
constexpr std::chrono::nanoseconds settling = 150s;
constexpr std::chrono::nanoseconds silence = 6s;

std::vector<std::string> what_is_wrong(World& world, const Invariants& invariants) {
    std::vector<std::string> wrong = invariants.verdicts().differences();
    if (const auto masters = world.masters(); masters.size() != 1)
        wrong.push_back(fmt::format("{} masters", masters.size()));
    std::size_t shards = 0;
    for (const auto& [name, group] : world.groups) {
        if (group.spec && invariants.ownership().shards_of(name) == 0)
            wrong.push_back(fmt::format("{} has no shards", name.str()));
        for (int k = 0; group.spec && k < invariants.ownership().shards_of(name); ++k) {
            ++shards;
            const auto holder = invariants.ownership().holders().find({.group = name, .number = k});
            if (holder == invariants.ownership().holders().end() ||
                world.hosts.at(holder->second.node).incarnation != holder->second.incarnation) {
                wrong.push_back(fmt::format("{}/{} has no living holder", name.str(), k));
            }
        }
        if (!group.spec && world.ensemble.tree().find(world.paths.group(name)) != nullptr)
            wrong.push_back(fmt::format("{} is deleted, and its znodes are there", name.str()));
    }
    for (std::string& left : invariants.collection().leftovers()) wrong.push_back(std::move(left));
    if (invariants.ownership().holders().size() > shards)
        wrong.push_back("shards that no group has are assigned");
    return wrong;
}

void recover(World& world, Swarm& swarm, Invariants& invariants, RunReport& report) {
    swarm.heal();
    const SteadyTime healed = world.clock.now();
    const bool well = swarm.calm_until(healed + recovery_bound,
                                       [&] { return what_is_wrong(world, invariants).empty(); });
    report.longest_recovery = std::chrono::duration<double>(world.clock.now() - healed).count();
    if (!invariants.violations().none()) return;
    if (!well) {
        for (const std::string& what : what_is_wrong(world, invariants))
            invariants.violations().report(world.seconds(), "recovery", what);
        return;
    }
    swarm.calm_until(healed + settling, [] { return false; });
    // All is well and calm: level-triggered loops have nothing to do.
    std::map<std::string, int> written;
    bool listening = true;
    world.ensemble.on_commit([&](const coordination::MemoryEnsemble::Commit& commit) {
        if (!listening) return;
        for (const coordination::OpOutcome& outcome : commit.outcomes) {
            if (outcome.path.find("/progress/") == std::string::npos &&
                outcome.path.find("/assignment/") == std::string::npos) {
                ++written[outcome.path];
            }
        }
    });
    swarm.calm_until(world.clock.now() + silence, [] { return false; });
    listening = false;
    for (const auto& [path, times] : written) {
        invariants.violations().report(
            world.seconds(), "silence", fmt::format("{} was written {} times", path, times));
    }
}

}  // namespace

RunReport& operator+=(RunReport& sum, const RunReport& one) {
    sum.seeds += one.seeds;
    sum.simulated_seconds += one.simulated_seconds;
    sum.faults += one.faults;
    for (std::size_t kind = 0; kind < fault_kinds; ++kind) sum.by_kind[kind] += one.by_kind[kind];
    for (const auto& [kind, count] : one.garbage) sum.garbage[kind] += count;
    sum.history.hash = one.history.hash;
    sum.history.commits += one.history.commits;
    sum.history.elections += one.history.elections;
    sum.history.expiries += one.history.expiries;
    sum.moves += one.moves;
    sum.planned_moves += one.planned_moves;
    sum.verdict_changes += one.verdict_changes;
    sum.collected += one.collected;
    sum.probes += one.probes;
    sum.fewest_faults = std::min(sum.fewest_faults, one.fewest_faults);
    sum.longest_recovery = std::max(sum.longest_recovery, one.longest_recovery);
    sum.violations.insert(sum.violations.end(), one.violations.begin(), one.violations.end());
    return sum;
}

RunReport run_seed(std::uint64_t seed, const RunOptions& options) {
    RunReport report{.seeds = 1};
    World world(seed, options.wrap);
    Invariants invariants(world);
    Swarm swarm(world, invariants, seed * 0x9e3779b97f4a7c15U + 1);
    swarm.run_until(world.clock.now() + options.length);
    if (invariants.violations().none()) recover(world, swarm, invariants, report);

    report.simulated_seconds = world.seconds();
    report.faults = report.fewest_faults = swarm.total();
    report.by_kind = swarm.counts();
    report.garbage = swarm.garbage();
    report.history = invariants.history();
    report.moves = invariants.ownership().moves();
    report.planned_moves = invariants.ownership().planned_moves();
    report.verdict_changes = invariants.verdicts().changes();
    report.collected = invariants.collection().deletions();
    for (const auto& [address, backend] : world.backends) report.probes += backend.probes;
    for (const std::string& text : invariants.violations().texts())
        report.violations.push_back(fmt::format("seed {}: {}", seed, text));
    return report;
}

}  // namespace muster::sim
