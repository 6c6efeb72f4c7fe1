#include "scaler/sample_ages.hpp"

#include "scaler/series_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace muster::scaler::prometheus {
namespace {

/// A newer scrape than the time asked for can't be read at that time; less is rounding.
constexpr std::chrono::milliseconds rounding{1};

Age age_of(const Point& point, WallTime asked, const std::optional<seconds>& max_age) {
    const auto at = read_quantity(point.value);
    if (!at) return {.flaw = Flaw::unknown_age};
    const WallTime scraped{std::chrono::milliseconds{at->count / 1000}};
    const auto age = asked - scraped;
    if (age < -rounding) return {.flaw = Flaw::future};
    if (at->count <= 0) return {.flaw = Flaw::unknown_age};
    if (max_age && age > *max_age) return {.flaw = Flaw::stale, .age = age};
    return {.age = std::max(age, std::chrono::milliseconds{0})};
}

void worst(Age& known, const Age& more) {
    if (known.flaw == Flaw::none) known.flaw = more.flaw;
    known.age = std::max(known.age, more.age);
}

Ages unknown(Flaw flaw, std::string_view detail) {
    Ages ages;
    ages.defect = defect(flaw, detail);
    return ages;
}

/// By the number of the selector: whose ages there are.
using Reports = std::vector<std::set<std::string>>;

}  // namespace

bool Ages::is_fresh(const std::string& instance) const {
    return flaw_of(instance) == Flaw::none;
}

Flaw Ages::flaw_of(const std::string& instance) const {
    if (others && others->flaw != Flaw::none) return others->flaw;
    const auto found = instances.find(instance);
    return found == instances.end() ? Flaw::unknown_age : found->second.flaw;
}

Ages read_ages(const MetricQuery& query, WallTime asked, const Read& answer) {
    const auto selectors = selectors_of(query);
    if (!selectors) return unknown(Flaw::unknown_age, selectors.error());
    if (!answer) return unknown(answer.error().flaw, "asking for ages: " + answer.error().detail);
    if (answer->type != ResultType::vector)
        return unknown(Flaw::wrong_type, "the ages are no vector");
    Ages ages;
    Reports reports(selectors->size());
    std::vector<bool> any(selectors->size(), false);
    for (const Series& series : answer->series) {
        if (series.points.front().at != asked)
            return unknown(Flaw::wrong_time, "the ages are of another time than was asked for");
        const auto number = series.labels.find(std::string(selector_label));
        std::size_t which = 0;
        for (; which < reports.size(); ++which)
            if (number != series.labels.end() && number->second == std::to_string(which)) break;
        if (which == reports.size())
            return unknown(Flaw::wrong_shape, "ages of what was not asked for");
        any[which] = true;
        const Age age = age_of(series.points.front(), asked, query.max_age);
        const auto instance = instance_of(series, query.instance_label);
        if (!instance) {
            if (!ages.others) ages.others.emplace();
            worst(*ages.others, age);
        } else {
            reports[which].insert(*instance);
            worst(ages.instances[*instance], age);
        }
    }
    for (std::size_t i = 0; i < any.size(); ++i)
        if (!any[i])
            return unknown(Flaw::unknown_age, fmt::format("no series of {}", (*selectors)[i]));
    // Who reports some of it doesn't report the rest.
    for (const auto& named : reports)
        for (auto& [instance, age] : ages.instances)
            if (!named.empty() && !named.contains(instance))
                worst(age, {.flaw = Flaw::unknown_age});
    return ages;
}

}  // namespace muster::scaler::prometheus
