#pragma once

#include <tl/expected.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Times that repeat, as cron writes them. Pure; knows no time zones.
namespace muster::config {

/// Wall-clock minutes of no zone in particular.
using LocalMinutes = std::chrono::local_time<std::chrono::minutes>;

/// The sets are bits: bit n is value n. Sunday is 0.
struct Cron {
    std::string text;
    std::uint64_t minutes = 0;
    std::uint32_t hours = 0;
    std::uint32_t days = 0;    ///< bits 1 to 31
    std::uint32_t months = 0;  ///< bits 1 to 12
    std::uint32_t weekdays = 0;
    bool any_hour = false;  ///< the field begins with *
    /// One of day-of-month and day-of-week begins with *: then a day must be in both sets, else
    /// in one of them.
    bool days_of_both = true;
    bool operator==(const Cron&) const = default;
};

struct CronError {
    std::optional<std::size_t> field{};  ///< 0: the minute; absent: there aren't 5 of them
    bool never = false;                  ///< each is right, and no day of any year matches
    std::size_t at = 0;                  ///< in the text
    std::string what;                    ///< what is wrong, and what would be right
    bool operator==(const CronError&) const = default;
};

/// 5 fields: minute hour day-of-month month day-of-week, by the rules of Vixie's cron (crontab(5)):
/// lists, ranges, steps over * and ranges, English names of three letters, 7 for Sunday. Beyond it:
/// names in lists and ranges; refused is what never happens (30 February) and @names.
/// Example: "30 8 * * mon-fri".
[[nodiscard]] tl::expected<Cron, CronError> parse_cron(std::string_view text);

/// The latest time that matches in [earliest, latest]. Costs by the days in between.
[[nodiscard]] std::optional<LocalMinutes> latest_match(const Cron& cron,
                                                       LocalMinutes earliest,
                                                       LocalMinutes latest);

/// The earliest one.
[[nodiscard]] std::optional<LocalMinutes> earliest_match(const Cron& cron,
                                                         LocalMinutes earliest,
                                                         LocalMinutes latest);

namespace rules {

/// As of text_rules.hpp: what a document may have as its cron, and what is wrong with it.
[[nodiscard]] std::string_view cron(std::string_view text);

}  // namespace rules
}  // namespace muster::config
