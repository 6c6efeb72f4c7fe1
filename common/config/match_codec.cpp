#include "common/config/match_codec.hpp"

#include "common/config/group_limits.hpp"
#include "common/config/scalar_shape.hpp"
#include "common/config/text_rules.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace muster::config {

namespace {

using Compare = JsonMatch::Compare;

constexpr std::string_view one_text = "contains, not_contains, regex, not_regex";

std::optional<TextMatch> decode_named(std::string_view name, const Value& value) {
    const bool regex = name.ends_with("regex");
    auto text = read_text(value, regex ? rules::pattern : rules::body_match);
    if (!text) return std::nullopt;
    return TextMatch{.text = std::move(*text), .regex = regex, .negate = name.starts_with("not_")};
}

std::optional<TextMatch> decode_text(const Value& value) {
    if (value.node().is_scalar()) return decode_named("contains", value);
    if (value.node().kind != Node::Kind::map) {
        value.refuse_type(fmt::format("a text, or a map with one of {}", one_text));
        return std::nullopt;
    }
    const Fields fields(value, {"contains", "not_contains", "regex", "not_regex"});
    const auto only = only_field(value, fields, {"contains", "not_contains", "regex", "not_regex"});
    return only ? decode_named(only->first, only->second) : std::nullopt;
}

json::value encode_text(const TextMatch& match) {
    if (!match.regex && !match.negate) return json::string(match.text);
    std::string name = match.negate ? "not_" : "";
    name += match.regex ? "regex" : "contains";
    json::object map;
    map.emplace(name, match.text);
    return map;
}

std::optional<HeaderMatch> decode_header(const Value& value) {
    HeaderMatch match{.name = std::string(value.key())};
    if (const auto complaint = rules::field_name(match.name); !complaint.empty()) {
        value.refuse(fmt::format("can't be looked at; the name {}", complaint));
        return std::nullopt;
    }
    if (value.node().kind == Node::Kind::map) {
        const Fields fields(
            value, {"contains", "not_contains", "regex", "not_regex", "present", "absent"});
        const auto only = only_field(
            value, fields, {"contains", "not_contains", "regex", "not_regex", "present", "absent"});
        if (!only) return std::nullopt;
        if (only->first == "present" || only->first == "absent") {
            const auto wanted = read_bool(only->second);
            if (!wanted) return std::nullopt;
            match.absent = (only->first == "absent") == *wanted;
            return match;
        }
        match.value = decode_named(only->first, only->second);
    } else {
        match.value = decode_text(value);
    }
    if (!match.value) return std::nullopt;
    return match;
}

constexpr std::array<std::pair<std::string_view, Compare>, 6> comparisons{{
    {"equals", Compare::equals},
    {"differs", Compare::differs},
    {"less", Compare::less},
    {"at_most", Compare::at_most},
    {"more", Compare::more},
    {"at_least", Compare::at_least},
}};

/// A literal as JSON text: what is quoted is a string, the rest a number, true, false or null.
std::optional<std::string> decode_literal(const Value& value, bool only_number) {
    const Node& node = value.node();
    const std::string_view right =
        only_number ? "a number" : "a text, a number, true, false or null";
    if (!only_number && node.kind == Node::Kind::null) return "null";
    if (!only_number && node.kind == Node::Kind::text)
        return json::serialize(json::string(node.text));
    if (node.kind == Node::Kind::plain && node.text.size() <= 64) {
        boost::system::error_code error;
        const json::value parsed = json::parse(node.text, error);
        if (!error && (parsed.is_number() || (parsed.is_bool() && !only_number)))
            return json::serialize(parsed);
        // A word without quotes, in YAML.
        if (!only_number && shape_of(node.text) == Shape::word)
            return json::serialize(json::string(node.text));
    }
    value.refuse_type(right);
    return std::nullopt;
}

std::optional<JsonMatch> decode_json_match(const Value& value) {
    const Fields fields(
        value, {"pointer", "absent", "equals", "differs", "less", "at_most", "more", "at_least"});
    JsonMatch match;
    const auto pointer = fields.require("pointer", "an RFC 6901 pointer such as /status");
    if (!pointer) return std::nullopt;
    auto path = read_text(*pointer, rules::json_pointer);
    if (!path) return std::nullopt;
    match.pointer = std::move(*path);
    const auto only = only_field(
        value, fields, {"absent", "equals", "differs", "less", "at_most", "more", "at_least"});
    if (!only) return match;
    if (only->first == "absent") {
        const auto wanted = read_bool(only->second);
        if (!wanted) return std::nullopt;
        if (*wanted) match.compare = Compare::absent;
        return match;
    }
    const auto* const found =
        std::ranges::find(comparisons, only->first, &std::pair<std::string_view, Compare>::first);
    match.compare = found->second;
    const bool ordered = match.compare != Compare::equals && match.compare != Compare::differs;
    auto literal = decode_literal(only->second, ordered);
    if (!literal) return std::nullopt;
    match.value = std::move(*literal);
    return match;
}

template <class T>
std::vector<T> decode_list(const Value& value, std::optional<T> (*decode)(const Value&)) {
    std::vector<T> all;
    if (value.node().kind == Node::Kind::list && value.node().items.empty())
        value.refuse("is an empty list; must have at least one element");
    for (const Value& element : elements_of(value, bounds::matches)) {
        if (auto one = decode(element)) all.push_back(std::move(*one));
    }
    return all;
}

}  // namespace

std::vector<TextMatch> decode_texts(const Value& value) {
    if (value.node().kind == Node::Kind::list) return decode_list<TextMatch>(value, decode_text);
    if (auto one = decode_text(value)) return {std::move(*one)};
    return {};
}

json::value encode_texts(const std::vector<TextMatch>& matches) {
    if (matches.size() == 1) return encode_text(matches.front());
    json::array list;
    for (const TextMatch& match : matches) list.push_back(encode_text(match));
    return list;
}

std::vector<HeaderMatch> decode_headers(const Value& value) {
    std::vector<HeaderMatch> all;
    for (const Value& entry : entries_of(value, bounds::matches)) {
        if (auto one = decode_header(entry)) all.push_back(std::move(*one));
    }
    return all;
}

json::object encode_headers(const std::vector<HeaderMatch>& matches) {
    json::object map;
    for (const HeaderMatch& match : matches) {
        if (match.value) {
            map.emplace(match.name, encode_text(*match.value));
        } else {
            map.emplace(match.name, json::object({{match.absent ? "absent" : "present", true}}));
        }
    }
    return map;
}

std::vector<JsonMatch> decode_json(const Value& value) {
    if (value.node().kind == Node::Kind::list)
        return decode_list<JsonMatch>(value, decode_json_match);
    if (auto one = decode_json_match(value)) return {std::move(*one)};
    return {};
}

json::array encode_json(const std::vector<JsonMatch>& matches) {
    json::array list;
    for (const JsonMatch& match : matches) {
        json::object map;
        map.emplace("pointer", match.pointer);
        if (match.compare == Compare::absent) map.emplace("absent", true);
        for (const auto& [name, compare] : comparisons) {
            if (compare == match.compare) map.emplace(name, json::parse(match.value));
        }
        list.push_back(std::move(map));
    }
    return list;
}

}  // namespace muster::config
