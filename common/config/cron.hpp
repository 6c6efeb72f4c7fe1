#pragma once

#include <string_view>

namespace muster::config::rules {

/// 5 fields of cron: minute hour day-of-month month day-of-week, of numbers, ranges, lists, steps
/// and English names of months and days (POSIX crontab, and Vixie's `*/2`, `7` and names). Refuses
/// what no day of any year matches, such as February 30th.
[[nodiscard]] std::string_view cron(std::string_view text);

}  // namespace muster::config::rules
