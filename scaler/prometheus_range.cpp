#include "scaler/prometheus_range.hpp"

#include "scaler/series_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace muster::scaler::prometheus {
namespace {

bool is_of(const RangeWindow& window, WallTime at) {
    return at >= window.start && at <= window.end &&
           (at - window.start) % window.step == std::chrono::milliseconds{0};
}

using Values = std::map<WallTime, std::vector<Micros>>;

RangeSeries reduced_series(config::Reducer reducer,
                           std::string instance,
                           const Values& values,
                           std::size_t& unusable) {
    RangeSeries out{.instance = std::move(instance), .points = {}};
    for (const auto& [at, of_time] : values) {
        const Number value = reduced(reducer, of_time);
        if (value) {
            out.points.push_back(
                {.at = at, .value = *value, .series = static_cast<int>(of_time.size())});
        } else {
            ++unusable;
        }
    }
    return out;
}

}  // namespace

std::size_t steps_of(const RangeWindow& window) {
    if (window.step <= seconds{0} || window.end < window.start) return 0;
    return static_cast<std::size_t>((window.end - window.start) / window.step) + 1;
}

std::vector<RangeWindow> sliced(const RangeWindow& window, std::size_t most) {
    std::vector<RangeWindow> slices;
    const std::size_t steps = steps_of(window);
    for (std::size_t done = 0; done < steps; done += most) {
        const auto start = window.start + window.step * static_cast<std::int64_t>(done);
        const auto more = static_cast<std::int64_t>(std::min(most, steps - done) - 1);
        slices.push_back({.start = start, .end = start + window.step * more, .step = window.step});
    }
    return slices;
}

tl::expected<RangeAnswer, Defect> range_of_answer(const MetricQuery& query,
                                                  const RangeWindow& window,
                                                  const Read& answer) {
    if (!answer) return tl::unexpected(answer.error());
    if (answer->type != ResultType::matrix)
        return tl::unexpected(defect(Flaw::wrong_type, "no range of times"));
    RangeAnswer out{.series = {}, .unusable = 0, .warnings = answer->warnings};
    std::map<std::string, Values> by_instance;
    for (const Series& series : answer->series) {
        const auto named = instance_of(series, query.instance_label);
        if (query.scope == Scope::instances && !named)
            return tl::unexpected(
                defect(Flaw::no_instance,
                       fmt::format("a series without the label {}", query.instance_label)));
        Values& values = by_instance[query.scope == Scope::instances ? *named : std::string()];
        for (const Point& point : series.points) {
            if (!is_of(window, point.at))
                return tl::unexpected(
                    defect(Flaw::wrong_time, "a value of a time that was not asked for"));
            if (const Number value = read_number(point.value)) {
                values[point.at].push_back(*value);
            } else {
                ++out.unusable;
            }
        }
    }
    for (const auto& [instance, values] : by_instance)
        out.series.push_back(reduced_series(query.reducer, instance, values, out.unusable));
    return out;
}

void append(RangeAnswer& whole, RangeAnswer next) {
    whole.unusable += next.unusable;
    for (std::string& warning : next.warnings)
        if (whole.warnings.size() < most_notes) whole.warnings.push_back(std::move(warning));
    for (RangeSeries& series : next.series) {
        const auto place =
            std::ranges::lower_bound(whole.series, series.instance, {}, &RangeSeries::instance);
        if (place == whole.series.end() || place->instance != series.instance) {
            whole.series.insert(place, std::move(series));
        } else {
            std::ranges::move(series.points, std::back_inserter(place->points));
        }
    }
}

}  // namespace muster::scaler::prometheus
