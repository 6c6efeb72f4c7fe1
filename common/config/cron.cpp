#include "common/config/cron.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace muster::config::rules {
namespace {

constexpr std::string_view five_fields =
    "must have 5 fields, such as \"0 8 * * 1-5\": minute, hour, day of month, month, day of week";

struct Field {
    int least;
    int most;
    std::string_view complaint;
    std::string_view names;  ///< three letters each; the first is `least`
};

constexpr std::array<Field, 5> fields = {{
    {.least = 0,
     .most = 59,
     .complaint = "must have as its minute *, or numbers from 0 to 59, such as 0, */15 or 0-30/10",
     .names = ""},
    {.least = 0,
     .most = 23,
     .complaint = "must have as its hour *, or numbers from 0 to 23, such as 8, 8-17 or */2",
     .names = ""},
    {.least = 1,
     .most = 31,
     .complaint = "must have as its day of month *, or numbers from 1 to 31, such as 1 or 1,15",
     .names = ""},
    {.least = 1,
     .most = 12,
     .complaint = "must have as its month *, or numbers from 1 to 12 or JAN to DEC",
     .names = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
    {.least = 0,
     .most = 7,
     .complaint = "must have as its day of week *, or numbers from 0 to 7 (0 and 7 are Sunday) or "
                  "SUN to SAT",
     .names = "SUNMONTUEWEDTHUFRISAT"},
}};

using Matches = std::bitset<64>;

/// A number or a name.
std::optional<int> read_number(std::string_view text, const Field& field) {
    constexpr std::size_t name_length = 3;
    if (text.size() == name_length && !field.names.empty()) {
        std::string word(text);
        for (char& c : word)
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        for (std::size_t at = 0; at < field.names.size(); at += name_length) {
            if (field.names.substr(at, name_length) == word)
                return field.least + static_cast<int>(at / name_length);
        }
    }
    constexpr std::size_t most_digits = 2;
    const bool digits = !text.empty() && text.size() <= most_digits &&
                        text.find_first_not_of("0123456789") == std::string_view::npos;
    if (!digits) return std::nullopt;
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    if (number < field.least || number > field.most) return std::nullopt;
    return number;
}

/// "5", "1-5", "*", "*/15", "1-30/2".
bool add_part(std::string_view part, const Field& field, Matches& matches) {
    int step = 1;
    const std::size_t slash = part.find('/');
    if (slash != std::string_view::npos) {
        const Field any{.least = 1, .most = field.most, .complaint = "", .names = ""};
        const auto read = read_number(part.substr(slash + 1), any);
        if (!read) return false;
        step = *read;
        part = part.substr(0, slash);
    }
    int first = field.least;
    int last = field.most;
    if (part != "*") {
        const std::size_t dash = part.find('-');
        // A step needs a range to go through.
        if (dash == std::string_view::npos && slash != std::string_view::npos) return false;
        const auto from = read_number(part.substr(0, dash), field);
        const auto to =
            dash == std::string_view::npos ? from : read_number(part.substr(dash + 1), field);
        if (!from || !to || *from > *to) return false;
        first = *from;
        last = *to;
    }
    for (int number = first; number <= last; number += step)
        matches.set(static_cast<std::size_t>(number));
    return true;
}

std::optional<Matches> read_field(std::string_view text, const Field& field) {
    Matches matches;
    while (true) {
        const std::size_t comma = std::min(text.find(','), text.size());
        if (!add_part(text.substr(0, comma), field, matches)) return std::nullopt;
        if (comma == text.size()) return matches;
        text.remove_prefix(comma + 1);
    }
}

/// Is there a month that has one of the days?
bool has_a_day(const Matches& days, const Matches& months) {
    constexpr std::array<int, 13> length = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (std::size_t month = 1; month < length.size(); ++month) {
        for (int day = 1; months.test(month) && day <= length[month]; ++day)
            if (days.test(static_cast<std::size_t>(day))) return true;
    }
    return false;
}

}  // namespace

std::string_view cron(std::string_view text) {
    constexpr std::size_t longest = 256;
    if (text.size() > longest) return "must be at most 256 bytes long";
    std::vector<std::string_view> words;
    while (true) {
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        if (text.empty()) break;
        const std::size_t end = std::min(text.find(' '), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    if (words.size() != fields.size()) return five_fields;
    std::array<Matches, fields.size()> matches;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const auto read = read_field(words[i], fields[i]);
        if (!read) return fields[i].complaint;
        matches[i] = *read;
    }
    // crontab(5): a day of week that doesn't begin with * stands beside the day of month, which may
    // then never come.
    constexpr std::size_t day = 2;
    constexpr std::size_t month = 3;
    constexpr std::size_t week = 4;
    if (words[week].starts_with('*') && !has_a_day(matches[day], matches[month]))
        return "must have a day that there is in one of its months";
    return "";
}

}  // namespace muster::config::rules
