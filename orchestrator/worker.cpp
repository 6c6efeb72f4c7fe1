#include "orchestrator/worker.hpp"

#include "common/observe/log.hpp"
#include "orchestrator/shared_checks.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace muster::orchestrator {

using checker::Check;
using checker::Transition;
using coordination::CheckOp;
using coordination::Op;
using coordination::SessionState;
using coordination::Watch;
using znodes::AssignedShard;
using znodes::Role;

namespace {

/// Those of an earlier group of that name stay in the view until the new ones are read; nothing is
/// to be made of them.
bool has_members(const follow::GroupView& group, int shard) {
    const auto found = group.shards.find(shard);
    return group.live() && found != group.shards.end() && found->second.members &&
           found->second.members->value.group_uid == group.head->value.uid;
}

}  // namespace

Worker::Worker(asio::any_io_executor executor,
               coordination::Store& store,
               Clock& clock,
               znodes::Paths paths,
               follow::Mirror& mirror,
               const follow::ClusterView& view,
               checker::CheckRunner& runner,
               WorkerSettings settings,
               Readers readers,
               Paused paused)
    : store_(store),
      clock_(clock),
      paths_(std::move(paths)),
      mirror_(mirror),
      view_(view),
      runner_(runner),
      settings_(std::move(settings)),
      readers_(std::move(readers)),
      paused_(std::move(paused)),
      tasks_(executor),
      dirty_signal_(executor),
      warm_signal_(executor),
      suspicion_signal_(executor),
      evidence_signal_(executor) {}

Worker::~Worker() = default;

void Worker::start() {
    runner_.on_report([this](const checker::CheckReport& report) { on_report(report); });
    session_subscription_ =
        store_.listen_session([this](const coordination::SessionStatus& session) {
            if (session.state == SessionState::connected) dirty_signal_.notify();
        });
    tasks_.spawn("status publisher", publish());
    tasks_.spawn("warm-up", watch_readiness());
    tasks_.spawn("progress", report_progress());
    tasks_.spawn("evidence", watch_evidence());
    if (settings_.peers != nullptr || !settings_.canaries.empty()) {
        tasks_.spawn("suspicions", confirm_suspicions());
        tasks_.spawn("probes", watch_probes());
        tasks_.spawn("doubt", watch_doubt());
        if (!settings_.canaries.empty()) tasks_.spawn("canaries", watch_canaries());
    }
    reconcile();
}

asio::awaitable<void> Worker::stop() {
    session_subscription_ = {};
    runner_.on_report({});
    co_await tasks_.stop();
}

void Worker::on_view(const follow::ViewChange& change) {
    if (change.assignments || change.config || change.layout) reconcile();
    if (change.control) dirty_signal_.notify();
    const bool electorate = change.agents && !view_.evidence.empty();
    if (change.evidence || electorate) evidence_signal_.notify();
}

bool Worker::idle() const {
    const auto own = view_.assignments.find(settings_.node);
    return own == view_.assignments.end() ||
           own->second.value.incarnation != settings_.incarnation ||
           own->second.value.shards.empty();
}

std::size_t Worker::owned() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        shards_, [](const auto& item) { return item.second->role != Role::warm; }));
}

std::optional<checker::CheckId> Worker::find_check(const GroupName& group,
                                                   const BackendId& backend) const {
    for (const auto& [id, shard] : shards_) {
        if (id.group != group) continue;
        for (const CellSlot& slot : shard->cell.slots) {
            if (slot.backend == backend && slot.active) return slot.check;
        }
    }
    return std::nullopt;
}

void Worker::reconcile() {
    const auto own = view_.assignments.find(settings_.node);
    // Nothing readable is no order: go on with what we have; if it is ours no more, our writes are
    // refused.
    if (own == view_.assignments.end() || own->second.garbage) return;
    token_ = own->second.version;
    std::map<ShardId, AssignedShard> wanted;
    if (own->second.value.incarnation == settings_.incarnation) {
        for (const AssignedShard& assigned : own->second.value.shards)
            wanted.emplace(assigned.shard, assigned);
    }

    for (auto it = shards_.begin(); it != shards_.end();) {
        const auto next = std::next(it);
        if (!wanted.contains(it->first)) {
            drop(it->first, *it->second);
            shards_.erase(it);
        }
        it = next;
    }
    for (const auto& [id, assigned] : wanted) {
        const auto known = shards_.find(id);
        if (known == shards_.end()) {
            auto shard = std::make_shared<Shard>();
            shard->role = assigned.role;
            shard->move = assigned.move;
            shard->since = clock_.now();
            shards_.emplace(id, shard);
            tasks_.spawn("adopt " + id.str(), adopt_shard(id, shard));
            continue;
        }
        const std::shared_ptr<Shard>& shard = known->second;
        if (shard->role != assigned.role || shard->move != assigned.move) {
            const Role before = std::exchange(shard->role, assigned.role);
            shard->move = assigned.move;
            shard->since = clock_.now();
            if (before == Role::warm && assigned.role != Role::warm) {
                shard->needs_merge = true;
                if (shard->adopted) tasks_.spawn("merge " + id.str(), merge_shard(id, shard));
            }
            if (assigned.role == Role::warm) shard->ready = false;
            shard->handoff_written = false;
        }
        if (shard->adopted) rebuild(id, *shard, false);
        if (assigned.role == Role::drain && shard->adopted && !shard->handoff_written) {
            shard->handoff_written = true;
            tasks_.spawn("handoff " + id.str(), write_handoff(id, shard));
        }
    }
    warm_signal_.notify();
    dirty_signal_.notify();
    evidence_signal_.notify();
}

void Worker::drop(const ShardId& id, Shard& shard) {
    std::vector<checker::CheckId> ids;
    for (const auto& [slot, check] : shard.running) {
        const auto known = by_check_.find(static_cast<std::uint64_t>(check.id));
        if (known == by_check_.end() || *known->second.first != id) continue;
        by_check_.erase(known);
        ids.push_back(check.id);
    }
    if (!ids.empty()) runner_.remove(std::move(ids));
}

void Worker::rebuild(const ShardId& id, Shard& shard, bool catch_up) {
    const auto group = view_.groups.find(id.group);
    if (group == view_.groups.end() || !has_members(group->second, id.number)) return;
    const auto members = group->second.shards.find(id.number);
    const config::GroupSpec& spec = *group->second.spec;
    const Shard::Origin origin{.spec = group->second.spec,
                               .members_created = members->second.members->created_zxid,
                               .members_version = members->second.members->version,
                               .role = shard.role};
    // It was another group that changed: nothing to do for what may be most of the checks.
    if (!catch_up && shard.origin == origin) return;
    const bool moved_on = members->second.members->value.layout != shard.cell.layout ||
                          members->second.members->value.group_uid != shard.cell.group_uid;
    if (moved_on && shard.cell.layout != 0 && !catch_up) {
        // Another layout: its slots mean something else. Its status was rewritten with it.
        shard.adopted = false;
        tasks_.spawn("adopt " + id.str(), adopt_shard(id, shards_.at(id)));
        return;
    }
    shard.origin = origin;
    StatusCell next = make_cell(members->second.members->value, spec, &shard.cell);
    if (next.slots.size() != shard.cell.slots.size()) mark(shard, true);
    shard.cell = std::move(next);
    // A warm one has no say yet: what the owner knows comes with the merge.
    if (shard.role != Role::warm) begin_unknown(shard.cell, spec, clock_.wall());

    SharedChecks shared;
    Changes changes;
    for (std::size_t i = 0; i < shard.cell.slots.size(); ++i) {
        const CellSlot& slot = shard.cell.slots[i];
        const int number = static_cast<int>(i);
        if (!slot.active) {
            end(shard, number, changes);
            end(shard, agent_of(number), changes);
            continue;
        }
        const auto backend =
            std::ranges::lower_bound(spec.backends, slot.backend, {}, &config::Backend::id);
        const auto known = shard.running.find(number);
        const SharedChecks::Parts& parts =
            shared.of(config::check_of(spec, *backend),
                      known == shard.running.end() ? nullptr : &known->second);
        run(id,
            shard,
            number,
            {.id = slot.check,
             .request = std::make_shared<const checker::ProbeRequest>(
                 checker::ProbeRequest{.host = backend->address,
                                       .port = parts.spec->port.value_or(backend->port),
                                       .probe = parts.probe,
                                       .timeout = parts.spec->timeout,
                                       .timeouts = parts.timeouts,
                                       .intent = parts.spec->intent}),
             .spec = parts.spec,
             .start = slot.state,
             .catch_up = catch_up && slot.state.verdict != checker::Verdict::unknown},
            changes);
        if (auto agent = agent_check(*parts.spec, *backend, slot.check)) {
            run(id, shard, agent_of(number), std::move(*agent), changes);
        } else {
            end(shard, agent_of(number), changes);
        }
    }
    if (!changes.remove.empty()) runner_.remove(std::move(changes.remove));
    if (!changes.put.empty()) runner_.put(std::move(changes.put));
}

void Worker::run(const ShardId& id, Shard& shard, int key, Check check, Changes& changes) {
    const auto known = shard.running.find(key);
    const bool same = known != shard.running.end() && known->second.id == check.id &&
                      (known->second.spec == check.spec || *known->second.spec == *check.spec) &&
                      *known->second.request == *check.request;
    if (same) return;
    by_check_[static_cast<std::uint64_t>(check.id)] = {&shards_.find(id)->first, key};
    shard.running[key] = {.id = check.id, .request = check.request, .spec = check.spec};
    changes.put.push_back(std::move(check));
}

void Worker::end(Shard& shard, int key, Changes& changes) {
    const auto known = shard.running.find(key);
    if (known == shard.running.end()) return;
    changes.remove.push_back(known->second.id);
    by_check_.erase(static_cast<std::uint64_t>(known->second.id));
    shard.running.erase(known);
    shard.confirmations.erase(key);
    mark(shard, true);
}

bool Worker::is_current(const ShardId& id, const std::shared_ptr<Shard>& shard) const {
    const auto known = shards_.find(id);
    return known != shards_.end() && known->second == shard;
}

asio::awaitable<void> Worker::adopt_shard(ShardId id, std::shared_ptr<Shard> shard) {
    // Read it directly: the mirror may not have re-read yet what the old owner wrote last, while a
    // read that follows our new assignment on the same session is at least as new as that.
    for (;;) {
        if (!is_current(id, shard)) co_return;
        const Result<coordination::Node> status =
            co_await store_.get(paths_.status(id), Watch::none);
        if (!is_current(id, shard)) co_return;
        const auto group = view_.groups.find(id.group);
        const bool known = group != view_.groups.end() && has_members(group->second, id.number);
        if (status && known) {
            const auto& members = group->second.shards.at(id.number).members->value;
            Result<znodes::ShardStatus> published =
                znodes::decode<znodes::ShardStatus>(status->data, settings_.cluster);
            drop(id, *shard);  // another layout's slots, if any
            shard->running.clear();
            shard->origin.reset();
            shard->suspects.clear();
            shard->confirmations.clear();
            shard->cell = make_cell(members, *group->second.spec, nullptr);
            shard->status_version = status->stat.version;
            if (published) adopt(shard->cell, *published);
            shard->adopted = true;
            rebuild(id, *shard, shard->role != Role::warm);
            if (shard->role != Role::warm) mark(*shard, true);
            if (shard->needs_merge) co_await merge_shard(id, shard);
            reconcile();
            co_return;
        }
        co_await clock_.sleep_for(settings_.retry);
    }
}

asio::awaitable<void> Worker::merge_shard(ShardId id, std::shared_ptr<Shard> shard) {
    while (is_current(id, shard)) {
        const Result<coordination::Node> status =
            co_await store_.get(paths_.status(id), Watch::none);
        const Result<coordination::Node> handoff =
            co_await store_.get(paths_.handoff(id), Watch::none);
        if (!is_current(id, shard)) co_return;
        if (!status) {
            co_await clock_.sleep_for(settings_.retry);
            continue;
        }
        shard->status_version = status->stat.version;
        const auto published = znodes::decode<znodes::ShardStatus>(status->data, settings_.cluster);
        std::optional<znodes::Handoff> counters;
        if (handoff) {
            if (auto decoded = znodes::decode<znodes::Handoff>(handoff->data, settings_.cluster)) {
                counters = std::move(*decoded);
            }
        }
        if (published) {
            const StatusCell before = shard->cell;
            merge(shard->cell, *published, counters);
            std::vector<Check> changed;
            for (const auto& [slot, check] : shard->running) {
                const auto i = static_cast<std::size_t>(slot);  // an agent's is beyond all
                if (i >= before.slots.size() || before.slots[i].state == shard->cell.slots[i].state)
                    continue;
                changed.push_back(check.in(shard->cell.slots[i].state));
            }
            if (!changed.empty()) runner_.put(std::move(changed));
        }
        shard->needs_merge = false;
        mark(*shard, true);
        co_return;
    }
}

asio::awaitable<void> Worker::write_handoff(ShardId id, std::shared_ptr<Shard> shard) {
    const std::string path = paths_.handoff(id);
    const std::int64_t move = shard->move;
    const Result<std::optional<coordination::Stat>> there =
        co_await store_.exists(path, Watch::none);
    // Another assignment may have come meanwhile: its guard would let this pass.
    if (!is_current(id, shard) || shard->role != Role::drain || shard->move != move) co_return;
    const znodes::Handoff handoff = to_handoff(shard->cell, stamp(), move);
    std::vector<Op> ops{guard()};
    if (there && there->has_value()) {
        ops.emplace_back(coordination::SetOp{.path = path, .data = znodes::encode(handoff)});
    } else {
        ops.emplace_back(coordination::CreateOp{.path = path, .data = znodes::encode(handoff)});
    }
    const coordination::MultiOutcome outcome = co_await store_.multi(std::move(ops));
    // The heir does without it: it has the status, and its own results.
    if (!outcome.ok())
        log::debug("handoff_not_written",
                   {{"shard", id.str()}, {"error", outcome.error.message()}});
}

void Worker::on_report(const checker::CheckReport& report) {
    const auto place = by_check_.find(static_cast<std::uint64_t>(report.id));
    if (place == by_check_.end()) return;
    const ShardId& id = *place->second.first;
    const int key = place->second.second;
    const bool is_agent = key < 0;
    const auto slot = static_cast<std::size_t>(is_agent ? agent_of(key) : key);
    const auto shard = shards_.find(id);
    if (shard == shards_.end() || slot >= shard->second->cell.slots.size()) return;
    CellSlot& cell = shard->second->cell.slots[slot];
    if (report.outcome.intent) {
        const RunningCheck& check = shard->second->running.at(key);
        const WallTime now = clock_.wall();
        const znodes::Intent before = znodes::in_force(cell.intents, now);
        take_words(cell,
                   *report.outcome.intent,
                   is_agent ? WordsOf::agent : WordsOf::reply,
                   check.spec->intent ? check.spec->intent->ttl : config::IntentSource{}.ttl,
                   now);
        mark(*shard->second, znodes::in_force(cell.intents, now) != before);
    }
    // Whether the agent itself can be reached says nothing about the backend.
    if (is_agent) return;
    if (report.transition == Transition::unchanged) return;
    const bool changed = report.transition == Transition::changed;
    const int number = static_cast<int>(slot);
    if (changed && report.state.verdict == checker::Verdict::down &&
        suspect(id, *shard->second, number, report.state))
        return;
    shard->second->suspects.erase(report.id);
    checker::HealthState state = report.state;
    if (!changed && state.verdict == checker::Verdict::down &&
        cell.state.verdict != checker::Verdict::down) {
        // A success before peers have said a word: its failures are no longer in a row.
        state = cell.state;
        state.failures = 0;
        return_to(shard->second->running.at(key), state);
        return;
    }
    // A fall that was never published is none.
    if (state.verdict == cell.state.verdict) state.since = cell.state.since;
    if (changed) {
        publish_state(id, *shard->second, cell, state, report.outcome.reason);
    } else {
        cell.state = state;
        mark(*shard->second, false);
    }
}

void Worker::mark(Shard& shard, bool urgent) {
    ++shard.changes;
    if (!shard.dirty) {
        shard.dirty = true;
        shard.dirty_since = clock_.now();
    }
    shard.urgent = shard.urgent || urgent;
    if (publishes(shard)) dirty_signal_.notify();
}

bool Worker::publishes(const Shard& shard) const {
    return shard.role != Role::warm && shard.adopted && !shard.needs_merge &&
           shard.status_version >= 0;
}

znodes::Stamp Worker::stamp() {
    return {.cluster = settings_.cluster,
            .token = token_,
            .writer = settings_.node.str(),
            .sequence = ++sequence_};
}

Op Worker::guard() const {
    return CheckOp{.path = paths_.assignment(settings_.node), .version = token_};
}

std::chrono::nanoseconds Worker::window(std::size_t dirty) const {
    const auto budgeted = std::chrono::nanoseconds(std::chrono::seconds(1)) *
                          static_cast<std::int64_t>(dirty * std::max<std::size_t>(readers_(), 1)) /
                          settings_.reads_per_second;
    return std::max(settings_.min_window, std::chrono::nanoseconds(budgeted));
}

}  // namespace muster::orchestrator
