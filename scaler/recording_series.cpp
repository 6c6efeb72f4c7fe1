#include "scaler/recording_series.hpp"

#include "scaler/recording_members.hpp"

#include <boost/json/array.hpp>

#include <algorithm>

namespace muster::scaler {
namespace {

namespace json = boost::json;

constexpr std::size_t most_values = 1'000'000;
constexpr std::size_t most_series = 256;
constexpr std::size_t longest_name = 256;

/// What was dropped in front and added behind; all of it, where it isn't the same series gone on.
SeriesStep step_between(const Series& before, const Series& now) {
    SeriesStep whole{.dropped = before.values.size(), .added = now};
    if (before.step != now.step || now.step <= std::chrono::seconds{0} || now.last < before.last)
        return whole;
    const auto more = static_cast<std::size_t>((now.last - before.last) / now.step);
    if ((now.last - before.last) % now.step != std::chrono::milliseconds{0} ||
        more > now.values.size())
        return whole;
    const std::size_t kept = now.values.size() - more;
    if (kept > before.values.size()) return whole;
    const std::size_t dropped = before.values.size() - kept;
    const auto same = std::equal(now.values.begin(),
                                 now.values.begin() + static_cast<std::ptrdiff_t>(kept),
                                 before.values.begin() + static_cast<std::ptrdiff_t>(dropped));
    if (!same) return whole;
    SeriesStep step{.dropped = dropped, .added = {.last = now.last, .step = now.step}};
    step.added.values.assign(now.values.begin() + static_cast<std::ptrdiff_t>(kept),
                             now.values.end());
    return step;
}

SeriesStep read_step(Complaint& complaint, const json::value& from, const std::string& path) {
    Members members(complaint, from, path);
    SeriesStep step{.gone = members.truth("gone", false)};
    if (step.gone) {
        members.end();
        return step;
    }
    if (const auto dropped = members.required("dropped"))
        step.dropped = static_cast<std::size_t>(complaint.integer<std::int64_t>(
            *dropped, path + ".dropped", 0, std::int64_t{most_values}));
    if (const auto last = members.required("last"))
        step.added.last = complaint.time(*last, path + ".last");
    if (const auto span = members.required("step_s"))
        step.added.step = std::chrono::seconds{
            complaint.integer<std::int64_t>(*span, path + ".step_s", 0, 10'000'000)};
    const json::value* const values = members.required("values");
    members.end();
    if (values == nullptr) return step;
    const json::array* const list = values->if_array();
    if (list == nullptr || list->size() > most_values) {
        complaint.add(path + ".values", fmt::format("must be a list of at most {}", most_values));
        return step;
    }
    for (const json::value& one : *list)
        step.added.values.push_back(one.is_null()
                                        ? std::nullopt
                                        : std::optional(complaint.quantity(one, path + ".values")));
    return step;
}

}  // namespace

SeriesSteps steps_between(const std::map<std::string, Series>& before,
                          const std::map<std::string, Series>& now) {
    SeriesSteps steps;
    for (const auto& [metric, series] : now) {
        const auto was = before.find(metric);
        if (was == before.end())
            steps[metric] = {.added = series};
        else if (was->second != series)
            steps[metric] = step_between(was->second, series);
    }
    for (const auto& [metric, series] : before)
        if (!now.contains(metric)) steps[metric] = {.gone = true};
    return steps;
}

void apply(const SeriesSteps& steps, std::map<std::string, Series>& into) {
    for (const auto& [metric, step] : steps) {
        if (step.gone) {
            into.erase(metric);
            continue;
        }
        Series& series = into[metric];
        const auto dropped = std::min(step.dropped, series.values.size());
        series.values.erase(series.values.begin(),
                            series.values.begin() + static_cast<std::ptrdiff_t>(dropped));
        if (series.values.size() + step.added.values.size() > most_values) series.values.clear();
        series.values.insert(
            series.values.end(), step.added.values.begin(), step.added.values.end());
        series.last = step.added.last;
        series.step = step.added.step;
    }
}

json::object to_json(const SeriesSteps& steps) {
    json::object all;
    for (const auto& [metric, step] : steps) {
        const auto& [gone, dropped, added] = step;
        if (gone) {
            all.emplace(metric, json::object{{"gone", true}});
            continue;
        }
        const auto& [last, span, values] = added;
        json::array list;
        for (const auto& value : values)
            list.push_back(value ? json::value(decimal(*value)) : json::value(nullptr));
        all.emplace(metric,
                    json::object{{"dropped", dropped},
                                 {"last", time_text(last)},
                                 {"step_s", span.count()},
                                 {"values", std::move(list)}});
    }
    return all;
}

Decoded<SeriesSteps> read_series_steps(const json::value& from, const std::string& path) {
    Complaint complaint;
    SeriesSteps steps;
    const json::object* const object = from.if_object();
    if (object == nullptr || object->size() > most_series) {
        complaint.add(path, fmt::format("must be an object of at most {}", most_series));
    } else {
        for (const auto& member : *object) {
            const std::string name = std::string(member.key()).substr(0, longest_name);
            steps[name] = read_step(complaint, member.value(), path + "." + name);
        }
    }
    if (!complaint.text.empty()) return tl::unexpected(complaint.text);
    return steps;
}

}  // namespace muster::scaler
