// Payloads of one group: head, index, and of each shard members, status and handoff.
#include "common/znodes/names.hpp"
#include "common/znodes/payload_reader.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace muster::znodes {

namespace json = boost::json;

namespace {

constexpr int max_layout = 1'000'000'000;
constexpr int max_counter = 1'000'000;
constexpr std::size_t max_backend_id_bytes = 512;
constexpr std::size_t max_address_bytes = 300;  // a host name of 253, brackets, colon, port
constexpr std::size_t max_reason_bytes = 32;

constexpr std::array<std::pair<Intent::Wish, std::string_view>, 3> wishes{{
    {Intent::Wish::ready, "ready"},
    {Intent::Wish::drain, "drain"},
    {Intent::Wish::maintenance, "maint"},
}};

bool in_range(const json::value& value, std::int64_t most) {
    return value.is_int64() && value.get_int64() >= 0 && value.get_int64() <= most;
}

std::optional<int> slot_number(std::string_view text) {
    int slot = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), slot);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (slot < 0 || slot >= max_slots) return std::nullopt;
    return slot;
}

/// {"until":..., "up":true, "wish":"drain", ...}: only what was said.
json::object encode_intent(const LeasedIntent& leased) {
    const Intent& intent = leased.intent;
    json::object out{{"until", milliseconds(leased.until)}};
    if (intent.serving != Intent::Serving::unsaid)
        out.emplace("up", intent.serving == Intent::Serving::up);
    for (const auto& [wish, word] : wishes) {
        if (intent.wish == wish) out.emplace("wish", word);
    }
    if (intent.degraded) out.emplace("degraded", true);
    if (intent.weight_percent) out.emplace("weight", *intent.weight_percent);
    if (intent.maxconn) out.emplace("maxconn", *intent.maxconn);
    if (!intent.reason.empty()) out.emplace("reason", intent.reason);
    return out;
}

std::optional<int> small_at(const json::object& from, std::string_view name, int most) {
    const json::value* const value = from.if_contains(name);
    if (value == nullptr || !in_range(*value, most)) return std::nullopt;
    return static_cast<int>(value->get_int64());
}

std::optional<LeasedIntent> read_intent(const json::value& value) {
    const json::object* const from = value.if_object();
    if (from == nullptr) return std::nullopt;
    const json::value* const until = from->if_contains("until");
    if (until == nullptr || !in_range(*until, latest_time)) return std::nullopt;
    LeasedIntent leased{.until = WallTime(std::chrono::milliseconds(until->get_int64()))};
    Intent& intent = leased.intent;
    if (const json::value* const up = from->if_contains("up")) {
        if (!up->is_bool()) return std::nullopt;
        intent.serving = up->get_bool() ? Intent::Serving::up : Intent::Serving::down;
    }
    if (const json::value* const wish = from->if_contains("wish")) {
        for (const auto& [known, word] : wishes) {
            if (wish->is_string() && wish->get_string() == word) intent.wish = known;
        }
    }
    intent.degraded = from->contains("degraded");
    intent.weight_percent = small_at(*from, "weight", 256);
    intent.maxconn = small_at(*from, "maxconn", max_counter);
    if (const json::value* const reason = from->if_contains("reason")) {
        if (!reason->is_string() || !is_plain_text(reason->get_string(), 64)) return std::nullopt;
        intent.reason = std::string(std::string_view(reason->get_string()));
    }
    return leased;
}

/// The intent of the reply, with the agent's as its field "agent"; or the agent's alone, where that
/// field is true. So a build that knows of one intent reads one that was said.
json::object encode_intents(const Intents& said) {
    json::object out = encode_intent(said.reply ? *said.reply : said.agent.value());
    if (!said.reply) {
        out.emplace("agent", true);
    } else if (said.agent) {
        out.emplace("agent", encode_intent(*said.agent));
    }
    return out;
}

std::optional<Intents> read_intents(const json::value& value) {
    const auto first = read_intent(value);
    if (!first) return std::nullopt;
    const json::value* const agent = value.get_object().if_contains("agent");
    if (agent == nullptr) return Intents{.reply = first};
    if (*agent == true) return Intents{.agent = first};
    const auto second = read_intent(*agent);
    if (!second) return std::nullopt;
    return Intents{.reply = first, .agent = second};
}

/// How much of what backends said about themselves is written.
enum class Said : std::uint8_t { all, without_reasons, as_one_intent };

Intents shortened(Intents said, Said how) {
    if (how == Said::all) return said;
    if (how == Said::as_one_intent && said.reply && said.agent) {
        said.reply->intent = combined(said.reply->intent, said.agent->intent);
        said.reply->until = std::min(said.reply->until, said.agent->until);
        said.agent.reset();
    }
    if (said.reply) said.reply->intent.reason.clear();
    if (said.agent) said.agent->intent.reason.clear();
    return said;
}

/// {"3":[since, successes, failures, "reason", penalty, intents]}; the last two only where needed
json::object encode_details(const std::map<int, SlotDetail>& details, Said how) {
    json::object out;
    for (const auto& [slot, detail] : details) {
        json::array parts{
            milliseconds(detail.since), detail.successes, detail.failures, detail.reason};
        if (detail.penalty > 0 || detail.intents) parts.emplace_back(detail.penalty);
        if (detail.intents) parts.emplace_back(encode_intents(shortened(*detail.intents, how)));
        out.emplace(std::to_string(slot), std::move(parts));
    }
    return out;
}

std::optional<SlotDetail> read_detail(const json::value& value) {
    if (!value.is_array()) return std::nullopt;
    const json::array& parts = value.get_array();
    if (parts.size() < 4 || !in_range(parts[0], latest_time) || !in_range(parts[1], max_counter) ||
        !in_range(parts[2], max_counter) || !parts[3].is_string() ||
        !is_plain_text(parts[3].get_string(), max_reason_bytes) ||
        (parts.size() > 4 && !in_range(parts[4], max_counter))) {
        return std::nullopt;
    }
    SlotDetail detail{.since = WallTime(std::chrono::milliseconds(parts[0].get_int64())),
                      .successes = static_cast<int>(parts[1].get_int64()),
                      .failures = static_cast<int>(parts[2].get_int64()),
                      .reason = std::string(std::string_view(parts[3].get_string())),
                      .penalty = parts.size() > 4 ? static_cast<int>(parts[4].get_int64()) : 0};
    if (parts.size() > 5) {
        auto intents = read_intents(parts[5]);
        if (!intents) return std::nullopt;
        detail.intents = *std::move(intents);
    }
    return detail;
}

/// The payload with its details under `key`. When a thousand backends say all that they can, by
/// both ways, it would be too long to be written: then their reasons are left out, and if need be
/// the two intents of each are written as the one that they amount to, until the first of them
/// ends.
std::string with_details(const json::object& payload,
                         std::string_view key,
                         const std::map<int, SlotDetail>& details) {
    std::string text;
    for (const Said how : {Said::all, Said::without_reasons, Said::as_one_intent}) {
        json::object out = payload;
        out.emplace(key, encode_details(details, how));
        text = json::serialize(out);
        if (text.size() <= max_status_bytes) break;
    }
    return text;
}

/// {"3":[since, until, times, "sign", lbs, of]}: beside the details, where a build that knows of
/// none passes over it.
json::object encode_ejections(const std::map<int, SlotDetail>& details) {
    json::object out;
    for (const auto& [slot, detail] : details) {
        if (!detail.ejection) continue;
        const Ejection& ejection = *detail.ejection;
        out.emplace(std::to_string(slot),
                    json::array{milliseconds(ejection.since),
                                milliseconds(ejection.until),
                                ejection.times,
                                to_string(ejection.sign),
                                ejection.lbs,
                                ejection.of});
    }
    return out;
}

std::optional<Ejection> read_ejection(const json::value& value) {
    const json::array* const parts = value.if_array();
    if (parts == nullptr || parts->size() < 6) return std::nullopt;
    const json::array& part = *parts;
    if (!in_range(part[0], latest_time) || !in_range(part[1], latest_time) ||
        !in_range(part[2], max_counter) || !part[3].is_string() ||
        !in_range(part[4], max_counter) || !in_range(part[5], max_counter))
        return std::nullopt;
    const auto sign = outlier_sign(part[3].get_string());
    if (!sign) return std::nullopt;
    return Ejection{.since = WallTime(std::chrono::milliseconds(part[0].get_int64())),
                    .until = WallTime(std::chrono::milliseconds(part[1].get_int64())),
                    .times = static_cast<int>(part[2].get_int64()),
                    .sign = *sign,
                    .lbs = static_cast<int>(part[4].get_int64()),
                    .of = static_cast<int>(part[5].get_int64())};
}

void read_ejections(Reader& in, std::string_view key, std::map<int, SlotDetail>& details) {
    if (!in.has(key)) return;
    for (const auto& [text, value] : in.object(key, max_slots)) {
        const auto slot = slot_number(text);
        auto ejection = read_ejection(value);
        if (!slot || !ejection) {
            in.refuse(Errc::malformed, key);
            return;
        }
        details[*slot].ejection = *std::move(ejection);
    }
}

std::map<int, SlotDetail> read_details(Reader& in, std::string_view key) {
    std::map<int, SlotDetail> details;
    for (const auto& [text, value] : in.object(key, max_slots)) {
        const auto slot = slot_number(text);
        const auto detail = read_detail(value);
        if (!slot || !detail) {
            in.refuse(Errc::malformed, key);
            return {};
        }
        details.emplace(*slot, *detail);
    }
    return details;
}

/// "address" when that is the id, too (backends without a name), else ["id", "address"]; of a
/// listed LB ["id", "address", true].
std::optional<Slot> read_slot(const json::value& value) {
    const json::value* id = &value;
    const json::value* address = &value;
    if (const json::array* pair = value.if_array()) {
        if (pair->size() < 2) return std::nullopt;
        id = &(*pair)[0];
        address = &(*pair)[1];
    }
    if (!id->is_string() || !address->is_string() || id->get_string().empty() ||
        !is_plain_text(id->get_string(), max_backend_id_bytes) ||
        !is_plain_text(address->get_string(), max_address_bytes)) {
        return std::nullopt;
    }
    const json::array* const list = value.if_array();
    return Slot{.backend = BackendId(std::string_view(id->get_string())),
                .address = std::string(std::string_view(address->get_string())),
                .tombstone = false,
                .listed = list != nullptr && list->size() > 2 && (*list)[2] == json::value(true)};
}

std::optional<Letter> letter_of(char c) {
    switch (static_cast<Letter>(c)) {
        case Letter::unknown:
        case Letter::up:
        case Letter::down:
        case Letter::degraded:
            return static_cast<Letter>(c);
    }
    return std::nullopt;
}

}  // namespace

std::string encode(const GroupHead& head) {
    json::object out = stamped(head.stamp);
    out.emplace("uid", head.uid);
    out.emplace("generation", head.generation);
    out.emplace("author", head.author);
    out.emplace("time", milliseconds(head.time));
    out.emplace("deleted", head.deleted);
    out.emplace("chunks", json::array(head.chunks.begin(), head.chunks.end()));
    // As text: its bytes are what was validated and hashed.
    out.emplace("spec", head.spec);
    return json::serialize(out);
}

static void read(Reader& in, GroupHead& head) {
    head.uid = in.text("uid");
    head.generation = in.integer("generation", 0, Reader::no_limit);
    head.author = in.text("author");
    head.time = in.time("time");
    head.deleted = in.flag("deleted");
    head.chunks = in.texts("chunks", 10'000, 128);
    for (const std::string& hash : head.chunks) {
        if (!is_path_name(hash)) in.refuse(Errc::out_of_bounds, "chunks");
    }
    head.spec = in.text("spec", max_payload_bytes);
}

std::string encode(const GroupIndex& index) {
    json::object out = stamped(index.stamp);
    out.emplace("uid", index.group_uid);
    out.emplace("layout", index.layout);
    out.emplace("shards", index.shards);
    out.emplace("shard_size", index.shard_size);
    return json::serialize(out);
}

static void read(Reader& in, GroupIndex& index) {
    index.group_uid = in.text("uid");
    index.layout = in.small("layout", 1, max_layout);
    index.shards = in.small("shards", 0, max_shard_number + 1);
    index.shard_size = in.small("shard_size", 1, max_slots);
}

std::string encode(const ShardMembers& members) {
    json::array slots;
    json::array gone;
    for (const Slot& slot : members.slots) {
        if (slot.tombstone) gone.emplace_back(slots.size());
        if (slot.listed) {
            slots.emplace_back(json::array{slot.backend.str(), slot.address, true});
        } else if (slot.backend.str() == slot.address) {
            slots.emplace_back(slot.address);
        } else {
            slots.emplace_back(json::array{slot.backend.str(), slot.address});
        }
    }
    json::object out = stamped(members.stamp);
    out.emplace("uid", members.group_uid);
    out.emplace("layout", members.layout);
    out.emplace("slots", std::move(slots));
    out.emplace("tombstones", std::move(gone));
    return json::serialize(out);
}

static void read(Reader& in, ShardMembers& members) {
    members.group_uid = in.text("uid");
    members.layout = in.small("layout", 1, max_layout);
    for (const json::value& item : in.array("slots", max_slots)) {
        auto slot = read_slot(item);
        if (!slot) {
            in.refuse(Errc::malformed, "slots");
            return;
        }
        members.slots.push_back(std::move(*slot));
    }
    for (const json::value& item : in.array("tombstones", max_slots)) {
        if (members.slots.empty() ||
            !in_range(item, static_cast<std::int64_t>(members.slots.size()) - 1)) {
            in.refuse(Errc::malformed, "tombstones");
            return;
        }
        members.slots[static_cast<std::size_t>(item.get_int64())].tombstone = true;
    }
}

std::string encode(const ShardStatus& status) {
    std::string letters;
    for (const Letter letter : status.letters) letters += static_cast<char>(letter);
    json::object out = stamped(status.stamp);
    out.emplace("uid", status.group_uid);
    out.emplace("layout", status.layout);
    out.emplace("time", milliseconds(status.time));
    out.emplace("doubt", status.doubt);
    out.emplace("letters", letters);
    json::object ejections = encode_ejections(status.details);
    if (ejections.empty()) return with_details(out, "details", status.details);
    json::object with_ejections = out;
    with_ejections.emplace("ejected", std::move(ejections));
    std::string text = with_details(with_ejections, "details", status.details);
    // To leave them out lets backends back in, which is the safe side.
    if (text.size() > max_status_bytes) text = with_details(out, "details", status.details);
    return text;
}

static void read(Reader& in, ShardStatus& status) {
    status.group_uid = in.text("uid");
    status.layout = in.small("layout", 1, max_layout);
    status.time = in.time("time");
    status.doubt = in.flag("doubt");
    for (const char c : in.text("letters", max_slots)) {
        const auto letter = letter_of(c);
        if (!letter) {
            in.refuse(Errc::malformed, "letters");
            return;
        }
        status.letters.push_back(*letter);
    }
    status.details = read_details(in, "details");
    read_ejections(in, "ejected", status.details);
}

std::string encode(const Handoff& handoff) {
    json::object out = stamped(handoff.stamp);
    out.emplace("move", handoff.move);
    out.emplace("layout", handoff.layout);
    return with_details(out, "counters", handoff.counters);
}

static void read(Reader& in, Handoff& handoff) {
    handoff.move = in.integer("move", 0, Reader::no_limit);
    handoff.layout = in.small("layout", 1, max_layout);
    handoff.counters = read_details(in, "counters");
}

template Result<GroupHead> decode<GroupHead>(std::string_view, std::string_view);
template Result<GroupIndex> decode<GroupIndex>(std::string_view, std::string_view);
template Result<ShardMembers> decode<ShardMembers>(std::string_view, std::string_view);
template Result<ShardStatus> decode<ShardStatus>(std::string_view, std::string_view);
template Result<Handoff> decode<Handoff>(std::string_view, std::string_view);

}  // namespace muster::znodes
