// The one intent of a fleet: how it begins, is extended, taken back and closed.
#include "scaler/lifecycle_draft.hpp"
#include "scaler/victims.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::scaler {
namespace {

using znodes::max_intent_ids;

/// The history of a decision of which so much was carried out.
History history_after(const Decision& decision, int added, int removed) {
    History next = decision.next;
    if (decision.size == decision.was) return next;
    if (!next.events.empty()) next.events.pop_back();  // what was decided
    if (added > 0 || removed > 0)
        next.events.push_back(
            {.at = next.last.value_or(WallTime{}), .added = added, .removed = removed});
    return next;
}

/// Draining or about to, newest first; those that wouldn't help are left where they are.
std::vector<InstanceId> can_come_back(const Draft& draft) {
    std::vector<InstanceId> ids;
    if (!draft.state.intent) return ids;
    for (const InstanceId& id : draft.state.intent->leaving) {
        const InstancePhase phase = draft.records.at(id).phase;
        const bool drains = phase == InstancePhase::draining || phase == InstancePhase::serving;
        if (drains && draft.sight(id).verdict != Verdict::down && !draft.is_missing(id))
            ids.push_back(id);
    }
    // Those that haven't begun to drain cost nothing to keep.
    const auto begun = [&](const InstanceId& id) {
        return draft.records.at(id).drain_started.value_or(WallTime::max());
    };
    std::ranges::sort(ids, [&](const InstanceId& a, const InstanceId& b) {
        return std::pair(begun(b), a) < std::pair(begun(a), b);
    });
    return ids;
}

int room(const Draft& draft) {
    const auto& intent = draft.state.intent;
    if (!intent) return static_cast<int>(max_intent_ids);
    return static_cast<int>(max_intent_ids - std::min(max_intent_ids, intent->ids.size()));
}

/// How many were made.
int grow(Draft& draft, int wanted, const std::string& digest) {
    int made = 0;
    for (const InstanceId& id : can_come_back(draft)) {
        if (made == wanted) break;
        draft.take_back(id, "the fleet grows again");
        draft.did(fmt::format("{} stays", id.str()));
        ++made;
    }
    const int missing = std::min(wanted - made, room(draft));
    if (missing > 0 && draft.backs_off()) {
        draft.say("nothing is created: the last creates failed");
        draft.wake(draft.back_off_until());
    } else if (missing > 0) {
        open_intent(draft, FleetIntentKind::out, draft.settings.create_timeout * 2);
        plan_instances(draft, missing);
        made += missing;
    }
    if (made > 0 && draft.state.intent) draft.state.intent->digest = digest;
    return made;
}

int shrink(Draft& draft, int wanted, const std::string& digest) {
    if (wanted <= 0) return 0;
    if (draft.state.intent) {
        draft.say("scale-in waits: another change of the fleet is under way");
        return 0;
    }
    if (!draft.view.reconciled) {
        draft.say("scale-in waits: this master hasn't seen all machines and records yet");
        return 0;
    }
    if (draft.view.inventory.partial) {
        draft.say("scale-in waits: the provider's list is not complete");
        return 0;
    }
    std::vector<VictimCandidate> candidates;
    for (const auto& [id, record] : draft.records) {
        if (record.phase != InstancePhase::serving) continue;
        if (record.keep_until && draft.now() < *record.keep_until) {
            // No healthy one goes in its place.
            if (draft.sight(id).verdict == Verdict::down) --wanted;
            continue;
        }
        if (!draft.sight(id).host_reachable) continue;  // what it is, is unknown
        candidates.push_back({.id = id,
                              .healthy = draft.sight(id).verdict != Verdict::down,
                              .connections = draft.sight(id).connections,
                              .zone = record.zone,
                              .old_spec = record.spec_generation < draft.settings.spec_generation,
                              .serving_since = record.since});
    }
    if (wanted <= 0) {
        draft.say("scale-in waits: what is down can't be removed now");
        return 0;
    }
    const auto most = std::min(static_cast<std::size_t>(wanted), max_intent_ids);
    const auto victims = choose_victims(std::move(candidates), most);
    if (victims.empty()) return 0;
    open_intent(draft, FleetIntentKind::in, draft.settings.drain_timeout * 2);
    draft.state.intent->digest = digest;
    for (const Victim& victim : victims) {
        draft.state.intent->leaving.push_back(victim.id);
        draft.did(fmt::format("{} is to leave: {}", victim.id.str(), victim.why));
    }
    return static_cast<int>(victims.size());
}

bool is_at_end(const Draft& draft, const FleetIntent& intent) {
    const auto phase = [&](const InstanceId& id) { return draft.records.at(id).phase; };
    // What failed goes on being removed without holding up the fleet; creates pause anyway.
    const bool made = std::ranges::all_of(
        intent.ids, [&](const InstanceId& id) { return !is_starting(phase(id)); });
    // A host that is away for good doesn't hold it up, either, nor a machine that nobody can remove
    // before a person has looked: these removals wait.
    const bool left = std::ranges::all_of(intent.leaving, [&](const InstanceId& id) {
        return phase(id) == InstancePhase::gone ||
               (phase(id) == InstancePhase::deleting &&
                (!draft.sight(id).host_reachable || draft.is_unreadable(id) || draft.is_stuck(id)));
    });
    return made && left;
}

/// What an intent that ends leaves to be made up for: the dead have left, and fewer have come.
void settle_owed(Draft& draft, const FleetIntent& intent) {
    int& owed = draft.state.owed;
    if (intent.kind == FleetIntentKind::in) {
        owed = 0;  // the fleet was to be smaller
        return;
    }
    const auto made = std::ranges::count_if(intent.ids, [&](const InstanceId& id) {
        const InstancePhase phase = draft.records.at(id).phase;
        return phase != InstancePhase::failed && phase != InstancePhase::gone;
    });
    const std::size_t left =
        intent.kind == FleetIntentKind::replace ? intent.leaving.size() : std::size_t{0};
    owed = std::max(0, owed + static_cast<int>(left) - static_cast<int>(made));
}

}  // namespace

void open_intent(Draft& draft, FleetIntentKind kind, seconds takes) {
    znodes::FleetState& state = draft.state;
    draft.starts = true;
    ++state.generation;
    if (!state.intent) state.intent = FleetIntent{.kind = kind, .started = draft.now()};
    // One that also makes up for dead ones remains that.
    if (state.intent->kind != FleetIntentKind::replace) state.intent->kind = kind;
    state.intent->generation = state.generation;
    state.intent->deadline = draft.now() + takes;
    state.intent->nonce = draft.view.nonce;
}

void plan_instances(Draft& draft, int count) {
    FleetIntent& intent = draft.state.intent.value();
    for (int k = 1; k <= count; ++k) {
        const InstanceId id(
            fmt::format("{}-{}-{}", draft.settings.fleet.str(), draft.state.generation, k));
        intent.ids.push_back(id);
        draft.records[id] = {.fleet_uid = draft.settings.uid,
                             .generation = draft.state.generation,
                             .phase = InstancePhase::planned,
                             .since = draft.now(),
                             .token = draft.settings.uid + "." + draft.view.nonce,
                             .provider = draft.settings.provider,
                             .spec_generation = draft.settings.spec_generation,
                             .reason = "planned"};
        draft.did(fmt::format("{} is planned", id.str()));
    }
}

void cancel_replacement(Draft& draft, const std::string& why) {
    const FleetIntent& intent = draft.state.intent.value();
    if (intent.kind != FleetIntentKind::replace) return;
    const auto planned = std::ranges::find_if(intent.ids, [&](const InstanceId& id) {
        return draft.records.at(id).phase == InstancePhase::planned;
    });
    if (planned != intent.ids.end()) draft.enter(*planned, InstancePhase::gone, why);
}

void take_in_leftovers(Draft& draft) {
    const auto planned = [&](const InstanceId& id) {
        return draft.state.intent &&
               std::ranges::find(draft.state.intent->ids, id) != draft.state.intent->ids.end();
    };
    for (const auto& [id, record] : draft.view.instances) {
        if (record.phase == InstancePhase::planned && !planned(id))
            draft.enter(id, InstancePhase::gone, "no intent has it");
        if (record.phase == InstancePhase::draining && !draft.leaves(id))
            draft.take_back(id, "no intent has it");
    }
}

void obey_pause(Draft& draft) {
    if (!draft.state.intent) return;
    const Pause pause = draft.pause();
    if (pause == Pause::in || pause == Pause::all)
        for (const InstanceId& id : can_come_back(draft)) {
            draft.take_back(id, "paused");
            draft.did(fmt::format("{} stays: paused by {}", id.str(), draft.view.pause.by));
        }
    const bool stopped = pause == Pause::out || pause == Pause::all;
    if (!stopped && !draft.backs_off()) return;
    // Nothing has been asked of the provider for them.
    for (const InstanceId& id : draft.state.intent->ids)
        if (draft.records.at(id).phase == InstancePhase::planned)
            draft.enter(id, InstancePhase::gone, stopped ? "paused" : "another create failed");
}

void close_intent(Draft& draft) {
    auto& intent = draft.state.intent;
    if (intent)
        for (const InstanceId& id : intent->leaving)
            if (draft.records.at(id).phase == InstancePhase::deleting && !draft.is_stuck(id))
                draft.wake(draft.stuck_from(id));
    if (intent && is_at_end(draft, *intent)) {
        settle_owed(draft, *intent);
        draft.did(fmt::format(
            "{} of generation {} is done", znodes::to_string(intent->kind), intent->generation));
        intent.reset();
    }
    if (intent) return;
    std::vector<InstanceId> gone;
    for (const auto& [id, record] : draft.records)
        if (record.phase == InstancePhase::gone) gone.push_back(id);
    for (const InstanceId& id : gone) draft.drop(id);
}

void carry_out(Draft& draft) {
    const auto& tick = draft.view.decision;
    if (!tick || tick->tick == draft.state.tick) return;
    const Decision& decision = tick->decision;
    draft.state.tick = tick->tick;
    int added = 0;
    int removed = 0;
    const Pause pause = draft.pause();
    const int by = decision.size - decision.was;
    // By what is committed: live() may have changed with what was learned since.
    if (decision.was != draft.view.state->target) {
        draft.say("the decision was made of another size; the next one will do");
    } else if (draft.settings.shadow) {
        if (by != 0) draft.say(fmt::format("shadow: would be {} instances", decision.size));
    } else if (by > 0 && (pause == Pause::out || pause == Pause::all)) {
        draft.say("scale-out is paused");
    } else if (by < 0 && (pause == Pause::in || pause == Pause::all)) {
        draft.say("scale-in is paused");
    } else if (by > 0) {
        added = grow(draft, by, tick->digest);
    } else if (by < 0) {
        // What has failed meanwhile is no part of the fleet any more.
        removed = shrink(draft, std::min(-by, draft.live() - decision.size), tick->digest);
    }
    draft.starts = draft.starts || added > 0 || removed > 0;
    draft.state.history = kept_of(history_after(decision, added, removed));
}

}  // namespace muster::scaler
