#include "scaler/explain.hpp"
#include "scaler/recording_text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

namespace muster::scaler {
namespace {

namespace json = boost::json;

constexpr std::size_t most_of_a_list = 64;
constexpr std::size_t longest_text = 400;

/// Not cut within a character.
std::string bounded(std::string text) {
    if (text.size() <= longest_text) return text;
    std::size_t end = longest_text - 3;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
    return text + "...";
}

std::string until_text(const std::optional<WallTime>& until) {
    return until ? fmt::format(", until {}", time_text(*until)) : "";
}

std::string line_of(const MetricExplanation& metric) {
    std::string line = metric.wants ? fmt::format("  {} wants {}", metric.name, *metric.wants)
                                    : fmt::format("  {} says nothing", metric.name);
    line +=
        fmt::format(": {}{}; to hold: {}", metric.reckoned, until_text(metric.until), metric.rule);
    if (!metric.value.empty()) line += fmt::format("; it is {}", metric.value);
    if (metric.age.count() > 0) line += fmt::format("; {} old", span_text(metric.age));
    if (metric.coverage)
        line +=
            fmt::format("; {} of {} instances", metric.coverage->seen, metric.coverage->expected);
    if (!metric.complete) line += "; data is missing: it may raise, not lower";
    return line;
}

std::string line_of(const Flip& flip) {
    std::string line = fmt::format("  {}: ", flip.metric);
    if (!flip.raises_from && !flip.lowers_to) return line + "no value changes the size now";
    if (flip.raises_from) line += fmt::format("from {} on larger", decimal(*flip.raises_from));
    if (flip.raises_from && flip.lowers_to) line += "; ";
    if (flip.lowers_to) line += fmt::format("at {} or less smaller", decimal(*flip.lowers_to));
    return line;
}

/// Calls `each` for the first of `all`.
template <class T, class Each>
json::array list_of(const std::vector<T>& all, Each each) {
    json::array list;
    for (const T& one : all) {
        if (list.size() == most_of_a_list) break;
        list.push_back(each(one));
    }
    return list;
}

json::value time_or_null(const std::optional<WallTime>& time) {
    return time ? json::value(time_text(*time)) : json::value(nullptr);
}

json::object of_metric(const MetricExplanation& metric) {
    json::object object{{"name", bounded(metric.name)},
                        {"rule", bounded(metric.rule)},
                        {"value", bounded(metric.value)},
                        {"quality", word_of(metric.quality)},
                        {"flaw", word_of(metric.flaw)},
                        {"age_seconds", metric.age.count()}};
    if (metric.coverage)
        object.emplace(
            "coverage",
            json::object{{"seen", metric.coverage->seen}, {"expected", metric.coverage->expected}});
    object.emplace("wants", metric.wants ? json::value(*metric.wants) : json::value(nullptr));
    object.emplace("complete", metric.complete);
    object.emplace("until", time_or_null(metric.until));
    object.emplace("reckoned", bounded(metric.reckoned));
    return object;
}

json::object of_clamp(const Clamp& clamp) {
    return {{"cause", word_of(clamp.cause)},
            {"before", clamp.before},
            {"after", clamp.after},
            {"why", bounded(clamp.why)},
            {"until", time_or_null(clamp.until)}};
}

json::object of_veto(const Veto& veto) {
    return {{"cause", word_of(veto.cause)},
            {"why", bounded(veto.why)},
            {"until", time_or_null(veto.until)}};
}

json::object of_flip(const Flip& flip) {
    const auto number = [](const std::optional<Micros>& value) {
        return value ? json::value(decimal(*value)) : json::value(nullptr);
    };
    return {{"metric", bounded(flip.metric)},
            {"raises_from", number(flip.raises_from)},
            {"lowers_to", number(flip.lowers_to)}};
}

}  // namespace

std::vector<std::string> to_lines(const Explanation& all) {
    std::vector<std::string> lines{all.line,
                                   fmt::format("at {}: {} wanted, {} to {} allowed, {} serve",
                                               time_text(all.at),
                                               all.wanted,
                                               all.min,
                                               all.max,
                                               all.serving)};
    const auto section = [&lines](const char* title, const auto& list, auto each) {
        if (!list.empty()) lines.emplace_back(title);
        for (const auto& one : list) lines.push_back(each(one));
    };
    section("metrics:", all.metrics, [](const MetricExplanation& one) { return line_of(one); });
    section("held back:", all.clamps, [](const Clamp& one) {
        return fmt::format("  {} -> {} by {}: {}{}",
                           one.before,
                           one.after,
                           word_of(one.cause),
                           one.why,
                           until_text(one.until));
    });
    if (all.pin)
        lines.push_back(fmt::format("pinned: {} was recommended at {}, and counts until {}",
                                    all.pin->recommendation.size,
                                    time_text(all.pin->recommendation.at),
                                    time_text(all.pin->until)));
    const auto veto = [](const Veto& one) {
        return fmt::format("  {}: {}{}", word_of(one.cause), one.why, until_text(one.until));
    };
    section("against scale-in:", all.vetoes, veto);
    section("against scale-out:", all.brakes, veto);
    section("would be another size:", all.flips, [](const Flip& one) { return line_of(one); });
    lines.push_back("decision " + all.digest);
    for (std::string& line : lines) line = bounded(std::move(line));
    return lines;
}

json::object to_json(const Explanation& all) {
    json::object object{{"at", time_text(all.at)},
                        {"was", all.was},
                        {"wanted", all.wanted},
                        {"size", all.size},
                        {"min", all.min},
                        {"max", all.max},
                        {"serving", all.serving},
                        {"line", bounded(all.line)},
                        {"metrics", list_of(all.metrics, of_metric)},
                        {"clamps", list_of(all.clamps, of_clamp)},
                        {"vetoes", list_of(all.vetoes, of_veto)},
                        {"brakes", list_of(all.brakes, of_veto)}};
    object.emplace("pin",
                   all.pin ? json::value(json::object{{"size", all.pin->recommendation.size},
                                                      {"at", time_text(all.pin->recommendation.at)},
                                                      {"until", time_text(all.pin->until)}})
                           : json::value(nullptr));
    object.emplace("flips", list_of(all.flips, of_flip));
    object.emplace("digest", all.digest);
    json::array text;
    for (const std::string& line : to_lines(all)) {
        if (text.size() == 4 * most_of_a_list) break;
        text.push_back(json::value(line));
    }
    object.emplace("text", std::move(text));
    return object;
}

}  // namespace muster::scaler
