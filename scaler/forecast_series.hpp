#pragma once

#include "scaler/observations.hpp"
#include "scaler/policy.hpp"
#include "scaler/prometheus_range.hpp"

#include <cstddef>
#include <optional>

// The past of a metric that a forecast looks at, kept up to date in pieces. Pure.
namespace muster::scaler {

struct SeriesShape {
    seconds step{60};
    std::size_t most = 1;  ///< values: all past seasons, and the one that is going on
    bool operator==(const SeriesShape&) const = default;
};

/// A value a minute, or each period if that is longer, or as many as there may be.
[[nodiscard]] SeriesShape shape_of(const ForecastPolicy& policy, seconds period);

/// The time of the newest value that there can be.
[[nodiscard]] WallTime on_grid(WallTime now, seconds step);

/// What to ask for next, oldest first, at most `most` values; nothing: all is there.
[[nodiscard]] std::optional<prometheus::RangeWindow> next_window(
    const Series& series,
    const SeriesShape& shape,
    WallTime now,
    std::size_t most = prometheus::most_steps_at_once);

/// Puts the answer behind what there is; what lies back further than the shape goes. Of several
/// series their sum counts. `window` is the one that was asked for.
void take(Series& series,
          const SeriesShape& shape,
          const prometheus::RangeWindow& window,
          const prometheus::RangeAnswer& answer);

}  // namespace muster::scaler
