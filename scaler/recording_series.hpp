#pragma once

#include "scaler/observations.hpp"
#include "scaler/recording_codec.hpp"

#include <boost/json/value.hpp>

#include <map>
#include <string>

// Series of forecasts in recordings: they are weeks long, so a tick has only what changed. Pure.
namespace muster::scaler {

struct SeriesStep {
    bool gone = false;        ///< it isn't there any more
    std::size_t dropped = 0;  ///< from the front of what there was
    Series added{};           ///< behind it
    bool operator==(const SeriesStep&) const = default;
};

using SeriesSteps = std::map<std::string, SeriesStep>;

/// By the metric's name; of those that didn't change: none.
[[nodiscard]] SeriesSteps steps_between(const std::map<std::string, Series>& before,
                                        const std::map<std::string, Series>& now);
void apply(const SeriesSteps& steps, std::map<std::string, Series>& into);

[[nodiscard]] boost::json::object to_json(const SeriesSteps& steps);
[[nodiscard]] Decoded<SeriesSteps> read_series_steps(const boost::json::value& from,
                                                     const std::string& path);

}  // namespace muster::scaler
