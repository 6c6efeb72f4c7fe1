#include "scaler/lifecycle_draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace muster::scaler {
namespace {

constexpr seconds first_back_off{300};
constexpr seconds longest_back_off{1'800};
constexpr seconds back_off_reset{10'800};
constexpr seconds avoided_for{1'800};
constexpr seconds back_off_below_min{60};
constexpr seconds removal_patience{600};

const Machine* find(const std::vector<Machine>& machines, const InstanceId& id) {
    const auto found = std::ranges::find(machines, id, &Machine::id);
    return found == machines.end() ? nullptr : &*found;
}

/// Ended, or not there.
bool lacks(const Listing& listing, const InstanceId& id) {
    const Machine* const machine = find(listing.machines, id);
    return machine == nullptr || machine->state == MachineState::stopped;
}

}  // namespace

Draft::Draft(const LifecycleSettings& wanted, const LifecycleView& seen)
    : settings(wanted), view(seen), state(seen.state.value()), records(seen.instances) {
    // No name is used again, also not one that a state before this one gave.
    state.generation = std::max(state.generation, view.seen_generation);
}

const Sight& Draft::sight(const InstanceId& id) const {
    static const Sight nothing;
    const auto found = view.sights.find(id);
    return found == view.sights.end() ? nothing : found->second;
}

const Reply* Draft::reply(const InstanceId& id) const {
    const auto found = view.replies.find(id);
    return found == view.replies.end() ? nullptr : &found->second;
}

void Draft::enter(const InstanceId& id, InstancePhase phase, std::string reason) {
    FleetInstanceRecord& record = records.at(id);
    did(fmt::format("{} is {}: {}", id.str(), znodes::to_string(phase), reason));
    record.phase = phase;
    record.since = now();
    record.reason = std::move(reason);
    if (phase == InstancePhase::deleting || phase == InstancePhase::failed) {
        record.absent = 0;
        record.absent_at.reset();
    }
}

WallTime Draft::back_off_until() const {
    const znodes::FleetBackOff& back_off = state.back_off;
    if (live() >= settings.min) return back_off.until;
    return std::min(back_off.until, back_off.failed + back_off_below_min);
}

bool Draft::avoids(const std::string& host) const {
    const auto known = state.avoided.find(host);
    return known != state.avoided.end() && now() < known->second;
}

void Draft::avoid_host_of(const InstanceId& id) {
    const std::string& host = records.at(id).host;
    if (!settings.places || host.empty()) return;
    std::erase_if(state.avoided, [&](const auto& known) { return known.second <= now(); });
    if (state.avoided.size() >= znodes::max_avoided_hosts) return;
    state.avoided[host] = now() + avoided_for;
}

void Draft::fail_there(const InstanceId& id, std::string reason) {
    avoid_host_of(id);
    const bool has_others =
        settings.places && std::ranges::any_of(view.hosts, [&](const auto& host) {
            return host.usable && !avoids(host.node.str());
        });
    if (!has_others) return fail(id, std::move(reason));
    did(fmt::format("{} is avoided for {} minutes",
                    records.at(id).host,
                    std::chrono::duration_cast<std::chrono::minutes>(avoided_for).count()));
    enter(id, InstancePhase::failed, std::move(reason));
}

void Draft::fail(const InstanceId& id, std::string reason) {
    avoid_host_of(id);
    enter(id, InstancePhase::failed, std::move(reason));
    znodes::FleetBackOff& back_off = state.back_off;
    // Several that fail together are one failure of the provider.
    if (backs_off()) return;
    if (now() - back_off.failed >= back_off_reset) back_off.failures = 0;
    const int doublings = std::min(back_off.failures, 10);
    const seconds pause = std::min(first_back_off * (1 << doublings), longest_back_off);
    back_off = {.failures = std::min(back_off.failures + 1, 1'000),
                .failed = now(),
                .until = now() + pause};
    did(fmt::format("nothing is created for {} minutes",
                    std::chrono::duration_cast<std::chrono::minutes>(pause).count()));
}

void Draft::drop(const InstanceId& id) {
    records.erase(id);
    did(fmt::format("{} is forgotten", id.str()));
}

void Draft::take_back(const InstanceId& id, const std::string& reason) {
    if (records.at(id).phase == InstancePhase::draining) enter(id, InstancePhase::serving, reason);
    FleetInstanceRecord& record = records.at(id);
    record.deadline.reset();
    record.drain_started.reset();
    if (state.intent) std::erase(state.intent->leaving, id);
}

bool Draft::leaves(const InstanceId& id) const {
    return state.intent &&
           std::ranges::find(state.intent->leaving, id) != state.intent->leaving.end();
}

int live_count(const std::map<InstanceId, FleetInstanceRecord>& records,
               const std::optional<FleetIntent>& intent) {
    int count = 0;
    for (const auto& [id, record] : records) {
        if (!is_starting(record.phase) && record.phase != InstancePhase::serving) continue;
        const bool goes = intent && std::ranges::find(intent->leaving, id) != intent->leaving.end();
        if (!goes) ++count;
    }
    return count;
}

int Draft::live() const {
    return live_count(records, state.intent);
}

int Draft::serving_besides(const InstanceId& id) const {
    return static_cast<int>(std::ranges::count_if(records, [&](const auto& entry) {
        return entry.first != id &&
               publishable(entry.second, sight(entry.first).verdict == Verdict::up);
    }));
}

bool Draft::is_missing(const InstanceId& id) const {
    const Inventory& inventory = view.inventory;
    if (inventory.partial || !inventory.newest || !inventory.before) return false;
    if (!sight(id).host_reachable) return false;
    const FleetInstanceRecord& record = records.at(id);
    return record.since < inventory.before->asked &&
           inventory.before->asked < inventory.newest->asked && lacks(*inventory.before, id) &&
           lacks(*inventory.newest, id);
}

WallTime Draft::stuck_from(const InstanceId& id) const {
    return records.at(id).since + settings.grace + removal_patience;
}

bool Draft::is_stuck(const InstanceId& id) const {
    return records.at(id).phase == InstancePhase::deleting && now() >= stuck_from(id);
}

std::optional<Machine> Draft::machine(const InstanceId& id) const {
    const Reply* const said = reply(id);
    const bool named = said != nullptr && said->result &&
                       (said->kind == CallKind::create || said->kind == CallKind::get);
    if (named && !says_absent(*said)) return *said->result;
    const auto& listing = view.inventory.newest;
    // An answer is as good as a listing: the younger one counts.
    if (!listing || (named && said->asked >= listing->asked)) return std::nullopt;
    const Machine* const listed = find(listing->machines, id);
    if (listed == nullptr) return std::nullopt;
    return *listed;
}

bool Draft::is_unreadable(const InstanceId& id) const {
    const auto seen = machine(id);
    return seen && seen->state == MachineState::unknown && seen->token.empty();
}

void Draft::wake(WallTime when) {
    if (!again_ || when < *again_) again_ = when;
}

bool Draft::is_committed(const InstanceId& id) const {
    const auto was = view.instances.find(id);
    const auto is = records.find(id);
    return was != view.instances.end() && is != records.end() && was->second == is->second;
}

LifecyclePlan Draft::finish() {
    LifecyclePlan plan{.again = again_, .says = std::move(says_)};
    FleetWrite write{.starts = starts, .did = std::move(did_)};
    state.target = live();
    for (auto& [id, record] : records) {
        if (is_committed(id)) continue;
        record.stamp = view.stamp;
        write.instances.emplace(id, record);
    }
    for (const auto& [id, record] : view.instances)
        if (!records.contains(id)) write.instances.emplace(id, std::nullopt);
    if (write.instances.empty() && state == *view.state) return plan;
    state.stamp = view.stamp;
    write.state = state;
    plan.write = std::move(write);
    return plan;
}

bool is_starting(InstancePhase phase) {
    switch (phase) {
        case InstancePhase::planned:
        case InstancePhase::creating:
        case InstancePhase::booting:
        case InstancePhase::warming:
            return true;
        case InstancePhase::serving:
        case InstancePhase::draining:
        case InstancePhase::deleting:
        case InstancePhase::gone:
        case InstancePhase::failed:
            return false;
    }
    return false;
}

bool says_absent(const Reply& reply) {
    return reply.kind == CallKind::get && reply.result &&
           reply.result->state == MachineState::stopped && reply.result->token.empty();
}

}  // namespace muster::scaler
