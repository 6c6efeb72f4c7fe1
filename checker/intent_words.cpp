#include "checker/intent_words.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>

namespace muster::checker {

namespace {

namespace json = boost::json;
using znodes::Intent;

constexpr std::size_t longest_line = 4096;
constexpr std::size_t longest_reason = 64;
constexpr int most_percent = 256;
constexpr int most_connections = 1'000'000;
constexpr std::chrono::milliseconds shortest_ttl{100};
constexpr std::chrono::milliseconds longest_ttl = std::chrono::hours(24);

/// A whole number and what stands behind it.
struct Number {
    std::int64_t value = 0;
    std::string_view rest;
};
std::optional<Number> read_number(std::string_view text) {
    Number number;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number.value);
    if (error != std::errc{} || number.value < 0) return std::nullopt;
    number.rest = {rest, static_cast<std::size_t>(end - rest)};
    return number;
}

void take_ttl(std::string_view text, IntentWords& words) {
    const auto number = read_number(text);
    if (!number || number->value > longest_ttl.count()) return;
    std::chrono::milliseconds ttl{number->value};
    if (number->rest == "s" || number->rest.empty()) {
        ttl *= 1000;
    } else if (number->rest != "ms") {
        return;
    }
    words.ttl = std::clamp(ttl, shortest_ttl, longest_ttl);
}

/// Whether it is a word that we know.
bool take_word(std::string_view word, IntentWords& words) {
    Intent& intent = words.intent;
    if (word == "up") {
        intent.serving = Intent::Serving::up;
    } else if (word == "down" || word == "fail" || word == "failed" || word == "stopped") {
        intent.serving = Intent::Serving::down;
    } else if (word == "ready") {
        intent.wish = Intent::Wish::ready;
    } else if (word == "drain") {
        intent.wish = Intent::Wish::drain;
    } else if (word == "maint") {
        intent.wish = Intent::Wish::maintenance;
    } else if (word == "degraded") {
        intent.degraded = true;
    } else if (word.starts_with("maxconn:")) {
        const auto number = read_number(word.substr(8));
        if (!number || !number->rest.empty() || number->value > most_connections) return false;
        intent.maxconn = static_cast<int>(number->value);
    } else if (word.starts_with("ttl:")) {
        take_ttl(word.substr(4), words);
        return words.ttl.has_value();
    } else {
        const auto number = read_number(word);
        if (!number || number->rest != "%" || number->value > most_percent) return false;
        intent.weight_percent = static_cast<int>(number->value);
    }
    return true;
}

std::string plain(std::string_view text) {
    std::string out(text.substr(0, longest_reason));
    for (char& c : out) {
        if (c < ' ' || c > '~') c = '?';
    }
    return out;
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
}

std::string_view text_of(const json::value& value) {
    const json::string* const text = value.if_string();
    return text == nullptr ? std::string_view{} : std::string_view(text->data(), text->size());
}

std::optional<std::int64_t> whole_at(const json::object& map, std::string_view name) {
    const json::value* const value = map.if_contains(name);
    if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return std::nullopt;
    return value->get_int64();
}

std::optional<IntentWords> from_map(const json::object& map) {
    IntentWords words;
    bool known = false;
    if (const json::value* const state = map.if_contains("state")) {
        if (const auto said = parse_intent(text_of(*state))) {
            words = *said;
            known = true;
        }
    }
    if (const auto weight = whole_at(map, "weight"); weight && *weight <= most_percent) {
        words.intent.weight_percent = static_cast<int>(*weight);
        known = true;
    }
    if (const auto maxconn = whole_at(map, "maxconn"); maxconn && *maxconn <= most_connections) {
        words.intent.maxconn = static_cast<int>(*maxconn);
        known = true;
    }
    if (const auto ttl = whole_at(map, "ttl"); ttl && *ttl <= longest_ttl / std::chrono::seconds(1))
        words.ttl = std::max<std::chrono::milliseconds>(std::chrono::seconds(*ttl), shortest_ttl);
    if (const json::value* const reason = map.if_contains("reason"))
        words.intent.reason = plain(text_of(*reason));
    return known ? std::optional(words) : std::nullopt;
}

}  // namespace

std::optional<IntentWords> parse_intent(std::string_view line) {
    line = line.substr(0, std::min(line.find_first_of("\r\n"), longest_line));
    IntentWords words;
    bool known = false;
    while (!line.empty()) {
        if (line.front() == '#') {
            words.intent.reason = plain(trimmed(line.substr(1)));
            break;
        }
        if (line.front() == ' ' || line.front() == '\t' || line.front() == ',') {
            line.remove_prefix(1);
            continue;
        }
        const std::size_t end = std::min(line.find_first_of(" \t,#"), line.size());
        known = take_word(line.substr(0, end), words) || known;
        line.remove_prefix(end);
    }
    return known ? std::optional(words) : std::nullopt;
}

std::optional<IntentWords> parse_intent_json(std::string_view body, std::string_view pointer) {
    boost::system::error_code error;
    const json::value document = json::parse(json::string_view(body.data(), body.size()), error);
    if (error) return std::nullopt;
    const json::value* const found =
        document.find_pointer(json::string_view(pointer.data(), pointer.size()), error);
    if (error || found == nullptr) return std::nullopt;
    if (const json::object* const map = found->if_object()) return from_map(*map);
    return parse_intent(text_of(*found));
}

Intent merged(const Intent& before, const Intent& said) {
    Intent all = before;
    if (said.serving != Intent::Serving::unsaid) {
        all.serving = said.serving;
        all.degraded = said.degraded;
    }
    all.degraded = all.degraded || said.degraded;
    if (said.wish != Intent::Wish::unsaid) all.wish = said.wish;
    if (said.weight_percent) all.weight_percent = said.weight_percent;
    if (said.maxconn) all.maxconn = said.maxconn;
    all.reason = said.reason;
    return all;
}

}  // namespace muster::checker
