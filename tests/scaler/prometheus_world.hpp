#pragma once

#include "scaler/decide.hpp"
#include "scaler/prometheus_reply.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

// A fleet of four, what a healthy Prometheus says of it, and what is decided on that.
namespace muster::scaler::prometheus::test {

using namespace std::chrono_literals;

constexpr WallTime asked{std::chrono::milliseconds{1'795'325'284'500}};
inline const std::string json_type = "application/json";

/// In replies: the load, which is the same for all.
inline constexpr std::string_view load_mark = "@V@";

enum class Kind : std::uint8_t {
    instances,   ///< utilization of each instance, with its capacity
    reduced,     ///< a series of each instance, summed by us
    aggregated,  ///< summed by the query
};
inline constexpr Kind kinds[] = {Kind::instances, Kind::reduced, Kind::aggregated};

enum class Part : std::uint8_t { value, age, capacity };

struct Replies {
    HttpReply value{.status = 200, .content_type = json_type, .body = {}};
    HttpReply age{.status = 200, .content_type = json_type, .body = {}};
    HttpReply capacity{.status = 200, .content_type = json_type, .body = {}};

    HttpReply& operator[](Part part) {
        if (part == Part::value) return value;
        return part == Part::age ? age : capacity;
    }
};

inline std::string vector_of(const std::vector<std::pair<std::string, std::string>>& series) {
    std::string all;
    for (const auto& [labels, value] : series) {
        if (!all.empty()) all += ",";
        all += R"({"metric":{)" + labels + R"(},"value":[1795325284.500,")" + value + R"("]})";
    }
    return R"({"status":"success","data":{"resultType":"vector","result":[)" + all + "]}}";
}

inline std::string named(int number) {
    return R"("instance_id":"lb-)" + std::to_string(number) + "\"";
}

inline Replies clean_replies(Kind kind) {
    std::vector<std::pair<std::string, std::string>> values;
    std::vector<std::pair<std::string, std::string>> ages;
    std::vector<std::pair<std::string, std::string>> capacities;
    for (int i = 1; i <= 4; ++i) {
        values.emplace_back(R"("__name__":"load",)" + named(i), load_mark);
        ages.emplace_back(named(i) + R"(,"muster_selector":"0")", "1795325280.25");
        capacities.emplace_back(named(i), "100");
    }
    if (kind == Kind::aggregated) values = {{"", std::string(load_mark)}};
    Replies replies;
    replies.value.body = vector_of(values);
    replies.age.body = vector_of(ages);
    replies.capacity.body = vector_of(capacities);
    return replies;
}

inline MetricQuery query_of(Kind kind) {
    MetricQuery query{.name = "load", .query = "load"};
    if (kind == Kind::instances) {
        query.scope = Scope::instances;
        query.capacity_query = "capacity";
    }
    if (kind == Kind::reduced) query.reducer = config::Reducer::sum;
    if (kind == Kind::aggregated) query.query = "sum(load)";
    return query;
}

inline Membership fleet_of(int size) {
    Membership fleet{.size = size, .instances = {}};
    for (int i = 1; i <= size; ++i) fleet.instances.push_back({.id = "lb-" + std::to_string(i)});
    return fleet;
}

/// Puts the load of one instance, in percent, where the mark is.
inline HttpReply with_load(HttpReply reply, Kind kind, int load) {
    const std::string text = std::to_string(kind == Kind::aggregated ? 4 * load : load);
    for (std::size_t at = reply.body.find(load_mark); at != std::string::npos;
         at = reply.body.find(load_mark, at))
        reply.body.replace(at, load_mark.size(), text);
    return reply;
}

inline MetricSample sample_of(const MetricQuery& query, const Replies& replies) {
    Answers answers{.value = read_answer(replies.value), .age = read_answer(replies.age)};
    if (!query.capacity_query.empty()) answers.capacity = read_answer(replies.capacity);
    return sample_of_answers(query, roster_of(fleet_of(4)), asked, answers);
}

inline MetricSample sample_of(Kind kind, Replies replies, int load) {
    replies.value = with_load(std::move(replies.value), kind, load);
    return sample_of(query_of(kind), replies);
}

inline constexpr Mode modes[] = {Mode::muster, Mode::hpa};

/// None is lost, and each may be believed.
inline bool is_whole(const Sample& sample) {
    return sample.quality == Quality::value && sample.flaw == Flaw::none && sample.coverage &&
           sample.coverage->seen == sample.coverage->expected;
}

/// Of four instances with a target of 50 each, without windows and budgets.
inline int size_by(Kind kind, const Sample& sample, Mode mode = Mode::muster) {
    const Measure measure =
        kind == Kind::instances ? Measure::utilization : Measure::average_of_total;
    Policy policy{.mode = mode,
                  .min = 1,
                  .max = 50,
                  .metrics = {{.name = "load",
                               .rule = TargetPolicy{.measure = measure, .target = whole(50)},
                               .max_age = seconds{60}}},
                  .out = {.budgets = {}},
                  .in = {.budgets = {}}};
    // An HPA without budgets grows to twice the size at most, which is more than any case needs.
    const History history{.last = asked - 15s};
    Observations observed;
    observed.samples.emplace("load", sample);
    return decide(policy, history, observed, fleet_of(4), asked).size;
}

/// What a reply must not be below in any damaged state, as far as that can be known: `clean` is the
/// size by the clean data, for four instances that all have the same load.
/// - Whole, after all: the clean size.
/// - A part of it may be believed: in mode muster the clean size and the present one, because those
///   that are missing count as the others; in mode hpa the present size, as Kubernetes counts those
///   that are missing as 0 on the way out.
/// - None may: the present size. What the lost data would have raised can't be known.
inline int least_size(const Sample& sample, int clean, Mode mode) {
    if (is_whole(sample)) return clean;
    return sample.quality == Quality::value && mode == Mode::muster ? std::max(4, clean) : 4;
}

}  // namespace muster::scaler::prometheus::test
