#pragma once

#include "checker/alarm.hpp"
#include "checker/schedule.hpp"
#include "common/base/clock.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace muster::checker {

/// When which probe (its serial) times out: all of them on one alarm, on a grid, so that thousands
/// cost no more than one. The grid lies between the engine's ticks: what ends badly must not stand
/// in the way of what is to begin. Executor: the alarm's.
class Deadlines {
 public:
    using Entry = std::multimap<SteadyTime, std::uint64_t>::iterator;

    /// `ring`: some may be due.
    Deadlines(asio::any_io_executor executor,
              Clock& clock,
              std::chrono::nanoseconds grid,
              std::function<void()> ring)
        : grid_(grid), alarm_(std::move(executor), clock, std::move(ring)) {}

    Entry add(SteadyTime when, std::uint64_t serial) {
        // Most often the last one of all.
        const Entry entry = all_.emplace_hint(all_.end(), when, serial);
        watch();
        return entry;
    }
    void erase(Entry entry) { all_.erase(entry); }
    void move(Entry& entry, SteadyTime when) {
        auto node = all_.extract(entry);
        node.key() = when;
        entry = all_.insert(std::move(node));
        watch();
    }

    /// One whose time has come.
    [[nodiscard]] std::optional<std::uint64_t> due(SteadyTime now) const {
        if (all_.empty() || all_.begin()->first > now) return std::nullopt;
        return all_.begin()->second;
    }
    /// After the alarm has rung, and all that was due is gone.
    void watch() {
        if (all_.empty()) return;
        const SteadyTime first = round_up(all_.begin()->first - grid_ / 2, grid_) + grid_ / 2;
        if (first < alarm_.when()) alarm_.set(first);
    }
    void stop() { alarm_.clear(); }

 private:
    std::chrono::nanoseconds grid_;
    std::multimap<SteadyTime, std::uint64_t> all_;
    Alarm alarm_;
};

}  // namespace muster::checker
