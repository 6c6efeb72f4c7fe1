#include "scaler/series_values.hpp"

#include <algorithm>
#include <limits>

namespace muster::scaler::prometheus {

Number read_number(std::string_view text) {
    const auto value = read_quantity(text);
    if (value && value->count < 0) return tl::unexpected(Flaw::negative);
    if (value) return *value;
    switch (value.error()) {
        case Unreadable::not_a_number:
            return tl::unexpected(Flaw::not_a_number);
        case Unreadable::infinite:
            return tl::unexpected(Flaw::infinite);
        case Unreadable::out_of_range:
            return tl::unexpected(Flaw::out_of_range);
        case Unreadable::malformed:
            break;
    }
    return tl::unexpected(Flaw::malformed);
}

Number reduced(config::Reducer reducer, const std::vector<Micros>& values) {
    if (values.empty()) return tl::unexpected(Flaw::empty);
    Wide sum = 0;
    for (const Micros value : values) sum += value.count;
    switch (reducer) {
        case config::Reducer::none:
            if (values.size() > 1) return tl::unexpected(Flaw::many_series);
            break;
        case config::Reducer::sum:
            break;
        case config::Reducer::max:
            return *std::ranges::max_element(values);
        case config::Reducer::min:
            return *std::ranges::min_element(values);
        case config::Reducer::avg:
            sum = ceil_div(sum, static_cast<Wide>(values.size()));
            break;
    }
    if (sum > std::numeric_limits<std::int64_t>::max()) return tl::unexpected(Flaw::out_of_range);
    return Micros{.count = static_cast<std::int64_t>(sum)};
}

std::optional<std::string> instance_of(const Series& series, const std::string& label) {
    if (label.empty()) return std::nullopt;
    const auto found = series.labels.find(label);
    if (found == series.labels.end() || found->second.empty()) return std::nullopt;
    return found->second;
}

}  // namespace muster::scaler::prometheus
