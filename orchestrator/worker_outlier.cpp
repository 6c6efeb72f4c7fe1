// Of the worker role: what LBs say of the backends of its shards (outlier_notes decides).
#include "common/observe/log.hpp"
#include "orchestrator/worker.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace muster::orchestrator {

using coordination::SessionState;
using znodes::Ejection;

namespace {

/// Between two looks, as long as there is anything to look at.
constexpr std::chrono::milliseconds glance{250};

bool passes(const checker::HealthState& state) {
    return state.failures == 0 && state.verdict != checker::Verdict::unknown;
}

}  // namespace

asio::awaitable<void> Worker::watch_evidence() {
    for (;;) {
        co_await evidence_signal_.wait();
        while (look_at_evidence()) co_await clock_.sleep_for(glance);
    }
}

/// Whether there is more to be seen without news.
bool Worker::look_at_evidence() {
    std::map<GroupName, std::vector<Shards::const_iterator>> groups;
    for (auto shard = shards_.cbegin(); shard != shards_.cend(); ++shard) {
        if (shard->second->role != znodes::Role::warm && shard->second->adopted)
            groups[shard->first.group].push_back(shard);
    }
    std::erase_if(outliers_, [&](const auto& watch) { return !groups.contains(watch.first); });
    bool busy = false;
    for (const auto& [name, shards] : groups) busy = look_at_group(name, shards) || busy;
    return busy;
}

bool Worker::look_at_group(const GroupName& name,
                           const std::vector<Shards::const_iterator>& shards) {
    const auto group = view_.groups.find(name);
    if (group == view_.groups.end() || !group->second.live()) return false;
    const config::GroupSpec& spec = *group->second.spec;
    static const follow::GroupEvidence silence;
    const auto said = view_.evidence.find(name);
    const bool listens = spec.outlier.has_value();
    // Many groups, and most of them never asked for this.
    if (!listens && !outliers_.contains(name)) return false;
    const Electorate electorate = listens ? electorate_of(view_, name) : Electorate{};
    const Witnesses witnesses =
        witnesses_of(listens && said != view_.evidence.end() ? said->second : silence,
                     group->second.head->value.uid,
                     electorate,
                     outliers_[name].newest);
    std::erase_if(outliers_[name].notes, [&](const auto& note) {
        return !std::ranges::binary_search(spec.backends, note.first, {}, &config::Backend::id);
    });
    std::vector<checker::CheckId> hasten;
    bool busy = false;
    for (const auto& shard : shards) {
        for (CellSlot& slot : shard->second->cell.slots) {
            if (!slot.active) continue;
            busy = look_at_slot(shard->first,
                                *shard->second,
                                slot,
                                spec,
                                witnesses,
                                electorate.size(),
                                hasten) ||
                   busy;
        }
    }
    counters_.hastened += hasten.size();
    if (!hasten.empty()) runner_.hasten(std::move(hasten));
    return busy;
}

/// Ejects it if that is to be.
void Worker::judge(const ShardId& id,
                   Shard& shard,
                   CellSlot& slot,
                   OutlierNotes& notes,
                   const config::OutlierSpec& outlier,
                   const std::vector<Witness>& witnesses,
                   std::size_t electorate) {
    const WallTime wall = clock_.wall();
    // In doubt of what we see ourselves, or unheard: no time to take anything out.
    const bool may_act = store_.session().state == SessionState::connected && !paused_() &&
                         !doubt_.doubts() && publishes(shard);
    // While one holds, what is said is noted, whatever we may do.
    if (!may_act && !znodes::holds(slot.ejection, outlier.max_ejection_time, wall)) return;
    const auto ejection = eject(notes, slot.ejection, outlier, witnesses, electorate, wall);
    if (!ejection) return;
    slot.ejection = *ejection;
    ++counters_.ejections;
    mark(shard, true);
    log::warn("outlier_ejected",
              {{"group", id.group.str()},
               {"backend", slot.backend.str()},
               {"sign", std::string(znodes::to_string(ejection->sign))},
               {"lbs", std::to_string(ejection->lbs)},
               {"of", std::to_string(ejection->of)},
               {"times", std::to_string(ejection->times)}});
}

/// Whether there is more to be seen of it.
bool Worker::look_at_slot(const ShardId& id,
                          Shard& shard,
                          CellSlot& slot,
                          const config::GroupSpec& spec,
                          const Witnesses& witnesses,
                          std::size_t electorate,
                          std::vector<checker::CheckId>& hasten) {
    auto& all_notes = outliers_[id.group].notes;
    const auto named = witnesses.find(slot.backend);
    auto notes = all_notes.find(slot.backend);
    const bool is_named = named != witnesses.end();
    if (!is_named && notes == all_notes.end() && !slot.ejection) return false;
    const auto backend =
        std::ranges::lower_bound(spec.backends, slot.backend, {}, &config::Backend::id);
    if (backend == spec.backends.end() || backend->id != slot.backend) return false;
    const config::CheckSpec& check = config::check_of(spec, *backend);
    const WallTime wall = clock_.wall();
    if (is_named) {
        if (notes == all_notes.end()) notes = all_notes.emplace(slot.backend, OutlierNotes{}).first;
        // What is DOWN needs no more of it.
        if (slot.state.verdict != checker::Verdict::down &&
            probe_at_once(notes->second, check, passes(slot.state), clock_.now()))
            hasten.push_back(slot.check);
    }
    if (is_named) judge(id, shard, slot, notes->second, *spec.outlier, named->second, electorate);
    if (slot.ejection) {
        const bool ejects = spec.outlier && spec.outlier->action == config::OutlierAction::eject;
        const bool faded =
            !ejects || znodes::times_left(*slot.ejection, spec.outlier->interval, wall) == 0;
        if (faded) {
            slot.ejection = {};
            mark(shard, false);
        }
    } else if (!is_named && notes != all_notes.end() &&
               is_over(notes->second, check, clock_.now())) {
        all_notes.erase(notes);
        return false;
    }
    return true;
}

std::size_t Worker::ejected() const {
    std::size_t count = 0;
    const WallTime now = clock_.wall();
    for (const auto& [id, shard] : shards_) {
        if (!publishes(*shard)) continue;
        count += static_cast<std::size_t>(std::ranges::count_if(
            shard->cell.slots,
            [now](const CellSlot& slot) { return slot.ejection && now < slot.ejection->until; }));
    }
    return count;
}

}  // namespace muster::orchestrator
