// Dead instances are replaced.
#include "scaler/guards.hpp"
#include "scaler/lifecycle_draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::scaler {
namespace {

constexpr int replaced_percent = 10;  ///< of the fleet at once, at least one
constexpr seconds replaced_apart{60};

/// Two kinds of evidence, or one of long standing; absent: it isn't, or that is unknown.
std::optional<std::string> dead(Draft& draft, const InstanceId& id) {
    const Sight& sight = draft.sight(id);
    if (draft.records.at(id).phase != InstancePhase::serving || sight.verdict != Verdict::down)
        return std::nullopt;
    if (const auto& keep = draft.records.at(id).keep_until; keep && draft.now() < *keep) {
        draft.say(fmt::format("{} is down and stays: it was not to be removed", id.str()));
        draft.wake(*keep);
        return std::nullopt;
    }
    if (!sight.host_reachable) {
        draft.say(
            fmt::format("{} is down and its host not reachable: what it is, is unknown", id.str()));
        return std::nullopt;
    }
    if (draft.is_missing(id)) return "down, and its machine is in none of two listings";
    // What could not be reached looked DOWN, whatever it was.
    const WallTime long_since =
        std::max(sight.since, sight.host_since) + draft.settings.create_timeout;
    if (draft.now() >= long_since)
        return fmt::format("down for {} s", draft.settings.create_timeout.count());
    draft.wake(long_since);
    return std::nullopt;
}

}  // namespace

void replace_dead(Draft& draft) {
    if (!draft.settings.replace_dead || draft.settings.shadow || draft.settings.take_down ||
        draft.state.intent)
        return;
    std::vector<std::pair<InstanceId, std::string>> all;
    for (const auto& [id, record] : draft.records)
        if (const auto why = dead(draft, id)) all.emplace_back(id, *why);
    int& owed = draft.state.owed;
    owed = std::clamp(draft.settings.max - draft.live(), 0, owed);
    if (all.empty() && owed == 0) return;
    const std::string waits = all.empty() ? "replacements wait" : "dead instances stay";
    if (draft.pause() != Pause::none) return draft.say(waits + ": paused");
    if (!draft.view.reconciled)
        return draft.say(waits + ": this master hasn't seen all machines and records yet");
    if (draft.view.inventory.partial)
        return draft.say(waits + ": the provider's list is not complete");
    if (const auto open = breaker(membership_of(draft.state, draft.records, draft.view.sights)))
        return draft.say(waits + ": " + open->why);
    if (draft.backs_off()) {
        draft.wake(draft.back_off_until());
        return draft.say(waits + ": the last creates failed");
    }
    if (draft.state.replaced && draft.now() - *draft.state.replaced < replaced_apart) {
        draft.wake(*draft.state.replaced + replaced_apart);
        return draft.say(waits + ": others were replaced a moment ago");
    }
    const int most = std::max(1, draft.live() * replaced_percent / 100);
    const int count = std::min(most, static_cast<int>(all.size()));
    open_intent(draft,
                FleetIntentKind::replace,
                draft.settings.create_timeout + draft.settings.drain_timeout);
    for (int i = 0; i < count; ++i) {
        const auto& [id, why] = all[static_cast<std::size_t>(i)];
        draft.state.intent->leaving.push_back(id);
        draft.did(fmt::format("{} is to be replaced: {}", id.str(), why));
    }
    if (owed > 0) draft.did(fmt::format("{} that left are to be replaced again", owed));
    plan_instances(draft, std::min(count + owed, static_cast<int>(znodes::max_intent_ids)));
    draft.state.replaced = draft.now();
}

}  // namespace muster::scaler
