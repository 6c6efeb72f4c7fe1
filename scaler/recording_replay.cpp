#include "scaler/decide.hpp"
#include "scaler/recording.hpp"
#include "scaler/recording_codec.hpp"
#include "scaler/recording_text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace muster::scaler {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_shown = 200;

std::string shown(const json::value* value) {
    if (value == nullptr) return "nothing";
    std::string text = json::serialize(*value);
    if (text.size() <= longest_shown) return text;
    return text.substr(0, longest_shown) + "...";
}

/// Descends into the first place in which `was` and `is` differ.
void find_difference(const json::value& was, const json::value& is, Difference& into) {
    const json::object* const one = was.if_object();
    const json::object* const other = is.if_object();
    if (one != nullptr && other != nullptr) {
        for (const json::object* const all : {one, other})
            for (const auto& member : *all) {
                const json::value* const left = one->if_contains(member.key());
                const json::value* const right = other->if_contains(member.key());
                if (left != nullptr && right != nullptr && *left == *right) continue;
                into.where += (into.where.empty() ? "" : ".") + std::string(member.key());
                if (left != nullptr && right != nullptr)
                    return find_difference(*left, *right, into);
                into.recorded = shown(left);
                into.replayed = shown(right);
                return;
            }
    }
    const json::array* const first = was.if_array();
    const json::array* const second = is.if_array();
    if (first != nullptr && second != nullptr) {
        for (std::size_t i = 0; i < std::max(first->size(), second->size()); ++i) {
            const json::value* const left = first->if_contains(i);
            const json::value* const right = second->if_contains(i);
            if (left != nullptr && right != nullptr && *left == *right) continue;
            into.where += fmt::format("[{}]", i);
            if (left != nullptr && right != nullptr) return find_difference(*left, *right, into);
            into.recorded = shown(left);
            into.replayed = shown(right);
            return;
        }
    }
    into.recorded = shown(&was);
    into.replayed = shown(&is);
}

/// Of a line that is a tick.
std::optional<WallTime> time_of(std::string_view line) {
    constexpr std::string_view begin = "{\"time\":\"";
    if (!line.starts_with(begin)) return std::nullopt;
    line.remove_prefix(begin.size());
    return read_time(line.substr(0, line.find('"')));
}

/// Up to the last tick at or before `at`; empty: there is none.
std::string_view until(std::string_view text, WallTime at) {
    std::size_t end = 0;
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t line_end = text.find('\n', from);
        if (line_end == std::string_view::npos) break;
        const auto time = time_of(text.substr(from, line_end - from));
        from = line_end + 1;
        if (time && *time <= at) end = from;
    }
    return text.substr(0, end);
}

}  // namespace

tl::expected<std::optional<FoundTick>, std::string> find_tick(std::string_view text,
                                                              const std::string& name,
                                                              WallTime at) {
    text = until(text, at);
    if (text.empty()) return std::nullopt;
    auto recording = read_recording(text, name);
    if (!recording) return tl::unexpected(recording.error());
    std::optional<FoundTick> found;
    for (RecordedPart& part : recording->parts) {
        std::map<std::string, Series> series;
        for (RecordedTick& tick : part.ticks) {
            scaler::apply(tick.series, series);
            if (tick.at > at || (found && tick.at < found->tick.at)) continue;
            found = FoundTick{.header = part.header, .tick = std::move(tick)};
            found->tick.observed.series = series;
        }
    }
    return found;
}

Replay replay(const RecordedPart& part, const Policy& policy) {
    Replay result{.ticks = part.ticks.size()};
    Observations observed;
    for (const RecordedTick& tick : part.ticks) {
        std::map<std::string, Series> series = std::move(observed.series);
        apply(tick.series, series);
        observed = tick.observed;
        observed.series = std::move(series);
        const std::string replayed = canonical(decide(policy_at(policy, *tick.membership),
                                                      tick.history,
                                                      observed,
                                                      *tick.membership,
                                                      tick.at));
        if (replayed == tick.decision) continue;
        if (++result.differences > 1) continue;
        result.first = Difference{.line = tick.line, .at = tick.at};
        find_difference(json::parse(tick.decision), json::parse(replayed), *result.first);
    }
    return result;
}

}  // namespace muster::scaler
