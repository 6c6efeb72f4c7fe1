// What an intent does next, and what the provider is asked.
#include "scaler/guards.hpp"
#include "scaler/lifecycle_draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace muster::scaler {
namespace {

constexpr seconds kept_after_refusal{600};

/// The usable host with the fewest instances in its zone, then on it, then by name; one that has
/// made nothing of an order lately only if there is no other.
const HostView* choose_host(const Draft& draft) {
    std::map<std::string, int> in_zone;
    std::map<std::string, int> on_host;
    for (const auto& [id, record] : draft.records) {
        if (record.phase == InstancePhase::gone || draft.leaves(id)) continue;
        ++in_zone[record.zone];
        ++on_host[record.host];
    }
    const HostView* best = nullptr;
    const auto rank = [&](const HostView& host) {
        return std::tuple(
            draft.avoids(host.node.str()), in_zone[host.zone], on_host[host.node.str()], host.node);
    };
    for (const HostView& host : draft.view.hosts)
        if (host.usable && (best == nullptr || rank(host) < rank(*best))) best = &host;
    return best;
}

bool start(Draft& draft, const InstanceId& id) {
    FleetInstanceRecord& record = draft.records.at(id);
    if (draft.settings.places) {
        const HostView* const host = choose_host(draft);
        if (host == nullptr) {
            draft.say("nothing is created: no host offers the provider");
            const WallTime until = record.since + draft.settings.create_timeout;
            if (draft.now() >= until) draft.fail(id, "no host offers the provider");
            draft.wake(until);
            return false;
        }
        record.host = host->node.str();
        record.zone = host->zone;
    }
    draft.enter(id, InstancePhase::creating, "ordered");
    record.deadline = draft.now() + draft.settings.create_timeout;
    draft.starts = true;
    return true;
}

/// Before a drain: has the provider said that it would take the removal?
enum class Leave { granted, unknown, refused };
Leave leave_of(const Draft& draft, const InstanceId& id) {
    const Reply* const said = draft.reply(id);
    if (said == nullptr || said->kind != CallKind::can_remove ||
        said->asked < draft.state.intent->started)
        return Leave::unknown;
    if (said->result) return Leave::granted;
    return said->result.error().trouble == Trouble::invalid ? Leave::refused : Leave::unknown;
}

void keep(Draft& draft, const InstanceId& id, const std::string& why) {
    draft.records.at(id).keep_until = draft.now() + kept_after_refusal;
    draft.did(fmt::format("{} stays: {}", id.str(), why));
    draft.take_back(id, why);
    cancel_replacement(draft, fmt::format("{} stays", id.str()));
}

/// What can't begin doesn't hold up the fleet: another one may be chosen.
void give_up_late(Draft& draft, const InstanceId& id, const std::string& why) {
    const WallTime late = draft.state.intent->started + draft.settings.drain_timeout;
    draft.say(fmt::format("{} is to leave: {}", id.str(), why));
    if (draft.now() < late) return draft.wake(late);
    keep(draft, id, why);
}

bool is_one_on_its_way(const Draft& draft) {
    return std::ranges::any_of(draft.state.intent->ids, [&](const InstanceId& id) {
        return is_starting(draft.records.at(id).phase);
    });
}

void begin_drain(Draft& draft, const InstanceId& id) {
    const bool is_replaced = draft.state.intent->kind == FleetIntentKind::replace;
    if (is_replaced && draft.sight(id).verdict == Verdict::up) {
        draft.did(fmt::format("{} stays: it is healthy again", id.str()));
        draft.take_back(id, "healthy again");
        return cancel_replacement(draft, fmt::format("{} is healthy again", id.str()));
    }
    switch (leave_of(draft, id)) {
        case Leave::unknown:
            return give_up_late(draft, id, "the provider hasn't said whether it would remove it");
        case Leave::refused:
            return keep(draft,
                        id,
                        "the provider won't remove it: " + draft.reply(id)->result.error().detail);
        case Leave::granted:
            break;
    }
    if (draft.serving_besides(id) == 0 && !draft.settings.take_down) {
        const std::string why = "no other one serves and is healthy";
        if (!is_replaced || !is_one_on_its_way(draft)) return give_up_late(draft, id, why);
        return draft.say(fmt::format("{} is to leave: {}", id.str(), why));
    }
    FleetInstanceRecord& record = draft.records.at(id);
    record.drain_started = draft.now();
    record.deadline.reset();
    draft.starts = true;
    draft.enter(id, InstancePhase::draining, "out of DNS, then connections end");
}

/// Open connections, counted since nobody gets its address any more: later ones are none of new
/// clients.
std::optional<std::int64_t> connections_left(const Draft& draft, const InstanceId& id) {
    const Sight& sight = draft.sight(id);
    const WallTime out_since = *draft.records.at(id).deadline - draft.settings.drain_timeout;
    return sight.counted >= out_since ? sight.connections : std::nullopt;
}

/// Why it may go; absent: not yet.
std::optional<std::string> drained(Draft& draft, const InstanceId& id) {
    FleetInstanceRecord& record = draft.records.at(id);
    const Sight& sight = draft.sight(id);
    if (!sight.out_of_dns) {
        // For want of better ones it was published again: it may have new clients.
        if (sight.published) record.deadline.reset();
        draft.say(fmt::format(
            "{} drains and waits for DNS, as long as it takes: {}", id.str(), sight.in_dns));
        return std::nullopt;
    }
    if (draft.is_missing(id)) return "its machine has ended";
    if (!record.deadline) {
        record.deadline = draft.now() + draft.settings.drain_timeout;
        draft.wake(*record.deadline);
        draft.did(fmt::format("{} is out of DNS: its connections have {} s to end",
                              id.str(),
                              draft.settings.drain_timeout.count()));
        return std::nullopt;
    }
    const auto left = connections_left(draft, id);
    if (left && *left <= 0) return "drained, without connections";
    if (draft.now() >= *record.deadline)
        return fmt::format("drained, its time is over: {} connections",
                           left ? std::to_string(*left) : std::string("unknown"));
    draft.wake(*record.deadline);
    draft.say(fmt::format(
        "{} drains: {}",
        id.str(),
        left ? fmt::format("{} connections", *left)
             : std::string("how many connections it has is not known, so all of drain_timeout")));
    return std::nullopt;
}

void go_on_draining(Draft& draft, const InstanceId& id) {
    const std::optional<std::string> why = drained(draft, id);
    if (!why) return;
    draft.starts = true;
    draft.enter(id, InstancePhase::deleting, *why);
    draft.records.at(id).deadline.reset();
}

seconds patience(const LifecycleSettings& settings, const Reply& reply) {
    if (reply.result) return settings.retry;
    switch (reply.result.error().trouble) {
        case Trouble::transient:
        case Trouble::unknown_outcome:
            return settings.retry;
        case Trouble::quota:
        case Trouble::invalid:
        case Trouble::fenced:
            return settings.retry * 6;
    }
    return settings.retry;
}

/// What to ask of a machine in this phase; absent: nothing.
std::optional<CallKind> next_call(const Draft& draft,
                                  const InstanceId& id,
                                  const FleetInstanceRecord& record) {
    const Reply* const said = draft.reply(id);
    switch (record.phase) {
        case InstancePhase::creating: {
            // First of all: is it there already? A master before this one may have asked for it.
            if (said == nullptr || said->asked < record.since) return CallKind::get;
            if (said->kind == CallKind::get && said->result) return CallKind::create;
            const bool sure = said->kind == CallKind::create && !said->result &&
                              said->result.error().trouble == Trouble::transient;
            return sure ? CallKind::create : CallKind::get;
        }
        case InstancePhase::booting:
            if (record.address.empty()) return CallKind::get;
            return std::nullopt;
        case InstancePhase::serving:
            if (draft.leaves(id) && draft.is_intent_committed() &&
                leave_of(draft, id) == Leave::unknown)
                return CallKind::can_remove;
            return std::nullopt;
        case InstancePhase::deleting: {
            if (record.delete_asked || said == nullptr || said->asked < record.since)
                return CallKind::get;  // a master before this one may have removed it
            const bool is_there =
                said->kind == CallKind::get && said->result && !says_absent(*said);
            const bool not_done = said->kind == CallKind::remove && !said->result;
            return is_there || not_done ? CallKind::remove : CallKind::get;
        }
        case InstancePhase::failed:
            // In any case: the provider may still be about to make it. First of all: is it ours?
            if (record.delete_asked || said == nullptr || said->asked < record.since ||
                (said->kind == CallKind::get && !said->result))
                return CallKind::get;
            return CallKind::remove;
        case InstancePhase::planned:
        case InstancePhase::warming:
        case InstancePhase::draining:
        case InstancePhase::gone:
            return std::nullopt;
    }
    return std::nullopt;
}

/// What was condemned by a name alone, or before this term, has to be ours by its token, too.
bool is_listed_as_ours(const Draft& draft, const InstanceId& id) {
    const auto& listing = draft.view.inventory.newest;
    return listing && std::ranges::any_of(listing->machines, [&](const Machine& machine) {
               return machine.id == id && proves_ours(draft.settings.uid, machine.token);
           });
}

void ask(const Draft& draft, const InstanceId& id, CallKind kind, LifecyclePlan& plan) {
    if (draft.view.in_flight.contains(id)) return;
    const Reply* const said = draft.reply(id);
    // After an absence create() follows at once; the same again waits.
    const bool again = said != nullptr && (said->kind == kind || !said->result);
    if (again) {
        const WallTime when = said->at + patience(draft.settings, *said);
        if (draft.now() < when) {
            if (!plan.again || when < *plan.again) plan.again = when;
            return;
        }
    }
    ProviderCall call{.kind = kind,
                      .order = {.fleet = draft.settings.fleet, .id = id},
                      .fence = draft.view.fence};
    if (kind == CallKind::remove) call.grace = draft.settings.grace;
    if (kind == CallKind::create) {
        const FleetInstanceRecord& record = draft.records.at(id);
        call.order.token = record.token;
        call.order.host = record.host;
        call.order.parameters = draft.settings.parameters;
    }
    plan.calls.push_back(std::move(call));
}

/// Dead ones of which the provider hasn't said that it removes them: as many replacements wait.
int held_back(const Draft& draft) {
    const FleetIntent& intent = *draft.state.intent;
    if (intent.kind != FleetIntentKind::replace) return 0;
    return static_cast<int>(std::ranges::count_if(intent.leaving, [&](const InstanceId& id) {
        return draft.records.at(id).phase == InstancePhase::serving &&
               leave_of(draft, id) != Leave::granted;
    }));
}

}  // namespace

void start_planned(Draft& draft) {
    if (!draft.state.intent || draft.backs_off()) return;
    if (const auto open = breaker(membership_of(draft.state, draft.records, draft.view.sights)))
        return draft.say("creates wait: " + open->why);
    bool verified = false;
    int under_way = 0;
    int waiting = 0;
    for (const InstanceId& id : draft.state.intent->ids) {
        const InstancePhase phase = draft.records.at(id).phase;
        verified = verified || phase == InstancePhase::warming || phase == InstancePhase::serving;
        if (phase == InstancePhase::creating || phase == InstancePhase::booting) ++under_way;
        if (phase == InstancePhase::planned) ++waiting;
    }
    int may_start = (verified ? std::max(1, draft.settings.creates_at_once) : 1) - under_way;
    may_start = std::min(may_start, waiting - held_back(draft));
    for (const InstanceId& id : draft.state.intent->ids) {
        if (may_start <= 0) break;
        if (draft.records.at(id).phase != InstancePhase::planned) continue;
        if (!start(draft, id)) break;
        --may_start;
    }
}

void drain_and_delete(Draft& draft) {
    if (!draft.state.intent) return;
    if (!draft.view.reconciled) {
        if (!draft.state.intent->leaving.empty())
            draft.say("removals wait: this master hasn't seen all machines and records yet");
        return;
    }
    const std::vector<InstanceId> leaving = draft.state.intent->leaving;  // it changes
    for (const InstanceId& id : leaving) {
        // One step in one write: what is planned to leave is committed first.
        if (!draft.is_committed(id)) continue;
        const InstancePhase phase = draft.records.at(id).phase;
        if (phase == InstancePhase::serving) begin_drain(draft, id);
        if (phase == InstancePhase::draining) go_on_draining(draft, id);
    }
}

void ask_provider(const Draft& draft, LifecyclePlan& plan) {
    // Of what is committed and stays as it is: what changes now is asked about next time.
    for (const auto& [id, record] : draft.view.instances) {
        if (!draft.is_committed(id)) continue;
        if (const auto kind = next_call(draft, id, record)) ask(draft, id, *kind, plan);
    }
    for (const auto& [id, orphan] : draft.view.state->orphans) {
        const auto is = draft.state.orphans.find(id);
        if (!orphan.condemned || is == draft.state.orphans.end()) continue;
        const Reply* const said = draft.reply(id);
        const auto& listing = draft.view.inventory.newest;
        if (!is_listed_as_ours(draft, id)) continue;
        const bool done = said != nullptr && said->kind == CallKind::remove && said->result &&
                          listing->asked <= said->at;
        // It may be in a name again since, for want of better ones.
        if (!done && draft.sight(id).out_of_dns) ask(draft, id, CallKind::remove, plan);
    }
}

}  // namespace muster::scaler
