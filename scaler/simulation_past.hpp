#pragma once

#include "scaler/observations.hpp"
#include "scaler/policy.hpp"
#include "scaler/recording.hpp"

#include <tl/expected.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

// What the metrics of a fleet were, as simulations need it. Values, and pure functions that make
// them; times rise within each list.
namespace muster::scaler {

struct PastPoint {
    WallTime at{};
    Flaw flaw = Flaw::none;  ///< none: `value` is one
    Micros value{};
    Micros capacity{};  ///< 0: not known, so 100
    bool operator==(const PastPoint&) const = default;
};

struct PastSeries {
    std::string metric;
    std::string instance;  ///< empty: of the fleet
    std::vector<PastPoint> points;
    bool operator==(const PastSeries&) const = default;
};

/// What a recording knows beside the metrics.
struct PastFleet {
    WallTime at{};
    int size = 0;
    int serving = 0;
    Trends trends{};
    Pause pause = Pause::none;
    Sample errors{};
    Sample latency{};
    bool operator==(const PastFleet&) const = default;
};

struct PastCoverage {
    std::string metric;
    WallTime at{};
    Coverage coverage;
    bool operator==(const PastCoverage&) const = default;
};

struct Past {
    std::vector<PastSeries> series;
    std::vector<PastFleet> fleet{};          ///< empty: not known
    std::vector<PastCoverage> incomplete{};  ///< where a fleet's value lacked instances
    /// What the queries of the guards gave, where `fleet` doesn't tell it; empty: not known.
    std::vector<PastPoint> errors{};
    std::vector<PastPoint> latency{};
    /// A point counts for so long, unless a younger one of its series is there.
    seconds valid_for{60};

    /// Of all points; absent: there are none.
    struct Span {
        WallTime first;
        WallTime last;
    };
    [[nodiscard]] std::optional<Span> span() const;
};

/// Of one part, with trends, pauses and sizes.
[[nodiscard]] Past past_of(const RecordedPart& part);

/// "time,metric,value", "time,metric,instance,value" or "time,metric,instance,value,capacity": the
/// first line names the columns. Times are RFC 3339 in UTC or seconds since 1970, rising for each
/// metric and instance. An empty value or NaN is a known absence; an empty instance: of the fleet.
/// `valid_for` is twice the usual distance of points. The error is "name:line: what is wrong".
/// Bounds: 20,000 series, 40,000,000 points.
[[nodiscard]] tl::expected<Past, std::string> read_csv(std::string_view text,
                                                       const std::string& name);

}  // namespace muster::scaler
