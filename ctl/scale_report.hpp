#pragma once

#include "ctl/context.hpp"
#include "scaler/simulation.hpp"

#include <map>
#include <string>
#include <vector>

// What `musterctl scale simulate` shows of its runs. Pure.
namespace muster::ctl {

struct NamedRun {
    std::string name;
    scaler::Simulation run;
};

struct ScaleReport {
    std::string fleet;
    scaler::SimulationSettings settings{};
    std::map<std::string, scaler::Micros> bearable;
    std::vector<NamedRun> runs{};  ///< one, or two with the same ticks: the second is the older
    std::vector<std::string> explained{};  ///< lines of one decision of the first
};

struct PlotSettings {
    int width = 100;
    int height = 10;
    bool ascii = false;
    Colours colours = Colours::off;
};

/// The size over time: full where it serves, lighter where it was ordered and doesn't yet, a mark
/// below where more was needed than served. `top`: what the highest row reaches.
[[nodiscard]] std::string plot(const NamedRun& run, int top, const PlotSettings& settings);

/// Everything: head, figures, plots (nullptr: none), where the runs part.
[[nodiscard]] std::string to_table(const ScaleReport& report, const PlotSettings* plots);

[[nodiscard]] boost::json::value to_json(const ScaleReport& report);
/// A line for each run and tick.
[[nodiscard]] std::string to_csv(const ScaleReport& report);
/// An SVG file that needs nothing else.
[[nodiscard]] std::string to_svg(const ScaleReport& report);

}  // namespace muster::ctl
