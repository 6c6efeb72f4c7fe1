#pragma once

#include "common/base/clock.hpp"
#include "common/config/cron.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Sizes by the clock on the wall. Pure but for the host's time zone database, which is read once.
// Throws nothing.
namespace muster::scaler {

using config::Cron;
using config::CronError;
using config::LocalMinutes;
using config::parse_cron;

using std::chrono::seconds;

/// From each start, for `length` (elapsed time, so 8 h are 8 h on the day that clocks change too):
/// at least `size`.
struct ScheduleEntry {
    Cron start;
    seconds length{3600};  ///< up to longest_entry; longer than between two starts: no gap
    int size = 1;
    bool operator==(const ScheduleEntry&) const = default;
};

inline constexpr seconds longest_entry = std::chrono::days{366};

/// Needs no metric and knows no tolerance (reference/autoscaling.md, 3.6 and 3.12).
struct SchedulePolicy {
    std::string time_zone = "UTC";  ///< of the IANA database, as the host has it
    std::vector<ScheduleEntry> entries;
    bool operator==(const SchedulePolicy&) const = default;
};

struct InForce {
    int size = 0;
    std::size_t entry = 0;
    std::optional<WallTime> until{};  ///< absent: its starts follow each other without an end
    bool operator==(const InForce&) const = default;
};

struct ScheduleNow {
    std::optional<InForce> in_force{};  ///< the entry with the largest size
    std::optional<WallTime> next{};     ///< nothing is in force: the next start, within 8 days
    bool operator==(const ScheduleNow&) const = default;
};

/// When clocks go forward, a start that doesn't exist is the first moment after the gap. When they
/// go back, a start that happens twice is the first of both; those of an hour field that begins
/// with * are both (as in Vixie's cron), so that "every hour" is each hour.
/// Fails: the zone isn't in the host's database.
/// Example: Europe/Berlin, "30 2 * * *": on 29 March 2026 at 03:00 CEST, on 25 October 2026 at
/// 02:30 CEST and not again at 02:30 CET.
[[nodiscard]] tl::expected<ScheduleNow, std::string> schedule_at(const SchedulePolicy& policy,
                                                                 WallTime now);

/// What is wrong with the name of a zone, and what would be right.
[[nodiscard]] std::optional<std::string> time_zone_problem(std::string_view name);

struct ScheduleProblem {
    std::optional<std::size_t> entry{};  ///< absent: the time zone
    std::string what;
    bool operator==(const ScheduleProblem&) const = default;
};

/// All that is wrong with it; empty: it can be used.
[[nodiscard]] std::vector<ScheduleProblem> problems(const SchedulePolicy& policy);

}  // namespace muster::scaler
