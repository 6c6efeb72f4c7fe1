#include "scaler/schedule.hpp"

#include "common/config/value.hpp"
#include "scaler/quantity.hpp"

#include <fmt/format.h>

#include <date/tz.h>

#include <algorithm>
#include <exception>

namespace muster::scaler {
namespace {

using std::chrono::minutes;
using std::chrono::sys_seconds;

/// How far the start of an unbroken chain of windows is followed.
constexpr int longest_chain = 32;
constexpr seconds look_ahead = std::chrono::days{8};

/// Between two changes of a zone's offset. What its clocks show rises steadily within.
struct Span {
    sys_seconds begin;
    sys_seconds end;  ///< out of it
    seconds offset;
};

Span span_at(const date::time_zone& zone, sys_seconds time) {
    const date::sys_info info = zone.get_info(time);
    return {.begin = info.begin, .end = info.end, .offset = info.offset};
}

std::chrono::local_seconds local(sys_seconds time, seconds offset) {
    return std::chrono::local_seconds{time.time_since_epoch() + offset};
}

sys_seconds utc(LocalMinutes time, seconds offset) {
    return sys_seconds{time.time_since_epoch()} - offset;
}

/// What clocks show from the first moment of `span` on. Where they went forward, they never showed
/// what is between `before` and `after`; where they went back, they showed it twice.
struct Change {
    std::chrono::local_seconds before;
    std::chrono::local_seconds after;
};

Change change_at(const date::time_zone& zone, const Span& span) {
    const Span previous = span_at(zone, span.begin - seconds{1});
    return {.before = local(span.begin, previous.offset), .after = local(span.begin, span.offset)};
}

LocalMinutes up(std::chrono::local_seconds time) {
    return std::chrono::ceil<minutes>(time);
}
LocalMinutes down(std::chrono::local_seconds time) {
    return std::chrono::floor<minutes>(time);
}

/// Starts that fell into the gap before `span`.
bool starts_in_gap(const Cron& cron, const Change& change) {
    return change.before < change.after &&
           latest_match(cron, up(change.before), down(change.after - seconds{1})).has_value();
}

/// The earliest time in `span` that is a start of this cron.
LocalMinutes first_of(const Cron& cron, const Change& change) {
    const bool second_time = change.after < change.before && !cron.any_hour;
    return up(second_time ? change.before : change.after);
}

/// The latest start in (after, latest].
std::optional<sys_seconds> last_start(const Cron& cron,
                                      const date::time_zone& zone,
                                      sys_seconds after,
                                      sys_seconds latest) {
    while (latest > after) {
        const Span span = span_at(zone, latest);
        const Change change = change_at(zone, span);
        const LocalMinutes least =
            std::max(first_of(cron, change), up(local(after + seconds{1}, span.offset)));
        if (const auto found = latest_match(cron, least, down(local(latest, span.offset))))
            return utc(*found, span.offset);
        if (span.begin <= after) return std::nullopt;
        if (starts_in_gap(cron, change)) return span.begin;
        latest = span.begin - seconds{1};
    }
    return std::nullopt;
}

/// The earliest start in (after, latest].
std::optional<sys_seconds> next_start(const Cron& cron,
                                      const date::time_zone& zone,
                                      sys_seconds after,
                                      sys_seconds latest) {
    sys_seconds from = after + seconds{1};
    while (from <= latest) {
        const Span span = span_at(zone, from);
        const Change change = change_at(zone, span);
        if (from == span.begin && starts_in_gap(cron, change)) return from;
        const LocalMinutes least = std::max(first_of(cron, change), up(local(from, span.offset)));
        const sys_seconds most = std::min(latest, span.end - seconds{1});
        if (const auto found = earliest_match(cron, least, down(local(most, span.offset))))
            return utc(*found, span.offset);
        from = span.end;
    }
    return std::nullopt;
}

/// When what began with `start` ends, with all starts that follow before their end.
std::optional<WallTime> end_of(const ScheduleEntry& entry,
                               const date::time_zone& zone,
                               sys_seconds start) {
    for (int i = 0; i < longest_chain; ++i) {
        const auto later = last_start(entry.start, zone, start, start + entry.length);
        if (!later) return start + entry.length;
        start = *later;
    }
    return std::nullopt;
}

/// Null: there is none.
const date::time_zone* zone_named(std::string_view name) {
    try {
        return date::locate_zone(name);
    } catch (const std::exception&) {
        return nullptr;
    }
}

ScheduleNow schedule_in(const SchedulePolicy& policy, const date::time_zone& zone, WallTime wall) {
    const sys_seconds now = std::chrono::floor<seconds>(wall);
    ScheduleNow result;
    for (std::size_t i = 0; i < policy.entries.size(); ++i) {
        const ScheduleEntry& entry = policy.entries[i];
        if (entry.length <= seconds{0} || entry.length > longest_entry) continue;
        const auto start = last_start(entry.start, zone, now - entry.length, now);
        if (start && (!result.in_force || entry.size > result.in_force->size))
            result.in_force =
                InForce{.size = entry.size, .entry = i, .until = end_of(entry, zone, *start)};
    }
    if (result.in_force) return result;
    for (const ScheduleEntry& entry : policy.entries) {
        const auto start = next_start(entry.start, zone, now, now + look_ahead);
        if (start && (!result.next || *start < *result.next)) result.next = *start;
    }
    return result;
}

std::string no_such_zone(std::string_view name) {
    return fmt::format("time zone '{}' isn't in the time zone database of this host",
                       name.substr(0, 60));
}

}  // namespace

tl::expected<ScheduleNow, std::string> schedule_at(const SchedulePolicy& policy, WallTime now) {
    const date::time_zone* zone = zone_named(policy.time_zone);
    if (zone == nullptr) return tl::unexpected(no_such_zone(policy.time_zone));
    try {
        return schedule_in(policy, *zone, now);
    } catch (const std::exception&) {  // a zone's file is read at its first use
        return tl::unexpected(
            fmt::format("the file of time zone '{}' can't be read", policy.time_zone));
    }
}

std::optional<std::string> time_zone_problem(std::string_view name) {
    if (zone_named(name) != nullptr) return std::nullopt;
    std::string what = no_such_zone(name);
    try {
        std::vector<std::string_view> names;
        for (const date::time_zone& zone : date::get_tzdb().zones) names.push_back(zone.name());
        if (const auto near = config::nearest(name, names))
            what += fmt::format("; did you mean '{}'?", *near);
    } catch (const std::exception&) {
        what += ", which can't be read; install tzdata";
    }
    return what;
}

std::vector<ScheduleProblem> problems(const SchedulePolicy& policy) {
    std::vector<ScheduleProblem> all;
    if (auto zone = time_zone_problem(policy.time_zone)) all.push_back({.what = std::move(*zone)});
    for (std::size_t i = 0; i < policy.entries.size(); ++i) {
        const ScheduleEntry& entry = policy.entries[i];
        if (entry.length < minutes{1} || entry.length > longest_entry)
            all.push_back({.entry = i, .what = "length: from 1m to 366 days"});
        if (entry.size < 0 || entry.size > largest_size)
            all.push_back({.entry = i, .what = fmt::format("size: from 0 to {}", largest_size)});
    }
    return all;
}

}  // namespace muster::scaler
