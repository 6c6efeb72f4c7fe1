#pragma once

#include "scaler/simulation_past.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

// What the load of the past would have been on a fleet of another size.
namespace muster::scaler {

/// Of one metric at one tick, whatever the size of the fleet.
struct MetricLoad {
    Flaw flaw = Flaw::empty;  ///< none: the rest may be used
    Wide total = 0;           ///< of the fleet, in millionths
    Wide capacity = 0;        ///< of those that reported, in millionths
    int reporters = 0;
    seconds age{0};
    std::optional<Coverage> coverage{};
    std::optional<int> served{};  ///< how many served then
};

/// How the load of the past is split anew (its limits: docs/simulate.md): a total stays what it
/// was; readings of instances are added up, and split evenly over the instances that serve; a value
/// as a whole (a latency) is taken to be inverse to the instances that serve where the past tells
/// how many did, else it stays what it was.
/// One pass over a past, tick by tick, forward. The policy and the past must outlive it.
class PastLoad {
 public:
    PastLoad(const Policy& policy, const Past& past);

    /// What speaks against it: a metric without history, or of which it has the wrong kind.
    [[nodiscard]] static std::optional<std::string> unfit(const Policy& policy, const Past& past);

    void advance(WallTime now);
    /// Absent: what the fleet was isn't known.
    [[nodiscard]] const PastFleet* fleet() const { return fleet_; }

    /// Makes the series of forecasts longer by what was at `now`.
    void remember(WallTime now, seconds period, std::map<std::string, Series>& into) const;

    /// What a fleet of which `serving` serve would have shown. `changed`: since the last call its
    /// instances have.
    void show(const Membership& membership, int serving, bool changed, Observations& into) const;

    /// How many instances that each bear `bearable` of each metric the load needs; in millionths of
    /// one. Absent: nothing is known.
    [[nodiscard]] std::optional<Wide> needed(const std::map<std::string, Micros>& bearable) const;

 private:
    struct Cursor {
        const PastSeries* series = nullptr;
        std::size_t next = 0;  ///< the first point after now
    };
    struct Source {
        const MetricPolicy* metric = nullptr;
        std::vector<Cursor> cursors{};
        std::vector<const PastCoverage*> incomplete{};
        std::size_t next_incomplete = 0;
    };

    [[nodiscard]] MetricLoad load_of(Source& source, WallTime now) const;

    const Past& past_;
    std::vector<Source> sources_;
    std::vector<MetricLoad> loads_;
    std::size_t next_fleet_ = 0;
    const PastFleet* fleet_ = nullptr;
};

}  // namespace muster::scaler
