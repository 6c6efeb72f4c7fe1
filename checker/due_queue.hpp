#pragma once

#include "checker/check_id.hpp"
#include "checker/due_line.hpp"
#include "checker/rate_cap.hpp"
#include "common/base/clock.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace muster::checker {

/// When which check is to be probed, and whose turn it is by the limits on starts per second: of
/// all, and of those over TLS, which wait in a line of their own so that they hold up nobody else.
/// Owner: an engine. Pure but for what it remembers.
class DueQueue {
 public:
    DueQueue(int starts_per_second, int handshakes_per_second)
        : starts_(starts_per_second), handshakes_(handshakes_per_second) {}

    void add(SteadyTime when, CheckId id, bool secure) { line(secure).add(when, id); }
    void remove(SteadyTime when, CheckId id, bool secure) { line(secure).remove(when, id); }

    /// The one whose time has come by `tick` and that may start now; the earliest.
    [[nodiscard]] std::optional<CheckId> due(SteadyTime tick, SteadyTime now) {
        if (!starts_.allows(now)) return std::nullopt;
        const SteadyTime secure = handshakes_.allows(now) ? head(secure_) : SteadyTime::max();
        const SteadyTime plain = head(plain_);
        if (std::min(secure, plain) > tick) return std::nullopt;
        return (secure < plain ? secure_ : plain_).front().second;
    }
    void note_start(SteadyTime now, bool secure) {
        starts_.take(now);
        if (secure) handshakes_.take(now);
    }

    /// When the first one is due; max() without any.
    [[nodiscard]] SteadyTime first() { return std::min(head(plain_), head(secure_)); }

 private:
    [[nodiscard]] DueLine& line(bool secure) { return secure ? secure_ : plain_; }
    [[nodiscard]] static SteadyTime head(DueLine& line) {
        return line.empty() ? SteadyTime::max() : line.front().first;
    }

    DueLine plain_;
    DueLine secure_;
    RateCap starts_;
    RateCap handshakes_;
};

}  // namespace muster::checker
