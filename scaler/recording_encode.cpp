#include "scaler/recording_codec.hpp"
#include "scaler/recording_text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace muster::scaler {
namespace {

namespace json = boost::json;

void add_time(json::object& into, std::string_view name, const std::optional<WallTime>& time) {
    if (time) into.emplace(name, time_text(*time));
}

json::array ring(const std::vector<Recommendation>& all) {
    json::array list;
    for (const auto& [at, size] : all) list.push_back(json::array{time_text(at), size});
    return list;
}

json::object to_json(const Proposal& proposal) {
    const auto& [metric, size, complete, why, until] = proposal;
    json::object object{{"metric", metric}};
    if (size) object.emplace("size", *size);
    if (!complete) object.emplace("complete", false);
    object.emplace("why", why);
    add_time(object, "until", until);
    return object;
}

json::object to_json(const Clamp& clamp) {
    const auto& [cause, before, after, why, until] = clamp;
    json::object object{
        {"cause", word_of(cause)}, {"before", before}, {"after", after}, {"why", why}};
    add_time(object, "until", until);
    return object;
}

json::object to_json(const Veto& veto) {
    const auto& [cause, why, until] = veto;
    json::object object{{"cause", word_of(cause)}, {"why", why}};
    add_time(object, "until", until);
    return object;
}

json::object to_json(const TrendHistory& history) {
    const auto& [points, rising_since] = history;
    json::array list;
    for (const auto& [at, value] : points)
        list.push_back(json::array{time_text(at), decimal(value)});
    json::object object{{"points", std::move(list)}};
    add_time(object, "rising_since", rising_since);
    return object;
}

json::object to_json(const TrendHistories& histories) {
    const auto& [errors, latency, unhealthy] = histories;
    return {{"errors", to_json(errors)},
            {"latency", to_json(latency)},
            {"unhealthy", to_json(unhealthy)}};
}

json::object to_json(const Effectiveness& growth) {
    const auto& [trial, fruitless, held_until] = growth;
    json::object object;
    if (trial) {
        const auto& [metric, at, before, after, level] = *trial;
        object.emplace("trial",
                       json::object{{"metric", metric},
                                    {"at", time_text(at)},
                                    {"before", before},
                                    {"after", after},
                                    {"level", decimal(level)}});
    }
    object.emplace("fruitless", fruitless);
    add_time(object, "held_until", held_until);
    return object;
}

json::object to_json(const ForecastState& state) {
    const auto& [active, made, peak, pending, measured, error_ppm] = state;
    json::array list;
    for (const auto& [due, value] : pending)
        list.push_back(json::array{time_text(due), decimal(value)});
    json::object object{{"active", active},
                        {"peak", decimal(peak)},
                        {"pending", std::move(list)},
                        {"measured", measured},
                        {"error_ppm", error_ppm}};
    add_time(object, "made", made);
    return object;
}

template <class T>
json::array list_of(const std::vector<T>& all) {
    json::array list;
    for (const T& one : all) list.push_back(to_json(one));
    return list;
}

}  // namespace

json::object to_json(const Sample& sample) {
    const auto& [quality, flaw, value, readings, age, coverage] = sample;
    json::object object;
    if (quality != Quality::value) object.emplace("quality", word_of(quality));
    if (flaw != Flaw::none) object.emplace("flaw", word_of(flaw));
    if (value != Micros{} || readings.empty()) object.emplace("value", decimal(value));
    if (!readings.empty()) {
        json::array list;
        for (const auto& [instance, reading, capacity] : readings) {
            json::array one{instance, decimal(reading)};
            if (capacity != whole(1)) one.push_back(json::value(decimal(capacity)));
            list.push_back(std::move(one));
        }
        object.emplace("readings", std::move(list));
    }
    if (age.count() != 0) object.emplace("age_s", age.count());
    if (coverage) {
        const auto& [seen, expected] = *coverage;
        object.emplace("coverage", json::array{seen, expected});
    }
    return object;
}

json::object to_json(const Trends& trends) {
    const auto& [errors, latency, unhealthy] = trends;
    return {{"errors", word_of(errors)},
            {"latency", word_of(latency)},
            {"unhealthy", word_of(unhealthy)}};
}

json::object to_json(const Membership& membership) {
    const auto& [size, instances, creates] = membership;
    json::array list;
    for (const auto& [id, phase, since, healthy, warmed] : instances) {
        json::object one{{"id", id}, {"phase", word_of(phase)}, {"since", time_text(since)}};
        if (!healthy) one.emplace("healthy", false);
        if (!warmed) one.emplace("warmed", false);
        list.push_back(std::move(one));
    }
    json::object object{{"size", size}, {"instances", std::move(list)}};
    if (creates != BackOff{}) {
        const auto& [failures, last] = creates;
        json::object failed{{"failures", failures}};
        add_time(failed, "last", last);
        object.emplace("creates", std::move(failed));
    }
    return object;
}

json::object to_json(const History& history) {
    const auto& [peaks, troughs, events, last, trends, growth, forecasts] = history;
    json::array changes;
    for (const auto& [at, added, removed] : events)
        changes.push_back(json::array{time_text(at), added, removed});
    json::object object{
        {"peaks", ring(peaks)}, {"troughs", ring(troughs)}, {"events", std::move(changes)}};
    add_time(object, "last", last);
    if (trends != TrendHistories{}) object.emplace("trends", to_json(trends));
    if (growth != Effectiveness{}) object.emplace("growth", to_json(growth));
    if (!forecasts.empty()) {
        json::object all;
        for (const auto& [metric, state] : forecasts) all.emplace(metric, to_json(state));
        object.emplace("forecasts", std::move(all));
    }
    return object;
}

json::object to_json(const Decision& decision) {
    const auto& [was, wanted, size, proposals, clamps, vetoes, pin, next, brakes] = decision;
    json::object object{{"was", was},
                        {"wanted", wanted},
                        {"size", size},
                        {"proposals", list_of(proposals)},
                        {"clamps", list_of(clamps)},
                        {"vetoes", list_of(vetoes)}};
    if (pin) {
        const auto& [recommendation, until] = *pin;
        object.emplace("pin",
                       json::object{{"at", time_text(recommendation.at)},
                                    {"size", recommendation.size},
                                    {"until", time_text(until)}});
    }
    if (!brakes.empty()) object.emplace("brakes", list_of(brakes));
    object.emplace("next", to_json(next));
    return object;
}

std::string canonical(const Decision& decision) {
    return json::serialize(to_json(decision));
}

std::string digest_of(const Decision& decision) {
    return short_hash(canonical(decision));
}

}  // namespace muster::scaler
