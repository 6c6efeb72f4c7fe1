#include "scaler/samples.hpp"

#include <set>
#include <string>

namespace muster::scaler {
namespace {

constexpr std::size_t most_readings = static_cast<std::size_t>(largest_size);

Flaw flaw_of_readings(const std::vector<Reading>& readings) {
    if (readings.empty()) return Flaw::empty;
    if (readings.size() > most_readings) return Flaw::out_of_range;
    std::set<std::string_view> seen;
    for (const Reading& reading : readings) {
        if (!seen.insert(reading.instance).second) return Flaw::many_series;
        if (reading.value.count < 0) return Flaw::negative;
        if (reading.capacity.count <= 0) return Flaw::no_capacity;
    }
    return Flaw::none;
}

}  // namespace

std::string_view name_of(Flaw flaw) {
    switch (flaw) {
        case Flaw::none:
            return "none";
        case Flaw::empty:
            return "empty";
        case Flaw::not_a_number:
            return "NaN";
        case Flaw::infinite:
            return "infinite";
        case Flaw::malformed:
            return "malformed";
        case Flaw::out_of_range:
            return "out of range";
        case Flaw::negative:
            return "negative";
        case Flaw::many_series:
            return "several series for one value";
        case Flaw::stale:
            return "stale";
        case Flaw::partial:
            return "partial";
        case Flaw::query_failed:
            return "query failed";
        case Flaw::no_capacity:
            return "no capacity";
        case Flaw::no_target:
            return "the target isn't above 0";
        case Flaw::no_reply:
            return "no reply";
        case Flaw::late:
            return "no reply in time";
        case Flaw::unauthorized:
            return "not authorized";
        case Flaw::refused_query:
            return "the query is refused";
        case Flaw::unavailable:
            return "unavailable";
        case Flaw::bad_status:
            return "not a status of Prometheus";
        case Flaw::not_json:
            return "not JSON";
        case Flaw::truncated:
            return "truncated";
        case Flaw::too_large:
            return "too large";
        case Flaw::too_deep:
            return "nested too deep";
        case Flaw::bad_text:
            return "not UTF-8";
        case Flaw::wrong_shape:
            return "not a reply to a query";
        case Flaw::wrong_type:
            return "no numbers of one time";
        case Flaw::wrong_time:
            return "of another time";
        case Flaw::duplicate:
            return "duplicate";
        case Flaw::no_instance:
            return "a series names no instance";
        case Flaw::strangers:
            return "of strangers only";
        case Flaw::unknown_age:
            return "of unknown age";
        case Flaw::future:
            return "of the future";
    }
    return "unknown";
}

Flaw flaw_of(const MetricPolicy& metric, const Sample& sample) {
    if (sample.quality != Quality::value)
        return sample.flaw == Flaw::none ? Flaw::malformed : sample.flaw;
    if (metric.max_age && sample.age > *metric.max_age) return Flaw::stale;
    const auto* target = std::get_if<TargetPolicy>(&metric.rule);
    if (target == nullptr) return Flaw::none;
    if (target->target.count <= 0) return Flaw::no_target;
    if (is_of_instances(target->measure)) return flaw_of_readings(sample.readings);
    if (sample.value.count < 0) return Flaw::negative;
    if (sample.coverage && sample.coverage->seen <= 0 && sample.coverage->expected > 0)
        return Flaw::empty;
    return Flaw::none;
}

bool is_complete(const Sample& sample) {
    return sample.flaw == Flaw::none &&
           (!sample.coverage || sample.coverage->seen >= sample.coverage->expected);
}

const Sample& sample_of(const Observations& observed, const MetricPolicy& metric) {
    static const Sample absent;
    const auto found = observed.samples.find(metric.name);
    return found == observed.samples.end() ? absent : found->second;
}

}  // namespace muster::scaler
