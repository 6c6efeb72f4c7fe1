#include "orchestrator/status_cell.hpp"

#include <algorithm>
#include <utility>

namespace muster::orchestrator {

using checker::HealthState;
using checker::Verdict;
using znodes::Intents;
using znodes::LeasedIntent;
using znodes::Letter;
using znodes::SlotDetail;

namespace {

HealthState state_of(const znodes::ShardStatus& status, std::size_t slot) {
    HealthState state;
    if (slot < status.letters.size()) state.verdict = verdict_of(status.letters[slot]);
    const auto detail = status.details.find(static_cast<int>(slot));
    if (detail != status.details.end()) {
        state.since = detail->second.since;
        state.successes = detail->second.successes;
        state.failures = detail->second.failures;
        state.penalty = detail->second.penalty;
        state.reason =
            checker::reason_from(detail->second.reason).value_or(checker::Reason::unknown);
    }
    return state;
}

SlotDetail detail_of(const CellSlot& slot) {
    const HealthState& state = slot.state;
    return {.since = state.since,
            .successes = state.successes,
            .failures = state.failures,
            .reason = std::string(checker::to_string(state.reason)),
            .penalty = state.penalty,
            .intents = slot.intents,
            .ejection = slot.ejection};
}

std::optional<LeasedIntent> newest(const std::optional<LeasedIntent>& ours,
                                   const std::optional<LeasedIntent>& theirs) {
    if (!ours || !theirs) return ours ? ours : theirs;
    return ours->until < theirs->until ? theirs : ours;
}

SharedValue<Intents> newest(const SharedValue<Intents>& ours, const SharedValue<Intents>& theirs) {
    if (!ours || !theirs) return ours ? ours : theirs;
    return Intents{.reply = newest(ours->reply, theirs->reply),
                   .agent = newest(ours->agent, theirs->agent)};
}

bool same_place(const StatusCell& cell, const std::string& group_uid, int layout) {
    return cell.group_uid == group_uid && cell.layout == layout;
}

}  // namespace

Letter letter_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::unknown:
            return Letter::unknown;
        case Verdict::up:
            return Letter::up;
        case Verdict::degraded:
            return Letter::degraded;
        case Verdict::down:
            return Letter::down;
    }
    return Letter::unknown;
}

Verdict verdict_of(Letter letter) {
    switch (letter) {
        case Letter::unknown:
            return Verdict::unknown;
        case Letter::up:
            return Verdict::up;
        case Letter::degraded:
            return Verdict::degraded;
        case Letter::down:
            return Verdict::down;
    }
    return Verdict::unknown;
}

StatusCell make_cell(const znodes::ShardMembers& members,
                     const config::GroupSpec& group,
                     const StatusCell* before) {
    StatusCell cell{.group_uid = members.group_uid, .layout = members.layout};
    const bool keep = before != nullptr && same_place(*before, cell.group_uid, cell.layout);
    cell.slots.reserve(members.slots.size());
    for (std::size_t i = 0; i < members.slots.size(); ++i) {
        const znodes::Slot& slot = members.slots[i];
        const auto backend =
            std::ranges::lower_bound(group.backends, slot.backend, {}, &config::Backend::id);
        const bool configured = backend != group.backends.end() && backend->id == slot.backend;
        CellSlot& own = cell.slots.emplace_back();
        own.backend = slot.backend;
        own.check = checker::check_id(members.group_uid, slot.backend);
        own.active = configured && !slot.tombstone && backend->admin != config::Admin::maintenance;
        if (own.active && keep && i < before->slots.size()) {
            own.state = before->slots[i].state;
            own.intents = before->slots[i].intents;
            own.ejection = before->slots[i].ejection;
        }
    }
    return cell;
}

void adopt(StatusCell& cell, const znodes::ShardStatus& published) {
    if (!same_place(cell, published.group_uid, published.layout)) return;
    for (std::size_t i = 0; i < cell.slots.size(); ++i) {
        CellSlot& slot = cell.slots[i];
        if (slot.active && slot.state.verdict == Verdict::unknown)
            slot.state = state_of(published, i);
        const auto detail = published.details.find(static_cast<int>(i));
        if (slot.active && !slot.intents && detail != published.details.end())
            slot.intents = detail->second.intents;
        if (slot.active && !slot.ejection && detail != published.details.end())
            slot.ejection = detail->second.ejection;
    }
}

void begin_unknown(StatusCell& cell, const config::GroupSpec& group, WallTime now) {
    for (CellSlot& slot : cell.slots) {
        if (!slot.active || slot.state.verdict != Verdict::unknown) continue;
        const auto backend =
            std::ranges::lower_bound(group.backends, slot.backend, {}, &config::Backend::id);
        slot.state = checker::initial_state(config::check_of(group, *backend).initial, now);
    }
}

void merge(StatusCell& cell,
           const znodes::ShardStatus& published,
           const std::optional<znodes::Handoff>& handoff) {
    if (!same_place(cell, published.group_uid, published.layout)) return;
    for (std::size_t i = 0; i < cell.slots.size(); ++i) {
        CellSlot& slot = cell.slots[i];
        if (!slot.active) continue;
        const auto detail = published.details.find(static_cast<int>(i));
        if (detail != published.details.end()) {
            slot.intents = newest(slot.intents, detail->second.intents);
            slot.ejection = detail->second.ejection;
        }
        const HealthState theirs = state_of(published, i);
        if (theirs.verdict == Verdict::unknown) continue;
        if (slot.state.verdict != theirs.verdict) {
            slot.state = theirs;
            continue;
        }
        slot.state.since = theirs.since;
        slot.state.penalty = theirs.penalty;
        int successes = theirs.successes;
        int failures = theirs.failures;
        if (handoff && handoff->layout == cell.layout) {
            const auto counters = handoff->counters.find(static_cast<int>(i));
            if (counters != handoff->counters.end()) {
                successes = std::max(successes, counters->second.successes);
                failures = std::max(failures, counters->second.failures);
            }
        }
        if (slot.state.successes > 0)
            slot.state.successes = std::max(slot.state.successes, successes);
        if (slot.state.failures > 0) slot.state.failures = std::max(slot.state.failures, failures);
    }
}

void take_words(CellSlot& slot,
                const checker::IntentWords& words,
                WordsOf source,
                config::Duration standard_ttl,
                WallTime now) {
    const auto ttl = words.ttl.value_or(std::chrono::ceil<std::chrono::milliseconds>(standard_ttl));
    znodes::Intents said = slot.intents ? *slot.intents : znodes::Intents{};
    const bool of_agent = source == WordsOf::agent;
    std::optional<LeasedIntent>& own = of_agent ? said.agent : said.reply;
    std::optional<LeasedIntent>& other = of_agent ? said.reply : said.agent;
    own =
        LeasedIntent{.intent = of_agent ? checker::merged(znodes::in_force(own, now), words.intent)
                                        : words.intent,
                     .until = now + ttl};
    if (!znodes::holds(other, now)) other.reset();
    slot.intents = std::move(said);
}

znodes::ShardStatus to_status(const StatusCell& cell,
                              znodes::Stamp stamp,
                              WallTime now,
                              bool doubt) {
    znodes::ShardStatus status{.stamp = std::move(stamp),
                               .group_uid = cell.group_uid,
                               .layout = cell.layout,
                               .time = now,
                               .doubt = doubt};
    status.letters.reserve(cell.slots.size());
    for (std::size_t i = 0; i < cell.slots.size(); ++i) {
        const CellSlot& slot = cell.slots[i];
        status.letters.push_back(letter_of(slot.state.verdict));
        // The since-time of every verdict outlives its owner, so every verdict has a detail.
        if (slot.state != HealthState{} || slot.intents || slot.ejection)
            status.details.emplace(static_cast<int>(i), detail_of(slot));
    }
    return status;
}

znodes::Handoff to_handoff(const StatusCell& cell, znodes::Stamp stamp, std::int64_t move) {
    znodes::Handoff handoff{.stamp = std::move(stamp), .move = move, .layout = cell.layout};
    for (std::size_t i = 0; i < cell.slots.size(); ++i) {
        const HealthState& state = cell.slots[i].state;
        if (state.successes > 0 || state.failures > 0)
            handoff.counters.emplace(static_cast<int>(i), detail_of(cell.slots[i]));
    }
    return handoff;
}

}  // namespace muster::orchestrator
