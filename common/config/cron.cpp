#include "common/config/cron.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <utility>
#include <vector>

namespace muster::config {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::minutes;

constexpr std::size_t longest_text = 400;

constexpr std::array<std::string_view, 12> month_names{
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> weekday_names{
    "sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct FieldKind {
    std::string_view name;
    int least;
    int most;
    std::span<const std::string_view> names{};  ///< the first is `least`
};

constexpr std::array<FieldKind, 5> kinds{
    FieldKind{.name = "minute", .least = 0, .most = 59},
    FieldKind{.name = "hour", .least = 0, .most = 23},
    FieldKind{.name = "day-of-month", .least = 1, .most = 31},
    FieldKind{.name = "month", .least = 1, .most = 12, .names = month_names},
    FieldKind{.name = "day-of-week", .least = 0, .most = 7, .names = weekday_names}};

struct Field {
    std::size_t at;
    std::string_view text;
};

std::vector<Field> fields_of(std::string_view text) {
    std::vector<Field> all;
    constexpr std::string_view blanks = " \t";
    for (std::size_t at = text.find_first_not_of(blanks); at != text.npos;) {
        const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
        all.push_back({.at = at, .text = text.substr(at, end - at)});
        at = text.find_first_not_of(blanks, end);
    }
    return all;
}

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

/// Reads one field; the place of an error is where it reads.
class FieldReader {
 public:
    FieldReader(const FieldKind& kind, Field field) : kind_(kind), field_(field) {}

    tl::expected<std::uint64_t, CronError> read() {
        std::uint64_t set = 0;
        for (;;) {
            const auto part = element();
            if (!part) return tl::unexpected(part.error());
            set |= *part;
            if (at_ == field_.text.size()) return set;
            if (field_.text[at_] != ',') return wrong("a list is written 1,2,3");
            ++at_;
        }
    }

 private:
    const FieldKind& kind_;
    Field field_;
    std::size_t at_ = 0;

    [[nodiscard]] bool next_is(char letter) const {
        return at_ < field_.text.size() && field_.text[at_] == letter;
    }

    tl::unexpected<CronError> wrong(std::string_view what) const {
        return tl::unexpected(
            CronError{.at = field_.at + at_,
                      .what = fmt::format("{} '{}': {}", kind_.name, field_.text, what)});
    }

    std::string_view word() {
        const std::size_t begin = at_;
        while (at_ < field_.text.size() &&
               std::string_view(",-/*").find(field_.text[at_]) == std::string_view::npos)
            ++at_;
        return field_.text.substr(begin, at_ - begin);
    }

    tl::expected<int, CronError> number(int least, int most) {
        const std::size_t begin = at_;
        const std::string_view text = word();
        const bool digits = !text.empty() && text.size() <= 2 &&
                            std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
        int value = 0;
        if (digits)
            for (const char digit : text) value = value * 10 + (digit - '0');
        if (digits && value >= least && value <= most) return value;
        at_ = begin;
        return wrong(
            fmt::format("'{}' is no number from {} to {}", text.substr(0, 20), least, most));
    }

    tl::expected<int, CronError> value() {
        const std::string_view rest = field_.text.substr(at_);
        for (std::size_t i = 0; i < kind_.names.size(); ++i) {
            const std::string_view name = kind_.names[i];
            const bool longer = rest.size() > 3 && lower(rest[3]) >= 'a' && lower(rest[3]) <= 'z';
            if (longer || rest.size() < 3 ||
                !std::ranges::equal(rest.substr(0, 3), name, {}, lower))
                continue;
            at_ += 3;
            return kind_.least + static_cast<int>(i);
        }
        auto number_read = number(kind_.least, kind_.most);
        if (!number_read && !kind_.names.empty())
            number_read.error().what +=
                fmt::format(", nor a name from {} to {}", kind_.names.front(), kind_.names.back());
        return number_read;
    }

    /// One element of the list.
    tl::expected<std::uint64_t, CronError> element() {
        int first = kind_.least;
        int last = kind_.most;
        bool several = true;
        const std::size_t begin = at_;
        if (next_is('*')) {
            ++at_;
        } else {
            const auto low = value();
            if (!low) return tl::unexpected(low.error());
            first = last = *low;
            several = next_is('-');
            if (several) {
                ++at_;
                const auto high = value();
                if (!high) return tl::unexpected(high.error());
                last = *high;
            }
        }
        if (last < first) {
            at_ = begin;
            return wrong("a range rises; over its end it is two: 22-23,0-2 or sat,sun");
        }
        int step = 1;
        if (next_is('/')) {
            if (!several) return wrong("a step follows * or a range: 5-59/10");
            ++at_;
            const auto read = number(1, kind_.most);
            if (!read) return tl::unexpected(read.error());
            step = *read;
        }
        std::uint64_t set = 0;
        for (int one = first; one <= last; one += step) set |= std::uint64_t{1} << one;
        return set;
    }
};

constexpr std::array<int, 13> longest_month{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

/// Every day of a year falls on every weekday in some year, so the month decides.
bool ever_happens(const Cron& cron) {
    if (!cron.days_of_both) return true;
    for (int month = 1; month <= 12; ++month)
        if ((cron.months >> month & 1U) != 0 &&
            std::countr_zero(cron.days) <= longest_month[static_cast<std::size_t>(month)])
            return true;
    return false;
}

bool has(std::uint64_t set, unsigned value) {
    return (set >> value & 1U) != 0;
}

bool matches(const Cron& cron, local_days day) {
    const std::chrono::year_month_day date{day};
    if (!has(cron.months, static_cast<unsigned>(date.month()))) return false;
    const bool by_day = has(cron.days, static_cast<unsigned>(date.day()));
    const bool by_weekday = has(cron.weekdays, std::chrono::weekday{day}.c_encoding());
    return cron.days_of_both ? by_day && by_weekday : by_day || by_weekday;
}

int highest_up_to(std::uint64_t set, int most) {
    const std::uint64_t below = set & (~std::uint64_t{0} >> (63 - most));
    return below == 0 ? -1 : 63 - std::countl_zero(below);
}

int lowest_from(std::uint64_t set, int least) {
    if (least > 63) return -1;
    const std::uint64_t above = set & (~std::uint64_t{0} << least);
    return above == 0 ? -1 : std::countr_zero(above);
}

/// The latest time of a day that matches, up to minute `most` of it.
std::optional<minutes> latest_of_day(const Cron& cron, int most) {
    for (int hour = highest_up_to(cron.hours, most / 60); hour >= 0;
         hour = hour == 0 ? -1 : highest_up_to(cron.hours, hour - 1)) {
        const int minute = highest_up_to(cron.minutes, hour == most / 60 ? most % 60 : 59);
        if (minute >= 0) return hours{hour} + minutes{minute};
    }
    return std::nullopt;
}

std::optional<minutes> earliest_of_day(const Cron& cron, int least) {
    for (int hour = lowest_from(cron.hours, least / 60); hour >= 0;
         hour = lowest_from(cron.hours, hour + 1)) {
        const int minute = lowest_from(cron.minutes, hour == least / 60 ? least % 60 : 0);
        if (minute >= 0) return hours{hour} + minutes{minute};
    }
    return std::nullopt;
}

int minute_of(LocalMinutes time) {
    return static_cast<int>((time - floor<days>(time)).count());
}

}  // namespace

tl::expected<Cron, CronError> parse_cron(std::string_view text) {
    if (text.size() > longest_text)
        return tl::unexpected(CronError{.at = longest_text, .what = "too long"});
    const std::vector<Field> fields = fields_of(text);
    if (fields.size() != kinds.size())
        return tl::unexpected(
            CronError{.at = fields.size() > kinds.size() ? fields[kinds.size()].at : text.size(),
                      .what = fmt::format("{} fields; needed are 5: minute hour day-of-month "
                                          "month day-of-week",
                                          fields.size())});
    std::array<std::uint64_t, kinds.size()> sets{};
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        const auto set = FieldReader(kinds[i], fields[i]).read();
        if (!set) {
            CronError error = set.error();
            error.field = i;
            return tl::unexpected(std::move(error));
        }
        sets[i] = *set;
    }
    const auto open = [&](std::size_t field) { return fields[field].text.front() == '*'; };
    const std::uint64_t sunday = sets[4] >> 7 & 1U;
    Cron cron{.text = std::string(text),
              .minutes = sets[0],
              .hours = static_cast<std::uint32_t>(sets[1]),
              .days = static_cast<std::uint32_t>(sets[2]),
              .months = static_cast<std::uint32_t>(sets[3]),
              .weekdays = static_cast<std::uint32_t>((sets[4] | sunday) & 0x7fU),
              .any_hour = open(1),
              .days_of_both = open(2) || open(4)};
    if (!ever_happens(cron))
        return tl::unexpected(
            CronError{.field = 2,
                      .never = true,
                      .at = fields[2].at,
                      .what = fmt::format("day-of-month '{}': no month of '{}' has such a day",
                                          fields[2].text,
                                          fields[3].text)});
    return cron;
}

std::optional<LocalMinutes> latest_match(const Cron& cron,
                                         LocalMinutes earliest,
                                         LocalMinutes latest) {
    for (local_days day = floor<days>(latest); day >= floor<days>(earliest); day -= days{1}) {
        if (!matches(cron, day)) continue;
        const int most = day == floor<days>(latest) ? minute_of(latest) : 24 * 60 - 1;
        const auto time = latest_of_day(cron, most);
        if (!time) continue;
        if (day + *time < earliest) return std::nullopt;
        return day + *time;
    }
    return std::nullopt;
}

std::optional<LocalMinutes> earliest_match(const Cron& cron,
                                           LocalMinutes earliest,
                                           LocalMinutes latest) {
    for (local_days day = floor<days>(earliest); day <= floor<days>(latest); day += days{1}) {
        if (!matches(cron, day)) continue;
        const int least = day == floor<days>(earliest) ? minute_of(earliest) : 0;
        const auto time = earliest_of_day(cron, least);
        if (!time) continue;
        if (day + *time > latest) return std::nullopt;
        return day + *time;
    }
    return std::nullopt;
}

namespace rules {

std::string_view cron(std::string_view text) {
    constexpr std::size_t longest = 256;
    if (text.size() > longest) return "must be at most 256 bytes long";
    constexpr std::string_view five_fields =
        "must have 5 fields, such as \"0 8 * * 1-5\": minute, hour, day of month, month, day of "
        "week";
    constexpr std::array<std::string_view, kinds.size()> complaints{
        "must have as its minute *, or numbers from 0 to 59, such as 0, */15 or 0-30/10",
        "must have as its hour *, or numbers from 0 to 23, such as 8, 8-17 or */2",
        "must have as its day of month *, or numbers from 1 to 31, such as 1 or 1,15",
        "must have as its month *, or numbers from 1 to 12 or JAN to DEC",
        "must have as its day of week *, or numbers from 0 to 7 (0 and 7 are Sunday) or "
        "SUN to SAT"};
    if (text.contains('\t')) return five_fields;
    const auto parsed = parse_cron(text);
    if (parsed) return "";
    if (parsed.error().never) return "must have a day that there is in one of its months";
    return parsed.error().field ? complaints.at(*parsed.error().field) : five_fields;
}

}  // namespace rules
}  // namespace muster::config
