// What is kept of the fleets that muster sizes.
#include "common/znodes/payloads_scaling.hpp"

#include "common/config/unicode.hpp"
#include "common/znodes/names.hpp"
#include "common/znodes/payload_reader.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace muster::znodes {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 3> intent_kinds{"out", "in", "replace"};
constexpr std::array<std::string_view, 4> pause_kinds{"none", "in", "out", "all"};
constexpr std::array<std::string_view, 9> phases{"planned",
                                                 "creating",
                                                 "booting",
                                                 "warming",
                                                 "serving",
                                                 "draining",
                                                 "deleting",
                                                 "gone",
                                                 "failed"};
constexpr std::array<std::string_view, 5> states{
    "starting", "running", "stopping", "stopped", "unknown"};
constexpr std::size_t max_token = 128;

/// An enumerator by its name.
template <class E, std::size_t n>
E one_of(Reader& in, std::string_view key, const std::array<std::string_view, n>& names) {
    const std::string text = in.text(key, 32);
    const auto found = std::ranges::find(names, text);
    if (found != names.end()) return static_cast<E>(std::distance(names.begin(), found));
    in.refuse(Errc::malformed, key);
    return E{};
}

void put(json::object& out, std::string_view key, const std::optional<WallTime>& time) {
    if (time) out.emplace(key, milliseconds(*time));
}

std::optional<WallTime> optional_time(Reader& in, std::string_view key) {
    if (!in.has(key)) return std::nullopt;
    return in.time(key);
}

std::string for_people(const std::string& text) {
    return config::as_plain_text(text, max_fleet_reason);
}

/// [time, number...]: the numbers within 0 and the largest fleet; nothing where it isn't that.
std::optional<std::vector<std::int64_t>> row_of(const json::value& value, std::size_t length) {
    const json::array* const parts = value.if_array();
    if (parts == nullptr || parts->size() != length) return std::nullopt;
    std::vector<std::int64_t> row;
    for (const json::value& part : *parts) {
        const std::int64_t most = row.empty() ? latest_time : max_fleet_size;
        if (!part.is_int64() || part.get_int64() < 0 || part.get_int64() > most)
            return std::nullopt;
        row.push_back(part.get_int64());
    }
    return row;
}

WallTime time_of(std::int64_t ms) {
    return WallTime(std::chrono::milliseconds(ms));
}

json::array json_of(const std::vector<SizeAt>& ring) {
    json::array out;
    for (const SizeAt& one : ring) out.push_back(json::array{milliseconds(one.at), one.size});
    return out;
}

json::object json_of(const SizeHistory& history) {
    json::array events;
    for (const SizeChange& one : history.events)
        events.push_back(json::array{milliseconds(one.at), one.added, one.removed});
    json::object out{{"peaks", json_of(history.peaks)},
                     {"troughs", json_of(history.troughs)},
                     {"events", std::move(events)}};
    put(out, "last", history.last);
    if (!history.memory.empty()) out.emplace("memory", history.memory);
    return out;
}

/// Oldest first.
void read_ring(Reader& in, std::string_view key, std::vector<SizeAt>& ring) {
    for (const json::value& item : in.array(key, max_size_ring)) {
        const auto row = row_of(item, 2);
        if (!row || (!ring.empty() && time_of((*row)[0]) < ring.back().at))
            return in.refuse(Errc::malformed, key);
        ring.push_back({.at = time_of((*row)[0]), .size = static_cast<int>((*row)[1])});
    }
}

void read_history(Reader& in, SizeHistory& history) {
    read_ring(in, "peaks", history.peaks);
    read_ring(in, "troughs", history.troughs);
    for (const json::value& item : in.array("events", max_size_ring)) {
        const auto row = row_of(item, 3);
        const bool in_order =
            row && (history.events.empty() || history.events.back().at <= time_of((*row)[0]));
        if (!in_order) return in.refuse(Errc::malformed, "events");
        history.events.push_back({.at = time_of((*row)[0]),
                                  .added = static_cast<int>((*row)[1]),
                                  .removed = static_cast<int>((*row)[2])});
    }
    history.last = optional_time(in, "last");
    if (in.has("memory")) history.memory = in.text("memory", max_size_memory);
}

json::array json_of(const std::vector<InstanceId>& ids) {
    json::array out;
    for (const InstanceId& id : ids) out.emplace_back(id.str());
    return out;
}

/// Path names, none twice.
void read_ids(Reader& in, std::string_view key, std::vector<InstanceId>& ids) {
    for (const std::string& name : in.texts(key, max_intent_ids, 255)) {
        const bool known = std::ranges::find(ids, InstanceId(name)) != ids.end();
        if (known || !is_path_name(name)) return in.refuse(Errc::malformed, key);
        ids.emplace_back(name);
    }
}

json::object json_of(const FleetIntent& intent) {
    return {{"kind", to_string(intent.kind)},
            {"generation", intent.generation},
            {"ids", json_of(intent.ids)},
            {"leaving", json_of(intent.leaving)},
            {"started", milliseconds(intent.started)},
            {"deadline", milliseconds(intent.deadline)},
            {"nonce", intent.nonce},
            {"digest", intent.digest}};
}

void read_intent(Reader& in, FleetIntent& intent) {
    intent.kind = one_of<FleetIntentKind>(in, "kind", intent_kinds);
    intent.generation = in.integer("generation", 0, Reader::no_limit);
    read_ids(in, "ids", intent.ids);
    read_ids(in, "leaving", intent.leaving);
    intent.started = in.time("started");
    intent.deadline = in.time("deadline");
    intent.nonce = in.text("nonce", max_token);
    intent.digest = in.text("digest", max_token);
}

void read_back_off(Reader& in, FleetBackOff& back_off) {
    back_off.failures = in.small("failures", 0, 1'000'000);
    back_off.failed = in.time("failed");
    back_off.until = in.time("until");
}

void read_orphan(Reader& in, OrphanSighting& orphan) {
    orphan.first = in.time("first");
    orphan.last = in.time("last");
    orphan.listings = in.small("listings", 0, 1'000'000);
    orphan.condemned = optional_time(in, "condemned");
}

/// Reads a part of the payload; what is wrong in it is said with its place.
template <class T>
void read_part(Reader& in,
               std::string_view key,
               const json::object& value,
               void (*read_it)(Reader&, T&),
               T& into) {
    if (in.refused()) return;
    Reader part(value);
    read_it(part, into);
    if (part.refused())
        in.refuse(static_cast<Errc>(part.error()->code.value()),
                  std::string(key) + ": " + part.error()->context);
}

}  // namespace

std::string_view to_string(FleetIntentKind kind) {
    return intent_kinds.at(static_cast<std::size_t>(kind));
}
std::string_view to_string(FleetPauseKind kind) {
    return pause_kinds.at(static_cast<std::size_t>(kind));
}
std::string_view to_string(InstancePhase phase) {
    return phases.at(static_cast<std::size_t>(phase));
}
std::string_view to_string(ReportedState state) {
    return states.at(static_cast<std::size_t>(state));
}

std::optional<ReportedState> reported_state(std::string_view text) {
    const auto found = std::ranges::find(states, text);
    if (found == states.end()) return std::nullopt;
    return static_cast<ReportedState>(std::distance(states.begin(), found));
}

std::string encode(const FleetState& state) {
    json::object out = stamped(state.stamp);
    out.emplace("uid", state.fleet_uid);
    out.emplace("generation", state.generation);
    out.emplace("target", state.target);
    put(out, "founded", state.founded);
    out.emplace("tick", state.tick);
    out.emplace("history", json_of(state.history));
    out.emplace("back_off",
                json::object{{"failures", state.back_off.failures},
                             {"failed", milliseconds(state.back_off.failed)},
                             {"until", milliseconds(state.back_off.until)}});
    if (state.intent) out.emplace("intent", json_of(*state.intent));
    json::object orphans;
    for (const auto& [id, orphan] : state.orphans) {
        json::object one{{"first", milliseconds(orphan.first)},
                         {"last", milliseconds(orphan.last)},
                         {"listings", orphan.listings}};
        put(one, "condemned", orphan.condemned);
        orphans.emplace(id.str(), std::move(one));
    }
    out.emplace("orphans", std::move(orphans));
    json::array collected;
    for (const WallTime at : state.collected) collected.emplace_back(milliseconds(at));
    out.emplace("collected", std::move(collected));
    put(out, "listed", state.listed);
    put(out, "replaced", state.replaced);
    if (state.owed > 0) out.emplace("owed", state.owed);
    if (state.named) out.emplace("named", true);
    put(out, "informed", state.informed);
    if (!state.avoided.empty()) {
        json::object avoided;
        for (const auto& [host, until] : state.avoided) avoided.emplace(host, milliseconds(until));
        out.emplace("avoided", std::move(avoided));
    }
    return json::serialize(out);
}

static void read(Reader& in, FleetState& state) {
    static constexpr std::size_t any = 64;  // fields of a part, those of newer builds too
    state.fleet_uid = in.text("uid");
    state.generation = in.integer("generation", 0, Reader::no_limit);
    state.target = in.small("target", 0, max_fleet_size);
    state.founded = optional_time(in, "founded");
    state.tick = in.integer("tick", 0, Reader::no_limit);
    read_part(in, "history", in.object("history", any), read_history, state.history);
    read_part(in, "back_off", in.object("back_off", any), read_back_off, state.back_off);
    if (in.has("intent"))
        read_part(in, "intent", in.object("intent", any), read_intent, state.intent.emplace());
    for (const auto& [id, value] : in.object("orphans", max_orphan_sightings)) {
        if (!is_path_name(id) || !value.is_object()) return in.refuse(Errc::malformed, "orphans");
        OrphanSighting& orphan = state.orphans[InstanceId(std::string_view(id))];
        read_part(in, "orphans", value.get_object(), read_orphan, orphan);
    }
    for (const json::value& at : in.array("collected", max_orphan_sightings)) {
        if (!at.is_int64() || at.get_int64() < 0 || at.get_int64() > latest_time)
            return in.refuse(Errc::malformed, "collected");
        state.collected.push_back(time_of(at.get_int64()));
    }
    state.listed = optional_time(in, "listed");
    state.replaced = optional_time(in, "replaced");
    if (in.has("owed")) state.owed = in.small("owed", 0, max_fleet_size);
    state.named = in.flag("named");
    state.informed = optional_time(in, "informed");
    if (!in.has("avoided")) return;
    for (const auto& [host, until] : in.object("avoided", max_avoided_hosts)) {
        if (!is_path_name(host) || !until.is_int64() || until.get_int64() < 0 ||
            until.get_int64() > latest_time)
            return in.refuse(Errc::malformed, "avoided");
        state.avoided.emplace(std::string_view(host), time_of(until.get_int64()));
    }
}

std::string encode(const FleetPause& pause) {
    json::object out = stamped(pause.stamp);
    out.emplace("kind", to_string(pause.kind));
    out.emplace("by", for_people(pause.by));
    out.emplace("why", for_people(pause.why));
    put(out, "until", pause.until);
    return json::serialize(out);
}

static void read(Reader& in, FleetPause& pause) {
    pause.kind = one_of<FleetPauseKind>(in, "kind", pause_kinds);
    pause.by = in.text("by", max_fleet_reason);
    pause.why = in.text("why", max_fleet_reason);
    pause.until = optional_time(in, "until");
}

std::string encode(const FleetInstanceRecord& record) {
    json::object out = stamped(record.stamp);
    out.emplace("uid", record.fleet_uid);
    out.emplace("generation", record.generation);
    out.emplace("phase", to_string(record.phase));
    out.emplace("since", milliseconds(record.since));
    out.emplace("id_token", record.token);  // "token" is the stamp's
    out.emplace("provider", record.provider);
    out.emplace("host", record.host);
    out.emplace("zone", record.zone);
    out.emplace("address", record.address);
    out.emplace("spec", record.spec_generation);
    put(out, "deadline", record.deadline);
    put(out, "warm_until", record.warm_until);
    put(out, "drain_started", record.drain_started);
    put(out, "delete_asked", record.delete_asked);
    out.emplace("absent", record.absent);
    put(out, "absent_at", record.absent_at);
    put(out, "keep_until", record.keep_until);
    out.emplace("reason", for_people(record.reason));
    return json::serialize(out);
}

static void read(Reader& in, FleetInstanceRecord& record) {
    record.fleet_uid = in.text("uid");
    record.generation = in.integer("generation", 0, Reader::no_limit);
    record.phase = one_of<InstancePhase>(in, "phase", phases);
    record.since = in.time("since");
    record.token = in.text("id_token", max_token);
    record.provider = in.text("provider");
    record.host = in.text("host");
    if (!record.host.empty() && !is_path_name(record.host)) in.refuse(Errc::out_of_bounds, "host");
    record.zone = in.text("zone");
    record.address = in.text("address");
    record.spec_generation = in.integer("spec", 0, Reader::no_limit);
    record.deadline = optional_time(in, "deadline");
    record.warm_until = optional_time(in, "warm_until");
    record.drain_started = optional_time(in, "drain_started");
    record.delete_asked = optional_time(in, "delete_asked");
    record.absent = in.small("absent", 0, 1'000'000);
    record.absent_at = optional_time(in, "absent_at");
    record.keep_until = optional_time(in, "keep_until");
    record.reason = in.text("reason", max_fleet_reason);
}

template Result<FleetState> decode<FleetState>(std::string_view, std::string_view);
template Result<FleetPause> decode<FleetPause>(std::string_view, std::string_view);
template Result<FleetInstanceRecord> decode<FleetInstanceRecord>(std::string_view,
                                                                 std::string_view);

}  // namespace muster::znodes
