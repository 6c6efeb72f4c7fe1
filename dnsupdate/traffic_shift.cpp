#include "dnsupdate/traffic_shift.hpp"

#include "common/config/unicode.hpp"
#include "common/znodes/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>
#include <vector>

namespace muster::dnsupdate {

namespace {

using znodes::Percents;
using znodes::ShiftPhase;
using znodes::TrafficShift;

constexpr int usual_steps = 10;
/// So long the servers may take to show a step without a word about it.
constexpr std::chrono::seconds quiet{15};

int of(const Percents& percents, const std::string& party) {
    const auto found = percents.find(party);
    return found == percents.end() ? 0 : found->second;
}

class Advance {
 public:
    Advance(const TrafficShift& was,
            const ShiftMemory& memory,
            const ShiftSight& seen,
            WallTime wall,
            SteadyTime now)
        : was_(was), seen_(seen), wall_(wall), now_(now), step_{.next = was, .memory = memory} {
        if (memory.id != was.id || memory.step != was.step)
            step_.memory = {.id = was.id, .step = was.step};
    }

    ShiftStep run() {
        if (!was_.is_under_way()) {
            step_.memory = {};
        } else if (was_.cancelled && was_.phase != ShiftPhase::rolling_back) {
            give_up(ShiftPhase::cancelled, was_.why);
        } else if (!seen_.known || seen_.paused) {
            step_.memory = {.id = was_.id, .step = was_.step};
        } else if (was_.phase == ShiftPhase::rolling_back) {
            watch_return();
        } else if (was_.phase == ShiftPhase::asked) {
            begin();
        } else {
            go_on();
        }
        return std::move(step_);
    }

 private:
    void become(ShiftPhase phase, const std::string& why) {
        if (phase != step_.next.phase) step_.next.since = wall_;
        step_.next.phase = phase;
        step_.next.why = config::as_plain_text(why, znodes::max_shift_text);
    }

    /// Everything as it was before, and `end` when that is seen.
    void give_up(ShiftPhase end, const std::string& why) {
        const bool nothing_to_undo = was_.now.empty() || was_.now == was_.from;
        if (was_.phase != ShiftPhase::asked) step_.next.now = was_.from;
        step_.memory = {.id = was_.id, .step = was_.step};
        become(nothing_to_undo || was_.phase == ShiftPhase::asked ? end : ShiftPhase::rolling_back,
               why);
    }

    /// Until it is seen, or so long that nobody should wait for it any more: the records are wanted
    /// as they were, and the updater sees to that.
    void watch_return() {
        const ShiftPhase end = was_.cancelled ? ShiftPhase::cancelled : ShiftPhase::rolled_back;
        std::optional<SteadyTime>& since = step_.memory.barred_since;
        if (seen_.unseen.empty()) {
            become(end, was_.why);
        } else if (now_ - since.value_or(now_) >= was_.patience) {
            become(
                end,
                fmt::format(
                    "{}{}not seen yet: {}", was_.why, was_.why.empty() ? "" : "; ", seen_.unseen));
        } else if (!since) {
            since = now_;
        }
    }

    void begin() {
        TrafficShift& next = step_.next;
        if (const std::string never = unshareable(); !never.empty()) {
            bar(never, false);
            return;
        }
        if (next.from.empty() && seen_.name) {
            for (const auto& [party, about] : seen_.name->parties) {
                if (about.percent > 0) next.from.emplace(party, about.percent);
            }
        }
        if (next.from.empty()) {
            bar("nothing is published by this name", false);
            return;
        }
        int largest = 1;
        for (const Percents* const side : {&next.from, &next.to}) {
            for (const auto& [party, percent] : *side)
                largest = std::max(largest, std::abs(of(next.to, party) - of(next.from, party)));
        }
        const auto wanted =
            next.interval.count() == 0 ? usual_steps : next.over.count() / next.interval.count();
        next.steps = static_cast<int>(
            std::clamp<std::int64_t>(next.over.count() == 0 ? 1 : wanted, 1, largest));
        next.interval = next.over / next.steps;
        next.now = next.from;
        step_.memory = {.id = was_.id};
        become(ShiftPhase::stepping, {});
    }

    /// What no percents can be written for.
    [[nodiscard]] std::string unshareable() const {
        if (!seen_.name) return {};
        int parties = 0;
        for (const auto& [party, about] : seen_.name->parties) {
            if (!znodes::is_path_name(party))
                return fmt::format("{} load balancers behind the name have no zone", about.known);
            if (about.percent > 0) ++parties;
        }
        if (parties <= 100) return {};
        return fmt::format("{} share the name, and no more than 100 can", parties);
    }

    void go_on() {
        if (const std::string ill = unwell(); !ill.empty()) {
            step_.memory.good_since.reset();
            bar(ill, true);
        } else if (!seen_.unseen.empty()) {
            // A turn of a rotation takes a moment, too, and takes back nothing that was shown.
            const bool long_since = now_ - step_.memory.barred_since.value_or(now_) >= quiet;
            if (long_since) step_.memory.good_since.reset();
            bar(seen_.unseen, long_since);
        } else {
            step_.memory.barred_since.reset();
            become(ShiftPhase::stepping, {});
            if (!step_.memory.good_since) step_.memory.good_since = now_;
            // Before the first step nothing has changed that a cache might not know.
            const auto wait = was_.step == 0
                                  ? was_.interval
                                  : std::max<std::chrono::seconds>(was_.interval, seen_.name->ttl);
            if (now_ - *step_.memory.good_since >= wait) take_step();
        }
    }

    void take_step() {
        TrafficShift& next = step_.next;
        next.since = wall_;
        if (next.step == next.steps) {
            next.now = next.to;
            become(ShiftPhase::done, {});
            return;
        }
        ++next.step;
        next.now = between(next.from, next.to, next.step, next.steps);
        step_.memory = {.id = next.id, .step = next.step};
    }

    void bar(const std::string& why, bool held) {
        std::optional<SteadyTime>& since = step_.memory.barred_since;
        if (!since) since = now_;
        if (now_ - *since >= was_.patience) {
            give_up(ShiftPhase::rolled_back, why);
        } else if (held) {
            become(ShiftPhase::held, why);
        }
    }

    /// Of those that gain; empty: nothing is wrong.
    [[nodiscard]] std::string unwell() const {
        if (!seen_.name) return "no fleet publishes this name any more";
        for (const auto& [party, percent] : was_.to) {
            if (percent <= of(was_.from, party)) continue;
            const auto found = seen_.name->parties.find(party);
            if (found == seen_.name->parties.end())
                return fmt::format("{} has no load balancer that can be published", party);
            const Party& about = found->second;
            if (about.good == 0 || about.good * 100 < was_.healthy_percent * about.known)
                return fmt::format("{} of {} load balancers of {} are healthy, of which {} % must",
                                   about.good,
                                   about.known,
                                   party,
                                   was_.healthy_percent);
            if (about.failing > 0)
                return fmt::format(
                    "{} load balancers of {} serve although they fail, since too "
                    "many do",
                    about.failing,
                    party);
        }
        return {};
    }

    const TrafficShift& was_;
    const ShiftSight& seen_;
    WallTime wall_;
    SteadyTime now_;
    ShiftStep step_;
};

}  // namespace

ShiftStep advance(const TrafficShift& was,
                  const ShiftMemory& memory,
                  const ShiftSight& seen,
                  WallTime wall,
                  SteadyTime now) {
    return Advance(was, memory, seen, wall, now).run();
}

Percents between(const Percents& from, const Percents& to, int step, int steps) {
    struct Part {
        int points = 0;
        int rest = 0;
        std::string party;
    };
    std::vector<Part> parts;
    int left = 100;
    const auto add = [&](const std::string& party) {
        const int exact = of(from, party) * (steps - step) + of(to, party) * step;
        parts.push_back({.points = exact / steps, .rest = exact % steps, .party = party});
        left -= exact / steps;
    };
    for (const auto& [party, percent] : from) add(party);
    for (const auto& [party, percent] : to) {
        if (!from.contains(party)) add(party);
    }
    std::ranges::sort(parts, [](const Part& one, const Part& other) {
        return std::pair(-one.rest, one.party) < std::pair(-other.rest, other.party);
    });
    Percents all;
    for (Part& part : parts) {
        if (left > 0) {
            ++part.points;
            --left;
        }
        if (part.points > 0) all.emplace(part.party, part.points);
    }
    return all;
}

}  // namespace muster::dnsupdate
