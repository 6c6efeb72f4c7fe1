// What is learned of instances: from answers of the provider, listings and probes.
#include "scaler/lifecycle_draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace muster::scaler {
namespace {

std::string minutes_of(seconds span) {
    return span.count() % 60 == 0 ? fmt::format("{} min", span.count() / 60)
                                  : fmt::format("{} s", span.count());
}

/// Trouble that another try with the same order doesn't end.
const ProviderError* refusal_of(const Draft& draft, const InstanceId& id) {
    const Reply* const said = draft.reply(id);
    if (said == nullptr || said->kind != CallKind::create || said->result) return nullptr;
    const Trouble trouble = said->result.error().trouble;
    return trouble == Trouble::quota || trouble == Trouble::invalid ? &said->result.error()
                                                                    : nullptr;
}

bool is_late(Draft& draft, const InstanceId& id) {
    const FleetInstanceRecord& record = draft.records.at(id);
    if (!record.deadline) return false;
    if (draft.now() >= *record.deadline) return true;
    draft.wake(*record.deadline);
    return false;
}

void learn_creating(Draft& draft, const InstanceId& id) {
    FleetInstanceRecord& record = draft.records.at(id);
    const auto machine = draft.machine(id);
    if (draft.is_unreadable(id)) {
        draft.say(fmt::format("{}: its record on {} can't be read", id.str(), record.host));
    } else if (machine && machine->token != record.token) {
        // Never ours: names are not used again. Without a record it is an orphan like any other.
        draft.fail(id, "another machine has this name");
        draft.enter(id, InstancePhase::gone, "another machine has this name");
        return;
    }
    if (machine && !draft.is_unreadable(id)) {
        if (!machine->address.empty()) record.address = machine->address;
        if (record.host.empty() && !machine->host.empty()) record.host = machine->host;
        draft.state.avoided.erase(record.host);
        draft.enter(id, InstancePhase::booting, "the machine is there");
        return;
    }
    if (const ProviderError* const error = refusal_of(draft, id))
        return draft.fail_there(
            id,
            fmt::format(
                "{}: {}", error->trouble == Trouble::quota ? "no room" : "refused", error->detail));
    if (is_late(draft, id))
        draft.fail(id,
                   fmt::format("no machine within {}", minutes_of(draft.settings.create_timeout)));
}

void learn_booting(Draft& draft, const InstanceId& id) {
    FleetInstanceRecord& record = draft.records.at(id);
    const auto machine = draft.machine(id);
    if (machine && !machine->address.empty() && machine->token == record.token)
        record.address = machine->address;
    if (draft.sight(id).verdict == Verdict::up) {
        record.warm_until = draft.now() + draft.settings.warm_up;
        draft.enter(id, InstancePhase::warming, "healthy");
        return draft.wake(*record.warm_until);
    }
    if (draft.is_missing(id)) return draft.fail(id, "its machine has ended");
    if (is_late(draft, id))
        draft.fail(id,
                   fmt::format("not healthy within {}", minutes_of(draft.settings.create_timeout)));
}

void learn_warming(Draft& draft, const InstanceId& id) {
    FleetInstanceRecord& record = draft.records.at(id);
    switch (draft.sight(id).verdict) {
        case Verdict::unknown:  // no news: neither warmed nor ill
            return;
        case Verdict::down:
            record.warm_until.reset();
            return draft.enter(id, InstancePhase::booting, "not healthy any more");
        case Verdict::up:
            break;
    }
    const WallTime until = record.warm_until.value_or(record.since + draft.settings.warm_up);
    if (draft.now() < until) return draft.wake(until);
    record.deadline.reset();
    draft.enter(id, InstancePhase::serving, "warmed up");
    draft.state.back_off.failures = 0;  // a pause that runs goes on
}

/// Of its name, and not of this life: another cluster's, or an earlier fleet's.
bool is_of_another(const Reply& reply, const FleetInstanceRecord& record) {
    return reply.kind == CallKind::get && reply.result && !reply.result->token.empty() &&
           reply.result->token != record.token;
}

/// Of what is to be removed: is it?
void learn_removed(Draft& draft, const InstanceId& id) {
    FleetInstanceRecord& record = draft.records.at(id);
    if (draft.is_stuck(id))
        draft.say(
            fmt::format("{} is to be removed for {} now, and is still there: the fleet "
                        "doesn't wait for it",
                        id.str(),
                        minutes_of(duration_cast<seconds>(draft.now() - record.since))));
    const Reply* const said = draft.reply(id);
    if (said == nullptr) return;
    if (is_of_another(*said, record))
        return draft.enter(id, InstancePhase::gone, "another machine has this name, and stays");
    // Whether it was taken or is unknown: get() will tell.
    const bool taken = said->kind == CallKind::remove && said->asked >= record.since &&
                       (said->result || said->result.error().trouble == Trouble::unknown_outcome);
    if (taken && !record.delete_asked) {
        record.delete_asked = said->at;
        return;
    }
    if (!said->result || said->kind != CallKind::get) return;
    if (record.phase == InstancePhase::failed && !record.delete_asked) return;
    if (said->asked < record.delete_asked.value_or(record.since)) return;
    if (record.absent_at && said->asked <= *record.absent_at) return;  // counted
    if (!says_absent(*said)) {
        record.absent = 0;
        // A removal that doesn't come to an end is asked for again.
        if (record.delete_asked &&
            said->at - *record.delete_asked > draft.settings.grace + seconds(30))
            record.delete_asked.reset();
        return;
    }
    ++record.absent;
    record.absent_at = said->at;
    if (record.absent >= 2) draft.enter(id, InstancePhase::gone, "removed");
}

void learn_of(Draft& draft, const InstanceId& id) {
    switch (draft.records.at(id).phase) {
        case InstancePhase::creating:
            return learn_creating(draft, id);
        case InstancePhase::booting:
            return learn_booting(draft, id);
        case InstancePhase::warming:
            return learn_warming(draft, id);
        case InstancePhase::deleting:
        case InstancePhase::failed:
            return learn_removed(draft, id);
        case InstancePhase::planned:
        case InstancePhase::serving:
        case InstancePhase::draining:
        case InstancePhase::gone:
            return;
    }
}

}  // namespace

void note_names(Draft& draft) {
    if (draft.settings.named) {
        draft.state.named = true;
    } else if (draft.state.named && draft.view.reconciled &&
               std::ranges::all_of(draft.view.sights,
                                   [](const auto& sight) { return sight.second.out_of_dns; })) {
        draft.state.named = false;
        draft.did("no name is answered with the fleet any more");
    }
}

void learn(Draft& draft) {
    std::erase_if(draft.state.collected,
                  [&](WallTime at) { return draft.now() - at >= std::chrono::hours(1); });
    for (const auto& [id, was] : draft.view.instances) learn_of(draft, id);
}

}  // namespace muster::scaler
