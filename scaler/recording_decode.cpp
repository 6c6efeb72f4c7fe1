#include "scaler/recording_codec.hpp"
#include "scaler/recording_members.hpp"

#include <boost/json/array.hpp>

namespace muster::scaler {
namespace {

namespace json = boost::json;

constexpr std::int64_t longest_age = 100'000'000;
constexpr std::size_t most_instances = static_cast<std::size_t>(largest_size) * 2;
constexpr std::size_t longest_id = 256;
constexpr std::size_t most_of_ring = ring_limit + 1;  // decide() adds one after it made room

/// Elements of `from` as `each` reads them.
template <class T, class Each>
std::vector<T> read_list(Complaint& complaint,
                         const json::value* from,
                         const std::string& path,
                         std::size_t most,
                         Each each) {
    std::vector<T> all;
    if (from == nullptr) return all;
    const json::array* const list = from->if_array();
    if (list == nullptr || list->size() > most) {
        complaint.add(path, fmt::format("must be a list of at most {}", most));
        return all;
    }
    for (std::size_t i = 0; i < list->size() && complaint.text.empty(); ++i)
        all.push_back(each((*list)[i], fmt::format("{}[{}]", path, i)));
    return all;
}

/// A list of between so many elements; an empty one after a complaint.
const json::array& tuple(Complaint& complaint,
                         const json::value& from,
                         const std::string& path,
                         std::size_t least,
                         std::size_t most) {
    static const json::array nothing;
    const json::array* const list = from.if_array();
    if (list != nullptr && list->size() >= least && list->size() <= most) return *list;
    complaint.add(path, fmt::format("must be a list of {} to {}", least, most));
    return nothing;
}

Recommendation read_recommendation(Complaint& complaint,
                                   const json::value& from,
                                   const std::string& path) {
    const json::array& parts = tuple(complaint, from, path, 2, 2);
    if (parts.empty()) return {};
    return {.at = complaint.time(parts[0], path),
            .size = complaint.integer<int>(parts[1], path, 0, largest_size)};
}

ScaleEvent read_event(Complaint& complaint, const json::value& from, const std::string& path) {
    const json::array& parts = tuple(complaint, from, path, 3, 3);
    if (parts.empty()) return {};
    constexpr int most = largest_size * static_cast<int>(ring_limit);  // merged ones add up
    return {.at = complaint.time(parts[0], path),
            .added = complaint.integer<int>(parts[1], path, 0, most),
            .removed = complaint.integer<int>(parts[2], path, 0, most)};
}

Reading read_reading(Complaint& complaint, const json::value& from, const std::string& path) {
    const json::array& parts = tuple(complaint, from, path, 2, 3);
    if (parts.empty()) return {};
    Reading reading{.instance = complaint.text_of(parts[0], path, longest_id),
                    .value = complaint.quantity(parts[1], path)};
    if (parts.size() == 3) reading.capacity = complaint.quantity(parts[2], path);
    return reading;
}

Instance read_instance(Complaint& complaint, const json::value& from, const std::string& path) {
    Members members(complaint, from, path);
    Instance instance{.id = members.text("id", longest_id),
                      .phase = members.word<Phase>("phase", std::nullopt)};
    if (const auto since = members.required("since"))
        instance.since = complaint.time(*since, path + ".since");
    instance.healthy = members.truth("healthy", true);
    instance.warmed = members.truth("warmed", true);
    members.end();
    return instance;
}

constexpr std::size_t longest_metric = 256;
constexpr std::size_t most_forecasts = 256;

/// Lists of a time and a number: points and predictions.
template <class T>
std::vector<T> read_values(Complaint& complaint,
                           const json::value* from,
                           const std::string& path,
                           std::size_t most) {
    return read_list<T>(
        complaint, from, path, most, [&](const json::value& one, const std::string& where) {
            const json::array& parts = tuple(complaint, one, where, 2, 2);
            if (parts.empty()) return T{};
            return T{complaint.time(parts[0], where), complaint.quantity(parts[1], where)};
        });
}

std::optional<WallTime> time_in(Members& members,
                                Complaint& complaint,
                                std::string_view name,
                                const std::string& path) {
    const json::value* const found = members.find(name);
    if (found == nullptr) return std::nullopt;
    return complaint.time(*found, path + "." + std::string(name));
}

template <class Number>
Number number_in(Members& members,
                 Complaint& complaint,
                 std::string_view name,
                 const std::string& path,
                 Number low,
                 Number high) {
    const json::value* const found = members.required(name);
    if (found == nullptr) return low;
    return complaint.integer<Number>(*found, path + "." + std::string(name), low, high);
}

TrendHistory read_trend(Complaint& complaint, const json::value& from, const std::string& path) {
    Members members(complaint, from, path);
    TrendHistory trend{.points = read_values<TrendPoint>(
                           complaint, members.required("points"), path + ".points", 1000)};
    trend.rising_since = time_in(members, complaint, "rising_since", path);
    members.end();
    return trend;
}

TrendHistories read_trend_histories(Complaint& complaint,
                                    const json::value& from,
                                    const std::string& path) {
    Members members(complaint, from, path);
    TrendHistories all;
    for (const auto& [name, into] : {std::pair("errors", &all.errors),
                                     {"latency", &all.latency},
                                     {"unhealthy", &all.unhealthy}})
        if (const auto one = members.required(name))
            *into = read_trend(complaint, *one, path + "." + name);
    members.end();
    return all;
}

Effectiveness read_growth(Complaint& complaint, const json::value& from, const std::string& path) {
    Members members(complaint, from, path);
    Effectiveness growth;
    if (const auto trial = members.find("trial")) {
        const std::string where = path + ".trial";
        Members parts(complaint, *trial, where);
        GrowthTrial one{.metric = parts.text("metric", longest_metric)};
        one.at = time_in(parts, complaint, "at", where).value_or(WallTime{});
        one.before = number_in<int>(parts, complaint, "before", where, 0, largest_size);
        one.after = number_in<int>(parts, complaint, "after", where, 0, largest_size);
        if (const auto level = parts.required("level"))
            one.level = complaint.quantity(*level, where + ".level");
        parts.end();
        growth.trial = std::move(one);
    }
    growth.fruitless = number_in<int>(members, complaint, "fruitless", path, 0, 1'000'000'000);
    growth.held_until = time_in(members, complaint, "held_until", path);
    members.end();
    return growth;
}

ForecastState read_forecast(Complaint& complaint,
                            const json::value& from,
                            const std::string& path) {
    Members members(complaint, from, path);
    ForecastState state{.active = members.truth("active", false)};
    state.made = time_in(members, complaint, "made", path);
    if (const auto peak = members.required("peak"))
        state.peak = complaint.quantity(*peak, path + ".peak");
    state.pending = read_values<Prediction>(
        complaint, members.required("pending"), path + ".pending", most_predictions + 1);
    state.measured = number_in<int>(members, complaint, "measured", path, 0, 1'000'000'000);
    state.error_ppm = number_in<std::int64_t>(
        members, complaint, "error_ppm", path, -1'000'000'000, 1'000'000'000);
    members.end();
    return state;
}

std::map<std::string, ForecastState> read_forecasts(Complaint& complaint,
                                                    const json::value& from,
                                                    const std::string& path) {
    std::map<std::string, ForecastState> all;
    const json::object* const object = from.if_object();
    if (object == nullptr || object->size() > most_forecasts) {
        complaint.add(path, fmt::format("must be an object of at most {}", most_forecasts));
        return all;
    }
    for (const auto& member : *object) {
        const std::string name = std::string(member.key()).substr(0, longest_metric);
        all[name] = read_forecast(complaint, member.value(), path + "." + name);
    }
    return all;
}

BackOff read_creates(Complaint& complaint, const json::value& from, const std::string& path) {
    Members members(complaint, from, path);
    BackOff creates{.failures =
                        number_in<int>(members, complaint, "failures", path, 0, 1'000'000'000)};
    creates.last = time_in(members, complaint, "last", path);
    members.end();
    return creates;
}

template <class T>
Decoded<T> result(const Complaint& complaint, T value) {
    if (!complaint.text.empty()) return tl::unexpected(complaint.text);
    return value;
}

History history_of(Complaint& complaint, const json::value& from, const std::string& path) {
    Members members(complaint, from, path);
    History history;
    const auto recommendation = [&](const json::value& one, const std::string& where) {
        return read_recommendation(complaint, one, where);
    };
    history.peaks = read_list<Recommendation>(
        complaint, members.required("peaks"), path + ".peaks", most_of_ring, recommendation);
    history.troughs = read_list<Recommendation>(
        complaint, members.required("troughs"), path + ".troughs", most_of_ring, recommendation);
    history.events = read_list<ScaleEvent>(complaint,
                                           members.required("events"),
                                           path + ".events",
                                           most_of_ring,
                                           [&](const json::value& one, const std::string& where) {
                                               return read_event(complaint, one, where);
                                           });
    if (const auto last = members.find("last"))
        history.last = complaint.time(*last, path + ".last");
    if (const auto trends = members.find("trends"))
        history.trends = read_trend_histories(complaint, *trends, path + ".trends");
    if (const auto growth = members.find("growth"))
        history.growth = read_growth(complaint, *growth, path + ".growth");
    if (const auto forecasts = members.find("forecasts"))
        history.forecasts = read_forecasts(complaint, *forecasts, path + ".forecasts");
    members.end();
    return history;
}

}  // namespace

Decoded<Sample> read_sample(const json::value& from, const std::string& path) {
    Complaint complaint;
    Members members(complaint, from, path);
    Sample sample{.quality = members.word<Quality>("quality", Quality::value),
                  .flaw = members.word<Flaw>("flaw", Flaw::none)};
    if (const auto value = members.find("value"))
        sample.value = complaint.quantity(*value, path + ".value");
    sample.readings = read_list<Reading>(complaint,
                                         members.find("readings"),
                                         path + ".readings",
                                         most_instances,
                                         [&](const json::value& one, const std::string& where) {
                                             return read_reading(complaint, one, where);
                                         });
    if (const auto age = members.find("age_s"))
        sample.age = std::chrono::seconds{
            complaint.integer<std::int64_t>(*age, path + ".age_s", -longest_age, longest_age)};
    if (const auto coverage = members.find("coverage")) {
        const std::string where = path + ".coverage";
        const json::array& parts = tuple(complaint, *coverage, where, 2, 2);
        if (!parts.empty())
            sample.coverage =
                Coverage{.seen = complaint.integer<int>(parts[0], where, 0, 1'000'000),
                         .expected = complaint.integer<int>(parts[1], where, 0, 1'000'000)};
    }
    members.end();
    return result(complaint, std::move(sample));
}

Decoded<Trends> read_trends(const json::value& from, const std::string& path) {
    Complaint complaint;
    Members members(complaint, from, path);
    const Trends trends{.errors = members.word<Trend>("errors", std::nullopt),
                        .latency = members.word<Trend>("latency", std::nullopt),
                        .unhealthy = members.word<Trend>("unhealthy", std::nullopt)};
    members.end();
    return result(complaint, trends);
}

Decoded<Membership> read_membership(const json::value& from, const std::string& path) {
    Complaint complaint;
    Members members(complaint, from, path);
    Membership membership;
    if (const auto size = members.required("size"))
        membership.size = complaint.integer<int>(*size, path + ".size", 0, largest_size);
    membership.instances =
        read_list<Instance>(complaint,
                            members.required("instances"),
                            path + ".instances",
                            most_instances,
                            [&](const json::value& one, const std::string& where) {
                                return read_instance(complaint, one, where);
                            });
    if (const auto creates = members.find("creates"))
        membership.creates = read_creates(complaint, *creates, path + ".creates");
    members.end();
    return result(complaint, std::move(membership));
}

Decoded<History> read_history(const json::value& from, const std::string& path) {
    Complaint complaint;
    History history = history_of(complaint, from, path);
    return result(complaint, std::move(history));
}

Decoded<RecordedDecision> read_decision(const json::value& from, const std::string& path) {
    Complaint complaint;
    Members members(complaint, from, path);
    RecordedDecision decision;
    for (const auto& [name, into] : {std::pair("was", &decision.was), {"size", &decision.size}})
        if (const auto value = members.required(name))
            *into = complaint.integer<int>(*value, path + "." + name, 0, largest_size);
    if (const auto next = members.required("next"))
        decision.next = history_of(complaint, *next, path + ".next");
    return result(complaint, std::move(decision));
}

}  // namespace muster::scaler
