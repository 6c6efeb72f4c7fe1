// Between what is kept and what is decided on.
#include "scaler/history_json.hpp"
#include "scaler/lifecycle.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace muster::scaler {
namespace {

Phase phase_of(znodes::InstancePhase phase) {
    switch (phase) {
        case znodes::InstancePhase::planned:
            return Phase::planned;
        case znodes::InstancePhase::creating:
            return Phase::creating;
        case znodes::InstancePhase::booting:
            return Phase::booting;
        case znodes::InstancePhase::warming:
            return Phase::warming;
        case znodes::InstancePhase::serving:
            return Phase::serving;
        case znodes::InstancePhase::draining:
            return Phase::draining;
        case znodes::InstancePhase::deleting:
            return Phase::deleting;
        case znodes::InstancePhase::gone:
            return Phase::gone;
        case znodes::InstancePhase::failed:
            return Phase::failed;
    }
    return Phase::gone;
}

/// What is unreadable is as if nothing were remembered: guards begin anew, and windows stay.
History remembered(const std::string& memory) {
    if (memory.empty()) return {};
    boost::system::error_code error;
    const boost::json::value value = boost::json::parse(memory, error);
    if (error || !value.is_object()) return {};
    auto history = read_history(value.get_object());
    return history ? *std::move(history) : History{};
}

}  // namespace

Membership membership_of(const znodes::FleetState& state,
                         const std::map<InstanceId, znodes::FleetInstanceRecord>& instances,
                         const std::map<InstanceId, Sight>& sights) {
    Membership membership{.size = state.target};
    if (state.back_off.failures > 0)
        membership.creates = {.failures = state.back_off.failures, .last = state.back_off.failed};
    for (const auto& [id, record] : instances) {
        const auto sight = sights.find(id);
        const bool leaves = state.intent && std::ranges::find(state.intent->leaving, id) !=
                                                state.intent->leaving.end();
        const bool goes = leaves && record.phase == znodes::InstancePhase::serving;
        membership.instances.push_back(
            {.id = id.str(),
             .phase = goes ? Phase::draining : phase_of(record.phase),
             .since = record.since,
             .healthy = sight != sights.end() && sight->second.verdict == Verdict::up,
             .warmed = record.phase == znodes::InstancePhase::serving});
    }
    return membership;
}

History history_of(const znodes::SizeHistory& kept) {
    History history = remembered(kept.memory);
    history.last = kept.last;
    for (const auto& one : kept.peaks) history.peaks.push_back({.at = one.at, .size = one.size});
    for (const auto& one : kept.troughs)
        history.troughs.push_back({.at = one.at, .size = one.size});
    for (const auto& one : kept.events)
        history.events.push_back({.at = one.at, .added = one.added, .removed = one.removed});
    return history;
}

znodes::SizeHistory kept_of(const History& history) {
    znodes::SizeHistory kept{.last = history.last};
    for (const auto& one : history.peaks) kept.peaks.push_back({.at = one.at, .size = one.size});
    for (const auto& one : history.troughs)
        kept.troughs.push_back({.at = one.at, .size = one.size});
    for (const auto& one : history.events)
        kept.events.push_back({.at = one.at, .added = one.added, .removed = one.removed});
    History rest = history;
    rest.peaks.clear();
    rest.troughs.clear();
    rest.events.clear();
    rest.last.reset();
    if (rest == History{}) return kept;
    kept.memory = boost::json::serialize(json_of(rest));
    // It is bounded; should it ever be too large, to forget it is better than not to go on.
    if (kept.memory.size() > znodes::max_size_memory) kept.memory.clear();
    return kept;
}

Pause pause_of(const znodes::FleetPause& pause, WallTime now) {
    if (pause.until && *pause.until <= now) return Pause::none;
    switch (pause.kind) {
        case znodes::FleetPauseKind::none:
            return Pause::none;
        case znodes::FleetPauseKind::in:
            return Pause::in;
        case znodes::FleetPauseKind::out:
            return Pause::out;
        case znodes::FleetPauseKind::all:
            return Pause::all;
    }
    return Pause::all;
}

}  // namespace muster::scaler
