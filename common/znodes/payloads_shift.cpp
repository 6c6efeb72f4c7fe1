// Shares of names, and the shifts under way.
#include "common/config/text_rules.hpp"
#include "common/znodes/names.hpp"
#include "common/znodes/payload_reader.hpp"
#include "common/znodes/traffic_shift.hpp"

#include <boost/json/serialize.hpp>

#include <array>
#include <optional>
#include <utility>

namespace muster::znodes {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 2> sides{"fleet", "zone"};
constexpr std::array<std::string_view, shift_phases> phases{
    "asked", "stepping", "held", "rolling_back", "done", "rolled_back", "cancelled"};

template <class T, std::size_t n>
std::optional<T> from_word(const std::array<std::string_view, n>& words, std::string_view word) {
    for (std::size_t i = 0; i < n; ++i) {
        if (words[i] == word) return static_cast<T>(i);
    }
    return std::nullopt;
}

json::object json_of(const Percents& percents) {
    json::object out;
    for (const auto& [party, percent] : percents) out.emplace(party, percent);
    return out;
}

/// Each in 1..100, so at most 100; their sum 100. Or none at all.
Percents percents(Reader& in, std::string_view key) {
    const json::object& fields = in.object(key, 100);
    Reader reader(fields);
    Percents found;
    int sum = 0;
    for (const auto& [party, value] : fields) {
        const int percent = reader.small(party, 1, 100);
        sum += percent;
        if (!is_path_name(party)) in.refuse(Errc::malformed, key);
        found.emplace(party, percent);
    }
    if (reader.refused() || (!found.empty() && sum != 100)) in.refuse(Errc::out_of_bounds, key);
    return found;
}

std::chrono::seconds span(Reader& in, std::string_view key, std::chrono::seconds most) {
    return std::chrono::seconds(in.integer(key, 0, most.count()));
}

TrafficShift shift_of(Reader& in) {
    TrafficShift shift{.id = in.text("id"),
                       .from = percents(in, "from"),
                       .to = percents(in, "to"),
                       .now = percents(in, "now"),
                       .over = span(in, "over_s", longest_shift),
                       .interval = span(in, "interval_s", longest_shift),
                       .patience = span(in, "patience_s", longest_patience),
                       .healthy_percent = in.small("healthy_percent", 1, 100),
                       .step = in.small("step", 0, 100),
                       .steps = in.small("steps", 0, 100),
                       .cancelled = in.flag("cancelled"),
                       .why = in.text("why"),
                       .author = in.text("author"),
                       .asked = in.time("asked"),
                       .since = in.time("since")};
    const auto by = from_word<ShiftBy>(sides, in.text("by"));
    const auto phase = from_word<ShiftPhase>(phases, in.text("phase"));
    if (!by) in.refuse(Errc::malformed, "by");
    if (!phase) in.refuse(Errc::malformed, "phase");
    shift.by = by.value_or(ShiftBy::fleet);
    shift.phase = phase.value_or(ShiftPhase::asked);
    if (shift.to.empty()) in.refuse(Errc::malformed, "to");
    if (shift.step > shift.steps) in.refuse(Errc::out_of_bounds, "step");
    const bool begun = shift.phase != ShiftPhase::asked && shift.phase < ShiftPhase::rolled_back;
    if (begun && (shift.steps == 0 || shift.now.empty())) in.refuse(Errc::malformed, "now");
    return shift;
}

}  // namespace

std::string_view to_string(ShiftBy by) {
    return sides[static_cast<std::size_t>(by)];
}

std::string_view to_string(ShiftPhase phase) {
    return phases[static_cast<std::size_t>(phase)];
}

std::string encode(const TrafficShifts& shifts) {
    json::object out = stamped(shifts.stamp);
    json::object names;
    for (const auto& [name, shift] : shifts.names)
        names.emplace(name,
                      json::object{{"id", shift.id},
                                   {"by", to_string(shift.by)},
                                   {"from", json_of(shift.from)},
                                   {"to", json_of(shift.to)},
                                   {"now", json_of(shift.now)},
                                   {"over_s", shift.over.count()},
                                   {"interval_s", shift.interval.count()},
                                   {"patience_s", shift.patience.count()},
                                   {"healthy_percent", shift.healthy_percent},
                                   {"step", shift.step},
                                   {"steps", shift.steps},
                                   {"phase", to_string(shift.phase)},
                                   {"cancelled", shift.cancelled},
                                   {"why", shift.why},
                                   {"author", shift.author},
                                   {"asked", milliseconds(shift.asked)},
                                   {"since", milliseconds(shift.since)}});
    out.emplace("names", std::move(names));
    return json::serialize(out);
}

static void read(Reader& in, TrafficShifts& shifts) {
    for (const auto& [name, value] : in.object("names", max_shifts)) {
        if (!config::rules::published_name(name).empty() || !value.is_object())
            return in.refuse(Errc::malformed, "names");
        Reader of_shift(value.get_object());
        shifts.names.emplace(name, shift_of(of_shift));
        if (of_shift.refused())
            return in.refuse(static_cast<Errc>(of_shift.error()->code.value()),
                             "names: " + of_shift.error()->context);
    }
}

template Result<TrafficShifts> decode<TrafficShifts>(std::string_view, std::string_view);

}  // namespace muster::znodes
