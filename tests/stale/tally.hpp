#pragma once

#include "tests/stale/schedule.hpp"
#include "tests/stale/transaction_log.hpp"
#include "tests/stale/write_class.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace muster::stale {

/// What became of the stale writes of many schedules, by ZooKeeper's log and not by the answers
/// that their callers got.
struct Tally {
    struct Count {
        std::size_t attempted = 0;
        std::size_t by_node = 0;  ///< of these: the node's own, the rest was composed by the test
        std::size_t accepted = 0;
        bool operator==(const Count&) const = default;
    };
    std::map<WriteClass, Count> classes;
    std::size_t complete = 0;        ///< schedules with an attempt of each class
    std::size_t unfinished = 0;      ///< schedules that prove nothing
    std::size_t unknown = 0;         ///< attempts whose answer was lost: the log alone knows
    std::size_t fresh = 0;           ///< held writes whose guard had not moved on: no attempts
    std::size_t contradictions = 0;  ///< the answer says otherwise than the log

    [[nodiscard]] std::size_t attempted() const;
    [[nodiscard]] std::size_t accepted() const;
    /// A few lines for people.
    [[nodiscard]] std::string text() const;
};

[[nodiscard]] Tally tally(const std::vector<ScheduleReport>& reports,
                          const std::vector<Transaction>& history);

}  // namespace muster::stale
