#pragma once

#include "common/base/clock.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>

namespace muster::sim {

/// What outlives a simulated process: its host's clocks, its link to the ensemble, and how long
/// ago something was done to either. Oracles ask it how much they may expect.
struct Host {
    double clock_rate = 1.0;
    std::chrono::milliseconds wall_offset{0};
    std::string incarnation;  ///< of the process that runs here; empty = none does
    SteadyTime down_since{};  ///< while none does
    int troubles = 0;         ///< faults that last
    bool cut = false;
    /// Its probes reach none of the backends whose hash leaves a rest below this, by three; its
    /// peers and the ensemble it does reach.
    unsigned blind = 0;
    SteadyTime blind_until{};    ///< when it was last blind, unless it is now
    SteadyTime trouble_from{};   ///< of the last stretch of faults ...
    SteadyTime trouble_until{};  ///< ... and its end, unless `troubles` > 0

    void begin_trouble(SteadyTime now) {
        // Faults that follow closely are one stretch.
        if (troubles == 0 && now > trouble_until + std::chrono::seconds(20)) trouble_from = now;
        ++troubles;
    }
    void end_trouble(SteadyTime now) {
        troubles = std::max(troubles - 1, 0);
        trouble_until = now;
    }
    void shake(SteadyTime now) {
        begin_trouble(now);
        end_trouble(now);
    }

    /// It runs, and nothing has happened to it for so long.
    [[nodiscard]] bool calm_for(std::chrono::nanoseconds span, SteadyTime now) const {
        return !incarnation.empty() && troubles == 0 && now - trouble_until >= span &&
               sees_for(span, now);
    }
    [[nodiscard]] bool sees_for(std::chrono::nanoseconds span, SteadyTime now) const {
        return blind == 0 && now - blind_until >= span;
    }
    [[nodiscard]] bool reaches(const std::string& address) const {
        return std::hash<std::string>{}(address) % 3 >= blind;
    }
    /// By how much what it writes may lag behind what it would have written undisturbed.
    [[nodiscard]] std::chrono::nanoseconds lag(SteadyTime now) const {
        if (troubles > 0) return now - trouble_from + std::chrono::seconds(3);
        if (now - trouble_until > std::chrono::seconds(20)) return std::chrono::nanoseconds(0);
        return trouble_until - trouble_from + std::chrono::seconds(3);
    }
};

}  // namespace muster::sim
