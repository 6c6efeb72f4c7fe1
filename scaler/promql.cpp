#include "scaler/promql.hpp"

#include "scaler/promql_words.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace muster::scaler::promql {
namespace {

bool is(const Token& token, std::string_view keyword) {
    return token.kind == Kind::word && lower(token.text) == keyword;
}

/// The index of the bracket that closes this one.
std::size_t closing(const std::vector<Token>& tokens, std::size_t open) {
    const int within = tokens[open].within;
    std::size_t i = open + 1;
    while (i < tokens.size() && !(tokens[i].kind == Kind::close && tokens[i].within == within)) ++i;
    return i;
}

bool is_call(const std::vector<Token>& tokens, std::size_t word) {
    return tokens[word].kind == Kind::word && word + 1 < tokens.size() &&
           tokens[word + 1].text == "(";
}

/// The word that "by (a, b)" or "without (a)" begins with; `close` is its bracket.
std::optional<std::size_t> grouping_before(const std::vector<Token>& tokens, std::size_t close) {
    for (std::size_t open = close; open-- > 1;) {
        if (tokens[open].kind != Kind::open || closing(tokens, open) != close) continue;
        const bool groups = is(tokens[open - 1], "by") || is(tokens[open - 1], "without");
        return groups ? std::optional(open - 1) : std::nullopt;
    }
    return std::nullopt;
}

bool is_in_braces(const std::vector<Token>& tokens, const Token& token) {
    return token.within >= 0 && tokens[static_cast<std::size_t>(token.within)].text == "{";
}

/// Of a list of labels: by (...), on (...).
bool is_list(const std::vector<Token>& tokens, int open) {
    if (open < 1) return false;
    const Token& before = tokens[static_cast<std::size_t>(open) - 1];
    return before.kind == Kind::word && is_keyword(before.text) && !is(before, "or") &&
           !is(before, "and") && !is(before, "unless") && !is(before, "bool") &&
           !is(before, "atan2");
}

}  // namespace

std::string_view callee(const std::vector<Token>& tokens, int open) {
    if (open < 1 || tokens[static_cast<std::size_t>(open)].text != "(") return "";
    std::size_t before = static_cast<std::size_t>(open) - 1;
    if (tokens[before].text == ")") {
        const auto grouping = grouping_before(tokens, before);
        if (!grouping || *grouping == 0) return "";
        before = *grouping - 1;
    }
    const Token& word = tokens[before];
    return word.kind == Kind::word && !is_keyword(word.text) ? word.text : "";
}

std::vector<UnknownCall> unknown_calls(const std::vector<Token>& tokens) {
    std::vector<UnknownCall> unknown;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const std::string_view name = tokens[i].text;
        if (!is_call(tokens, i) || is_function(name) || is_aggregation(name) || is_keyword(name))
            continue;
        // "@ start()": of the query's range.
        if (i > 0 && tokens[i - 1].text == "@" && (name == "start" || name == "end")) continue;
        unknown.push_back({.name = name,
                           .at = tokens[i].at,
                           .newer = is_newer(name),
                           .meant = nearest_call(name)});
    }
    return unknown;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    using namespace std::chrono_literals;
    using Unit = std::pair<std::string_view, std::chrono::milliseconds>;
    constexpr std::array<Unit, 7> units = {{{"y", 24h * 365},
                                            {"w", 24h * 7},
                                            {"d", 24h},
                                            {"h", 1h},
                                            {"m", 1min},
                                            {"s", 1s},
                                            {"ms", 1ms}}};
    constexpr std::size_t longest = 32;     // so no sum of years overflows
    constexpr std::size_t most_digits = 6;  // of one unit
    std::chrono::milliseconds total{0};
    if (text.empty() || text.size() > longest) return std::nullopt;
    while (!text.empty()) {
        const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
        if (digits == 0 || digits > most_digits) return std::nullopt;
        std::int64_t number = 0;
        std::from_chars(text.data(), text.data() + digits, number);
        text.remove_prefix(digits);
        const std::string_view name =
            text.substr(0, std::min(text.find_first_of("0123456789"), text.size()));
        const auto unit = std::ranges::find(units, name, &Unit::first);
        if (unit == units.end()) return std::nullopt;
        total += number * unit->second;
        text.remove_prefix(name.size());
    }
    return total;
}

std::vector<Range> ranges(const std::vector<Token>& tokens) {
    std::vector<Range> all;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
        if (tokens[i].text != "[" || tokens[i].kind != Kind::open) continue;
        if (const auto length = parse_duration(tokens[i + 1].text))
            all.push_back({.length = *length, .function = callee(tokens, tokens[i].within)});
    }
    return all;
}

bool Grouping::keeps(std::string_view label) const {
    const bool named = std::ranges::find(labels, label) != labels.end();
    return named != without;
}

std::optional<Grouping> outermost(const std::vector<Token>& tokens) {
    if (tokens.empty() || !is_aggregation(tokens[0].text)) return std::nullopt;
    // These pick series, with all of their labels.
    if (is(tokens[0], "topk") || is(tokens[0], "bottomk")) return std::nullopt;
    Grouping grouping{.aggregation = tokens[0].text};
    std::size_t at = 1;
    const auto read_grouping = [&] {
        if (at >= tokens.size() || !is_call(tokens, at)) return;
        if (!is(tokens[at], "by") && !is(tokens[at], "without")) return;
        grouping.without = is(tokens[at], "without");
        for (const Token& token : tokens) {
            if (token.within != static_cast<int>(at) + 1) continue;
            if (token.kind == Kind::word) grouping.labels.push_back(token.text);
            // Prometheus 3: by ("instance_id").
            if (token.kind == Kind::text)
                grouping.labels.push_back(token.text.substr(1, token.text.size() - 2));
        }
        at = closing(tokens, at + 1) + 1;
    };
    read_grouping();
    if (at >= tokens.size() || tokens[at].text != "(") return std::nullopt;
    at = closing(tokens, at) + 1;
    read_grouping();
    if (at < tokens.size()) return std::nullopt;
    return grouping;
}

std::vector<std::string_view> bare_counters(const std::vector<Token>& tokens) {
    constexpr auto right = std::to_array<std::string_view>({"rate",
                                                            "irate",
                                                            "increase",
                                                            "resets",
                                                            "changes",
                                                            "absent",
                                                            "absent_over_time",
                                                            "present_over_time",
                                                            "count_over_time",
                                                            "timestamp",
                                                            "count",
                                                            "group"});
    std::vector<std::string_view> bare;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const Token& token = tokens[i];
        if (token.kind != Kind::word || !token.text.ends_with("_total") || is_call(tokens, i) ||
            is_in_braces(tokens, token))
            continue;
        bool fine = false;
        for (int open = token.within; open >= 0 && !fine;
             open = tokens[static_cast<std::size_t>(open)].within) {
            const std::string name = lower(callee(tokens, open));
            fine = is_list(tokens, open) || std::ranges::find(right, name) != right.end();
        }
        if (!fine && std::ranges::find(bare, token.text) == bare.end()) bare.push_back(token.text);
    }
    return bare;
}

bool has_unconditional_default(const std::vector<Token>& tokens) {
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
        if (!is(tokens[i], "or")) continue;
        std::size_t at = i + 1;
        const bool matches = is(tokens[at], "on") || is(tokens[at], "ignoring");
        if (matches && is_call(tokens, at)) at = closing(tokens, at + 1) + 1;
        if (at >= tokens.size() || !is(tokens[at], "vector") || !is_call(tokens, at)) continue;
        const std::size_t end = closing(tokens, at + 1);
        if (end != at + 3 || tokens[at + 2].kind != Kind::number) continue;
        // `and` binds more tightly than `or`.
        const bool conditional = end + 1 < tokens.size() &&
                                 (is(tokens[end + 1], "and") || is(tokens[end + 1], "unless"));
        if (!conditional) return true;
    }
    return false;
}

}  // namespace muster::scaler::promql
