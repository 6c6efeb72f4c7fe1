#include "dnsupdate/etcd_layout.hpp"

#include "common/base/split.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace muster::dnsupdate {

namespace json = boost::json;

namespace {

constexpr std::string_view apex_members = "/dns/apex";
constexpr std::size_t max_depth = 1'000;

bool is_apex(const EtcdLayout& layout, const DnsName& name) {
    return std::ranges::find(layout.zones, name) != layout.zones.end();
}

/// CoreDNS asks in lower case, takes `*` and `any` for any label, and a name has no empty label.
bool can_be_asked_for(std::string_view label) {
    return !label.empty() && label.size() <= 63 && label != "any" &&
           std::ranges::all_of(label, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
           });
}

json::parse_options lenient() {
    // As Go does it: what isn't UTF-8 within a string is replaced, not refused.
    json::parse_options options;
    options.max_depth = max_depth;
    options.allow_invalid_utf8 = true;
    return options;
}

json::value parsed(std::string_view value, boost::system::error_code& error) {
    return json::parse(value, error, {}, lenient());
}

/// Of SkyDNS's Service. Go takes names of fields in any case.
enum class Field : std::uint8_t { text, integer, unsigned_32, flag };
constexpr std::array<std::pair<std::string_view, Field>, 9> fields{{
    {"host", Field::text},
    {"port", Field::integer},
    {"priority", Field::integer},
    {"weight", Field::integer},
    {"text", Field::text},
    {"mail", Field::flag},
    {"ttl", Field::unsigned_32},
    {"targetstrip", Field::integer},
    {"group", Field::text},
}};

bool same_name(std::string_view left, std::string_view right) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::ranges::equal(left, right, {}, lower, lower);
}

bool fits(const json::value& value, Field field) {
    if (value.is_null()) return true;
    switch (field) {
        case Field::text:
            return value.is_string();
        case Field::flag:
            return value.is_bool();
        case Field::integer:
            return value.is_int64();
        case Field::unsigned_32:
            return value.is_int64() && value.get_int64() >= 0 &&
                   value.get_int64() <= std::numeric_limits<std::uint32_t>::max();
    }
    return false;
}

std::string text_at(const json::object& object, std::string_view name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_string()
               ? std::string(std::string_view(value->get_string()))
               : "";
}

std::int64_t number_at(const json::object& object, std::string_view name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

template <class Small>
Small small_at(const json::object& object, std::string_view name) {
    const std::int64_t number = number_at(object, name);
    return std::in_range<Small>(number) ? static_cast<Small>(number) : Small{};
}

/// "1-42".
std::optional<Token> read_token(std::string_view text) {
    const std::vector<std::string_view> parts = split(text, '-');
    if (parts.size() != 2) return std::nullopt;
    std::array<std::int64_t, 2> numbers{};
    for (std::size_t i = 0; i < 2; ++i) {
        const char* const end = parts[i].data() + parts[i].size();
        const auto [at, error] = std::from_chars(parts[i].data(), end, numbers[i]);
        if (error != std::errc{} || at != end || numbers[i] < 0) return std::nullopt;
    }
    return Token{.era = numbers[0], .epoch = numbers[1]};
}

std::string write_token(const Token& token) {
    return fmt::format("{}-{}", token.era, token.epoch);
}

class Reading {
 public:
    explicit Reading(const EtcdLayout& layout) : layout_(layout) {}

    void add(const EtcdEntry& entry) {
        const Place place = place_of(entry.key);
        if (place.misplaced) {
            stray(entry, place, Stray::Kind::misplaced, *place.misplaced);
            return;
        }
        if (auto malformed = what_is_malformed(entry.value)) {
            stray(entry, place, Stray::Kind::malformed, *std::move(malformed));
            return;
        }
        boost::system::error_code error;
        const json::value value = parsed(entry.value, error);
        const json::object* const object = value.if_object();
        if (object == nullptr || text_at(*object, "owner") != layout_.owner) {
            stray(entry, place, Stray::Kind::foreign, "has no mark of ours");
        } else if (object->contains("host") || object->contains("text")) {
            add_member(entry, place, *object);
        } else {
            add_anchor(entry, place, *object);
        }
    }

    Observed done() {
        std::ranges::sort(observed_.strays, {}, &Stray::key);
        return std::move(observed_);
    }

 private:
    /// Where a key is: its own name, and that of the set of which it would be a member.
    struct Place {
        std::optional<DnsName> own;
        std::optional<DnsName> parent;
        std::string_view label;  ///< the last one
        std::optional<std::string> misplaced;
        std::vector<DnsName> touches;  ///< the deepest first
    };

    [[nodiscard]] Place place_of(std::string_view key) const {
        Place place;
        std::string_view rest = key;
        rest.remove_prefix(std::min(rest.size(), layout_.root.size() + 1));
        std::vector<std::string_view> labels = split(rest, '/');
        std::string name;
        std::vector<DnsName> names;  // up to a label that can't be asked for
        for (const std::string_view label : labels) {
            if (!can_be_asked_for(label)) {
                place.misplaced = fmt::format("nobody can ask for the label '{}'", label);
                break;
            }
            name = name.empty() ? std::string(label) : std::string(label) + "." + name;
            names.emplace_back(name);
        }
        place.label = labels.back();
        if (!place.misplaced) {
            place.own = names.back();
            if (names.size() > 1) place.parent = names[names.size() - 2];
        }
        for (const DnsName& zone : layout_.zones) {
            const std::string members = anchor_key(layout_, zone) + std::string(apex_members) + "/";
            if (!key.starts_with(members)) continue;
            place.parent = zone;
            place.touches = {zone};
        }
        for (auto it = names.rbegin(); it != names.rend(); ++it) {
            if (!is_apex(layout_, *it)) place.touches.push_back(*it);
        }
        return place;
    }

    void stray(const EtcdEntry& entry, const Place& place, Stray::Kind kind, std::string what) {
        observed_.strays.push_back({.key = entry.key,
                                    .version = std::to_string(entry.mod_revision),
                                    .kind = kind,
                                    .what = std::move(what),
                                    .at = place.own,
                                    .touches = place.touches});
    }

    void add_member(const EtcdEntry& entry, const Place& place, const json::object& object) {
        if (!place.parent) {
            stray(entry, place, Stray::Kind::misplaced, "bears our mark, but is no name's member");
            return;
        }
        ObservedMember read{.member = {.address = text_at(object, "host"),
                                       .port = small_at<std::uint16_t>(object, "port"),
                                       .priority = small_at<int>(object, "priority"),
                                       .weight = small_at<int>(object, "weight"),
                                       .text = text_at(object, "text")},
                            .ttl = Ttl(small_at<std::uint32_t>(object, "ttl"))};
        read.as_written =
            entry.lease == 0 &&
            entry.value == member_value(layout_, *place.parent, read.member, read.ttl);
        observed_.sets[*place.parent].members.emplace(MemberId(place.label), std::move(read));
    }

    void add_anchor(const EtcdEntry& entry, const Place& place, const json::object& object) {
        ObservedSet& set = observed_.sets[*place.own];
        set.version = std::to_string(entry.mod_revision);
        const auto token = read_token(text_at(object, "token"));
        const std::int64_t generation = number_at(object, "generation");
        if (!token || generation < 1) {
            set.anchor_as_written = false;
            return;
        }
        set.anchor = Anchor{.token = *token,
                            .generation = generation,
                            .transaction = text_at(object, "transaction")};
        set.anchor_as_written =
            entry.lease == 0 && entry.value == anchor_value(layout_, *set.anchor);
    }

    const EtcdLayout& layout_;
    Observed observed_;
};

}  // namespace

std::string anchor_key(const EtcdLayout& layout, const DnsName& name) {
    std::string key = layout.root;
    std::vector<std::string_view> labels = split(name.str(), '.');
    for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
        key += '/';
        key += *label;
    }
    return key;
}

std::string member_key(const EtcdLayout& layout, const DnsName& name, const MemberId& id) {
    std::string key = anchor_key(layout, name);
    if (is_apex(layout, name)) key += apex_members;
    return key + "/" + id.str();
}

std::string anchor_value(const EtcdLayout& layout, const Anchor& anchor) {
    return json::serialize(json::object{{"owner", layout.owner},
                                        {"token", write_token(anchor.token)},
                                        {"generation", anchor.generation},
                                        {"transaction", anchor.transaction}});
}

std::string member_value(const EtcdLayout& layout,
                         const DnsName& name,
                         const Member& member,
                         Ttl ttl) {
    json::object out;
    if (member.text.empty()) {
        out.emplace("host", member.address);
    } else {
        out.emplace("text", member.text);
    }
    if (member.port != 0) out.emplace("port", member.port);
    out.emplace("priority", member.priority);
    out.emplace("weight", member.weight);
    out.emplace("ttl", ttl.count());
    out.emplace("group", name.str());
    out.emplace("owner", layout.owner);
    return json::serialize(out);
}

Observed read_entries(const EtcdLayout& layout, const std::vector<EtcdEntry>& entries) {
    Reading reading(layout);
    for (const EtcdEntry& entry : entries) reading.add(entry);
    return reading.done();
}

std::optional<std::string> what_is_malformed(std::string_view value) {
    boost::system::error_code error;
    const json::value read = parsed(value, error);
    if (error == json::error::too_deep) return std::nullopt;  // Go reads deeper; nobody is harmed
    if (error) return "is not JSON";
    if (read.is_null()) return std::nullopt;
    const json::object* const object = read.if_object();
    if (object == nullptr) return "is not a JSON object";
    for (const auto& item : *object) {
        for (const auto& [name, field] : fields) {
            if (same_name(item.key(), name) && !fits(item.value(), field))
                return fmt::format("its field {} has a wrong value", name);
        }
    }
    return std::nullopt;
}

}  // namespace muster::dnsupdate
