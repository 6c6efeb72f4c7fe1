#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace muster::checker {

/// One figure of a Nagios plug-in: 'label'=value[unit];...
struct PerfDatum {
    std::string label;
    double value = 0;
    std::string unit;  ///< "s", "%", "B", "c", ...; empty = none
    bool operator==(const PerfDatum&) const = default;
};

/// What stands behind the first | of a line (Monitoring Plugins Development Guidelines, 2.6).
/// Thresholds and bounds are not read; what is no figure is passed over. At most 64. Pure.
[[nodiscard]] std::vector<PerfDatum> parse_perfdata(std::string_view line);

}  // namespace muster::checker
