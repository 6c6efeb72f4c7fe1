#pragma once

#include "scaler/decision.hpp"
#include "scaler/simulation_fleet.hpp"
#include "scaler/simulation_past.hpp"

#include <tl/expected.hpp>

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

// What a policy would have made of the past: the decisions of decide(), tick by tick, with a model
// of the fleet and of how its load follows its size (docs/simulate.md has their limits). Pure.
namespace muster::scaler {

struct SimulationSettings {
    FleetModel fleet{};
    seconds period{15};              ///< ticks are its multiples in UTC
    std::optional<WallTime> from{};  ///< default: the first that the past has
    std::optional<WallTime> to{};    ///< default: the last
    std::optional<int> initial{};    ///< default: the past's size, else what its load needs
    /// By metric: how much an instance bears, by which under-capacity is counted.
    std::map<std::string, Micros> bearable{};
    seconds flap_window{1800};
    bool keep_pauses = true;  ///< what was paused in the past is paused
};

/// What an instance bears by its policy: each target with the tolerance of scale-out.
[[nodiscard]] std::map<std::string, Micros> bearable_of(const Policy& policy);

struct SimulatedTick {
    WallTime at{};
    int was = 0;
    int wanted = 0;
    int size = 0;
    int serving = 0;              ///< before this tick's change
    int machines = 0;             ///< all that are there and cost
    std::optional<int> needed{};  ///< to bear the load; absent: it isn't known
    int load_percent = 0;         ///< of what those that serve bear; at most 1,000,000
    std::uint32_t causes = 0;     ///< of the clamps, a bit each
    bool waited = false;          ///< the decision was another size, and a change was under way
    bool operator==(const SimulatedTick&) const = default;
};
inline constexpr int most_causes = 32;
[[nodiscard]] constexpr bool has(const SimulatedTick& tick, Cause cause) {
    return (tick.causes >> static_cast<unsigned>(cause) & 1U) != 0;
}

/// Sums over a run. A tick stands for its whole period.
struct Figures {
    std::size_t ticks = 0;
    seconds period{15};
    int smallest = 0;
    int largest = 0;
    std::int64_t size_seconds = 0;      ///< the mean size times the time
    std::int64_t instance_seconds = 0;  ///< of machines
    std::int64_t idle_seconds = 0;      ///< of instances that serve beyond what is needed
    std::int64_t under_seconds = 0;     ///< fewer served than were needed
    std::int64_t longest_under_seconds = 0;
    std::int64_t missing_seconds = 0;  ///< of instances that were needed then
    std::int64_t unknown_seconds = 0;  ///< what was needed isn't known
    int worst_load_percent = 0;
    int outs = 0;  ///< changes of the size
    int ins = 0;
    int added = 0;
    int removed = 0;
    int flaps = 0;            ///< changes against the one before, soon after it
    int largest_removal = 0;  ///< in any 5 minutes
    std::array<std::int64_t, most_causes> hits{};  ///< ticks, by Cause
    std::int64_t waits = 0;                        ///< ticks that had to wait for a change
    bool operator==(const Figures&) const = default;
};

[[nodiscard]] Figures figures_of(const std::vector<SimulatedTick>& ticks,
                                 seconds period,
                                 seconds flap_window);

/// All that one tick was decided on.
struct TickView {
    const Policy& policy;
    const History& history;
    const Observations& observed;
    const Membership& membership;
    const Decision& decision;
    WallTime at;
};
using TickWatcher = std::function<void(const TickView&)>;

struct Simulation {
    std::vector<SimulatedTick> ticks;
    Figures figures;
    bool operator==(const Simulation&) const = default;
};

/// Errors and latency are watched where the past knows them.
/// The error says why the past doesn't fit the policy, or the span the past. At most 5,000,000
/// ticks.
[[nodiscard]] tl::expected<Simulation, std::string> simulate(const Policy& policy,
                                                             const Past& past,
                                                             const SimulationSettings& settings,
                                                             const TickWatcher& watcher = {});

/// Where two runs over the same ticks part.
struct Parting {
    std::size_t ticks = 0;  ///< with another size
    std::optional<std::size_t> first{};
    bool operator==(const Parting&) const = default;
};
[[nodiscard]] Parting compare(const Simulation& one, const Simulation& other);

}  // namespace muster::scaler
