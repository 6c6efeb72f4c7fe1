#include "scaler/prometheus_answer.hpp"

#include "common/config/unicode.hpp"
#include "scaler/json_check.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <set>
#include <utility>

namespace muster::scaler::prometheus {
namespace json = boost::json;
namespace {

constexpr std::size_t longest_note = 300;

using Refused = tl::unexpected<Defect>;

Refused refuse(Flaw flaw, std::string_view detail) {
    return Refused(defect(flaw, detail));
}
Refused wrong_shape(std::string_view detail) {
    return refuse(Flaw::wrong_shape, detail);
}

std::string_view view(const json::string& text) {
    return {text.data(), text.size()};
}

const json::value* find(const json::object& from, std::string_view name) {
    return from.if_contains(name);
}

const json::string* find_text(const json::object& from, std::string_view name) {
    const json::value* const value = find(from, name);
    return value == nullptr ? nullptr : value->if_string();
}

/// The server's own words, if it is a Prometheus that says no.
std::optional<std::string> words_of(const HttpReply& reply, const AnswerLimits& limits) {
    if (check_json(reply.body, {.values = 1000, .depth = limits.depth})) return std::nullopt;
    const json::value whole = json::parse(reply.body);
    const json::object* const object = whole.if_object();
    if (object == nullptr) return std::nullopt;
    const json::string* const error = find_text(*object, "error");
    if (error == nullptr) return std::nullopt;
    return std::string(view(*error));
}

/// Of any status but 200. A 400 that isn't Prometheus' comes from something in between.
Defect refusal(const HttpReply& reply, const AnswerLimits& limits) {
    const auto words = words_of(reply, limits);
    const int status = reply.status;
    Flaw flaw = Flaw::bad_status;
    if (words && (status == 400 || status == 422)) flaw = Flaw::refused_query;
    if (status == 401 || status == 403) flaw = Flaw::unauthorized;
    if (status == 408 || status == 429 || status >= 500) flaw = Flaw::unavailable;
    const std::string shown =
        config::as_plain_text(words.value_or(reply.body.substr(0, 120)), longest_note);
    if (flaw == Flaw::refused_query) return defect(flaw, shown);
    return defect(flaw, fmt::format("status {}: {}", status, shown));
}

bool is_json(std::string_view content_type) {
    const std::string_view type = content_type.substr(0, content_type.find(';'));
    const std::size_t end = type.find_last_not_of(" \t");
    std::string lower(type.substr(0, end == std::string_view::npos ? 0 : end + 1));
    for (char& letter : lower)
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return lower == "application/json";
}

/// Prometheus writes seconds with at most 3 decimals, so milliseconds are exact.
tl::expected<WallTime, Defect> read_time(const json::value& value) {
    double time = 0;
    if (value.is_double()) {
        time = value.get_double();
    } else if (value.is_int64()) {
        time = static_cast<double>(value.get_int64());
    } else {
        return wrong_shape("a time that is no number");
    }
    constexpr double year_2242 = 8'600'000'000;
    if (!(time > 0 && time < year_2242))
        return refuse(Flaw::wrong_time, "a time that can't be meant");
    return WallTime(std::chrono::milliseconds(std::llround(time * 1000)));
}

tl::expected<Point, Defect> read_point(const json::value& value) {
    const json::array* const pair = value.if_array();
    if (pair == nullptr || pair->size() != 2) return wrong_shape("a value is not [time, text]");
    const json::string* const text = pair->at(1).if_string();
    if (text == nullptr) return wrong_shape("a number that is not written as text");
    const auto at = read_time(pair->at(0));
    if (!at) return Refused(at.error());
    return Point{.at = *at, .value = std::string(view(*text))};
}

tl::expected<std::vector<Point>, Defect> read_points(const json::value& values) {
    const json::array* const list = values.if_array();
    if (list == nullptr) return wrong_shape("values is not a list");
    std::vector<Point> points;
    points.reserve(list->size());
    for (const json::value& one : *list) {
        auto point = read_point(one);
        if (!point) return Refused(std::move(point.error()));
        if (!points.empty() && point->at <= points.back().at)
            return refuse(Flaw::wrong_time, "values whose times do not rise");
        points.push_back(*std::move(point));
    }
    return points;
}

tl::expected<Series, Defect> read_series(const json::value& value, ResultType type) {
    const json::object* const from = value.if_object();
    if (from == nullptr) return wrong_shape("a series is not an object");
    const json::value* const metric = find(*from, "metric");
    const json::object* const labels = metric == nullptr ? nullptr : metric->if_object();
    if (labels == nullptr) return wrong_shape("a series without metric");
    Series series;
    for (const auto& [name, label] : *labels) {
        if (!label.is_string()) return wrong_shape("a label that is no text");
        series.labels.emplace(std::string_view(name.data(), name.size()), view(label.get_string()));
    }
    if (find(*from, "histogram") != nullptr || find(*from, "histograms") != nullptr)
        return refuse(Flaw::wrong_type, "a native histogram: ask for a quantile or a rate of it");
    const bool many = type == ResultType::matrix;
    const json::value* const content = find(*from, many ? "values" : "value");
    if (content == nullptr) return wrong_shape("a series without value");
    if (many) {
        auto points = read_points(*content);
        if (!points) return Refused(std::move(points.error()));
        series.points = *std::move(points);
    } else {
        auto point = read_point(*content);
        if (!point) return Refused(std::move(point.error()));
        series.points.push_back(*std::move(point));
    }
    return series;
}

tl::expected<std::vector<Series>, Defect> read_result(const json::value& result,
                                                      ResultType type,
                                                      std::size_t most) {
    std::vector<Series> all;
    if (type == ResultType::scalar) {
        auto point = read_point(result);
        if (!point) return Refused(std::move(point.error()));
        all.push_back({.labels = {}, .points = {*std::move(point)}});
        return all;
    }
    const json::array* const list = result.if_array();
    if (list == nullptr) return wrong_shape("result is not a list");
    if (type == ResultType::string) return all;
    if (list->size() > most)
        return refuse(Flaw::too_large,
                      fmt::format("{} series, of which {} are read", list->size(), most));
    std::set<std::map<std::string, std::string>> seen;
    for (const json::value& one : *list) {
        auto series = read_series(one, type);
        if (!series) return Refused(std::move(series.error()));
        if (!seen.insert(series->labels).second)
            return refuse(Flaw::duplicate, "two series with the same labels");
        all.push_back(*std::move(series));
    }
    return all;
}

std::optional<ResultType> read_type(std::string_view name) {
    if (name == "vector") return ResultType::vector;
    if (name == "scalar") return ResultType::scalar;
    if (name == "matrix") return ResultType::matrix;
    if (name == "string") return ResultType::string;
    return std::nullopt;
}

tl::expected<std::vector<std::string>, Defect> read_notes(const json::object& from,
                                                          std::string_view name) {
    std::vector<std::string> notes;
    const json::value* const value = find(from, name);
    if (value == nullptr || value->is_null()) return notes;
    const json::array* const list = value->if_array();
    if (list == nullptr) return wrong_shape(fmt::format("{} is not a list", name));
    for (const json::value& one : *list) {
        if (!one.is_string()) return wrong_shape(fmt::format("{} has what is no text", name));
        if (notes.size() < most_notes)
            notes.push_back(config::as_plain_text(view(one.get_string()), longest_note));
    }
    return notes;
}

Read read_success(const json::object& whole, const AnswerLimits& limits) {
    auto warnings = read_notes(whole, "warnings");
    if (!warnings) return Refused(std::move(warnings.error()));
    auto infos = read_notes(whole, "infos");
    if (!infos) return Refused(std::move(infos.error()));
    const json::value* const data = find(whole, "data");
    const json::object* const inside = data == nullptr ? nullptr : data->if_object();
    if (inside == nullptr) return wrong_shape("success without data");
    const json::string* const name = find_text(*inside, "resultType");
    const json::value* const result = find(*inside, "result");
    if (name == nullptr || result == nullptr) return wrong_shape("data without a result");
    const auto type = read_type(view(*name));
    if (!type) return wrong_shape("an unknown resultType");
    auto series = read_result(*result, *type, limits.series);
    if (!series) return Refused(std::move(series.error()));
    return Answer{.type = *type,
                  .series = *std::move(series),
                  .warnings = *std::move(warnings),
                  .infos = *std::move(infos)};
}

}  // namespace

Defect defect(Flaw flaw, std::string_view detail) {
    return {.flaw = flaw, .detail = config::as_plain_text(detail, longest_detail)};
}

Read read_answer(const HttpReply& reply, const AnswerLimits& limits) {
    if (reply.body.size() > limits.bytes)
        return refuse(Flaw::too_large, fmt::format("more than {} bytes", limits.bytes));
    if (reply.status != 200) return Refused(refusal(reply, limits));
    if (!is_json(reply.content_type))
        return refuse(
            Flaw::not_json,
            fmt::format("content-type is '{}'", config::as_plain_text(reply.content_type, 100)));
    if (config::as_utf8(reply.body) != reply.body)
        return refuse(Flaw::bad_text, "bytes that are not UTF-8");
    if (auto wrong = check_json(reply.body, {.values = limits.values, .depth = limits.depth}))
        return Refused(*std::move(wrong));
    const json::value whole = json::parse(reply.body);
    const json::object* const object = whole.if_object();
    if (object == nullptr) return wrong_shape("not an object");
    const json::string* const status = find_text(*object, "status");
    if (status == nullptr) return wrong_shape("no status");
    if (view(*status) == "error") {
        const json::string* const error = find_text(*object, "error");
        return refuse(Flaw::query_failed, error == nullptr ? "no reason given" : view(*error));
    }
    if (view(*status) != "success") return wrong_shape("a status that is neither");
    if (find(*object, "error") != nullptr || find(*object, "errorType") != nullptr)
        return wrong_shape("success with an error");
    return read_success(*object, limits);
}

bool is_of_the_endpoint(Flaw flaw) {
    switch (flaw) {
        case Flaw::query_failed:
        case Flaw::no_reply:
        case Flaw::late:
        case Flaw::unauthorized:
        case Flaw::unavailable:
        case Flaw::bad_status:
        case Flaw::not_json:
        case Flaw::truncated:
        case Flaw::bad_text:
        case Flaw::too_deep:
        case Flaw::wrong_shape:
        case Flaw::wrong_time:
        case Flaw::duplicate:
            return true;
        case Flaw::none:
        case Flaw::empty:
        case Flaw::not_a_number:
        case Flaw::infinite:
        case Flaw::malformed:
        case Flaw::out_of_range:
        case Flaw::negative:
        case Flaw::many_series:
        case Flaw::stale:
        case Flaw::partial:
        case Flaw::no_capacity:
        case Flaw::no_target:
        case Flaw::refused_query:
        case Flaw::too_large:
        case Flaw::wrong_type:
        case Flaw::no_instance:
        case Flaw::strangers:
        case Flaw::unknown_age:
        case Flaw::future:
            return false;
    }
    return false;
}

}  // namespace muster::scaler::prometheus
