#include "scaler/history_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

namespace muster::scaler {
namespace {

namespace json = boost::json;

constexpr std::int64_t latest_time = 253'402'300'799'999;  // the year 9999, in milliseconds
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t most_counted = 1'000'000;
constexpr std::size_t longest_name = 256;
constexpr std::size_t most_forecasts = 64;

std::int64_t milliseconds(WallTime time) {
    return time.time_since_epoch().count();
}

/// What reading accepts.
std::int64_t counted(std::int64_t count) {
    return std::min(count, most_counted);
}

json::array rows_of(const std::vector<Recommendation>& ring) {
    json::array rows;
    for (const Recommendation& one : ring)
        rows.push_back(json::array{milliseconds(one.at), one.size});
    return rows;
}

void put(json::object& into, std::string_view key, const std::optional<WallTime>& time) {
    if (time) into.emplace(key, milliseconds(*time));
}

json::object of_trend(const TrendHistory& trend) {
    json::array points;
    for (const TrendPoint& one : trend.points)
        points.push_back(json::array{milliseconds(one.at), one.value.count});
    json::object out{{"points", std::move(points)}};
    put(out, "rising_since", trend.rising_since);
    return out;
}

json::object of_growth(const Effectiveness& growth) {
    json::object out{{"fruitless", counted(growth.fruitless)}};
    put(out, "held_until", growth.held_until);
    if (growth.trial)
        out.emplace("trial",
                    json::object{{"metric", growth.trial->metric},
                                 {"at", milliseconds(growth.trial->at)},
                                 {"before", growth.trial->before},
                                 {"after", growth.trial->after},
                                 {"level", growth.trial->level.count}});
    return out;
}

json::object of_forecast(const ForecastState& state) {
    json::array pending;
    for (const Prediction& one : state.pending)
        pending.push_back(json::array{milliseconds(one.due), one.value.count});
    json::object out{{"active", state.active},
                     {"peak", state.peak.count},
                     {"pending", std::move(pending)},
                     {"measured", state.measured},
                     {"error_ppm", state.error_ppm}};
    put(out, "made", state.made);
    return out;
}

/// Reads one object; the first thing that is wrong is kept, with its path.
class Reader {
 public:
    Reader(const json::object& object, std::string path, std::string& wrong)
        : object_(object), path_(std::move(path)), wrong_(wrong) {}

    std::int64_t number(std::string_view key, std::int64_t highest) {
        const json::value* found = object_.if_contains(key);
        if (found == nullptr) return 0;
        return checked(*found, key, highest);
    }
    int size(std::string_view key, std::int64_t highest = largest_size) {
        return static_cast<int>(number(key, highest));
    }
    bool flag(std::string_view key) {
        const json::value* found = object_.if_contains(key);
        if (found == nullptr) return false;
        if (!found->is_bool()) refuse(key, "isn't true or false");
        return found->is_bool() && found->get_bool();
    }
    std::optional<WallTime> time(std::string_view key) {
        if (object_.if_contains(key) == nullptr) return std::nullopt;
        return WallTime{std::chrono::milliseconds{number(key, latest_time)}};
    }
    std::string text(std::string_view key) {
        const json::value* found = object_.if_contains(key);
        const json::string* text = found == nullptr ? nullptr : found->if_string();
        if (text == nullptr || text->size() > longest_name) {
            refuse(key, "isn't a short text");
            return {};
        }
        return std::string(text->begin(), text->end());
    }
    /// Calls `see` with the object `key`, if it is there.
    template <class See>
    void object(std::string_view key, See see) {
        const json::value* found = object_.if_contains(key);
        if (found == nullptr) return;
        if (!found->is_object()) return refuse(key, "isn't an object");
        Reader inside(found->get_object(), fmt::format("{}{}.", path_, key), wrong_);
        see(inside);
    }
    /// Calls `see` with each member, which is an object.
    template <class See>
    void members(std::size_t highest, See see) {
        if (object_.size() > highest) return refuse("*", "are too many");
        for (const json::key_value_pair& member : object_) {
            if (member.key().size() > longest_name) return refuse("*", "has too long a name");
            object(member.key(), [&](Reader& inside) { see(std::string(member.key()), inside); });
        }
    }
    /// Rows of a time and numbers up to `highest`, oldest first: calls `see` with time and numbers.
    template <std::size_t numbers, class See>
    void rows(std::string_view key, std::size_t longest, std::int64_t highest, See see) {
        const json::value* found = object_.if_contains(key);
        if (found == nullptr) return;
        if (!found->is_array() || found->get_array().size() > longest)
            return refuse(key, fmt::format("isn't a list of at most {}", longest));
        WallTime last{};
        for (const json::value& row : found->get_array()) {
            if (!row.is_array() || row.get_array().size() != numbers + 1)
                return refuse(key, fmt::format("has a row that isn't {} numbers", numbers + 1));
            const json::array& parts = row.get_array();
            const WallTime at{std::chrono::milliseconds{checked(parts[0], key, latest_time)}};
            if (at < last) return refuse(key, "isn't oldest first");
            last = at;
            std::array<std::int64_t, numbers> values{};
            for (std::size_t i = 0; i < numbers; ++i)
                values[i] = checked(parts[i + 1], key, highest);
            see(at, values);
        }
    }

 private:
    const json::object& object_;
    std::string path_;
    std::string& wrong_;

    void refuse(std::string_view key, std::string_view what) {
        if (wrong_.empty()) wrong_ = fmt::format("{}{} {}", path_, key, what);
    }
    std::int64_t checked(const json::value& value, std::string_view key, std::int64_t highest) {
        const std::int64_t* number = value.if_int64();
        if (number != nullptr && *number >= 0 && *number <= highest) return *number;
        refuse(key, fmt::format("isn't a whole number from 0 to {}", highest));
        return 0;
    }
};

std::vector<Recommendation> ring(Reader& in, std::string_view key) {
    std::vector<Recommendation> all;
    in.rows<1>(key, ring_limit, largest_size, [&](WallTime at, const auto& values) {
        all.push_back({.at = at, .size = static_cast<int>(values[0])});
    });
    return all;
}

TrendHistory trend(Reader& in) {
    TrendHistory history;
    in.rows<1>("points", std::size_t{trend_points}, most, [&](WallTime at, const auto& values) {
        history.points.push_back({.at = at, .value = {.count = values[0]}});
    });
    history.rising_since = in.time("rising_since");
    return history;
}

Effectiveness growth(Reader& in) {
    Effectiveness state;
    state.fruitless = in.size("fruitless", most_counted);
    state.held_until = in.time("held_until");
    in.object("trial", [&](Reader& inside) {
        state.trial = GrowthTrial{.metric = inside.text("metric"),
                                  .at = inside.time("at").value_or(WallTime{}),
                                  .before = inside.size("before"),
                                  .after = inside.size("after"),
                                  .level = {.count = inside.number("level", most)}};
    });
    return state;
}

ForecastState forecast(Reader& in) {
    ForecastState state{.active = in.flag("active"),
                        .made = in.time("made"),
                        .peak = {.count = in.number("peak", most)}};
    in.rows<1>("pending", most_predictions, most, [&](WallTime at, const auto& values) {
        state.pending.push_back({.due = at, .value = {.count = values[0]}});
    });
    state.measured = in.size("measured", most_counted);
    state.error_ppm = in.number("error_ppm", most_counted);
    return state;
}

}  // namespace

json::object json_of(const History& history) {
    json::array events;
    for (const ScaleEvent& one : history.events)
        events.push_back(
            json::array{milliseconds(one.at), counted(one.added), counted(one.removed)});
    json::object forecasts;
    for (const auto& [name, state] : history.forecasts) forecasts.emplace(name, of_forecast(state));
    json::object out{{"peaks", rows_of(history.peaks)},
                     {"troughs", rows_of(history.troughs)},
                     {"events", std::move(events)},
                     {"trends",
                      json::object{{"errors", of_trend(history.trends.errors)},
                                   {"latency", of_trend(history.trends.latency)},
                                   {"unhealthy", of_trend(history.trends.unhealthy)}}},
                     {"growth", of_growth(history.growth)},
                     {"forecasts", std::move(forecasts)}};
    put(out, "last", history.last);
    return out;
}

tl::expected<History, std::string> read_history(const json::object& object) {
    std::string wrong;
    Reader in(object, "", wrong);
    History history{.peaks = ring(in, "peaks"), .troughs = ring(in, "troughs")};
    in.rows<2>("events", ring_limit, most_counted, [&](WallTime at, const auto& values) {
        history.events.push_back({.at = at,
                                  .added = static_cast<int>(values[0]),
                                  .removed = static_cast<int>(values[1])});
    });
    history.last = in.time("last");
    in.object("trends", [&](Reader& trends) {
        trends.object("errors", [&](Reader& one) { history.trends.errors = trend(one); });
        trends.object("latency", [&](Reader& one) { history.trends.latency = trend(one); });
        trends.object("unhealthy", [&](Reader& one) { history.trends.unhealthy = trend(one); });
    });
    in.object("growth", [&](Reader& one) { history.growth = growth(one); });
    in.object("forecasts", [&](Reader& all) {
        all.members(most_forecasts, [&](const std::string& name, Reader& one) {
            history.forecasts.emplace(name, forecast(one));
        });
    });
    if (!wrong.empty()) return tl::unexpected(std::move(wrong));
    return history;
}

}  // namespace muster::scaler
