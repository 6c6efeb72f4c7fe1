// The writing half of Worker: status, answers to planned moves, progress. All under the
// assignment's guard.
#include "common/observe/log.hpp"
#include "orchestrator/worker.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace muster::orchestrator {

using coordination::MultiOutcome;
using coordination::Op;
using coordination::SessionState;
using coordination::SetOp;
using coordination::Watch;
using znodes::Role;

namespace {

constexpr std::size_t max_shards_in_multi = 64;
constexpr std::size_t max_bytes_in_multi = 200UZ << 10U;

}  // namespace

void Worker::publish_state(const ShardId& id,
                           Shard& shard,
                           CellSlot& cell,
                           const checker::HealthState& state,
                           checker::Reason reason) {
    if (cell.state.verdict != state.verdict) {
        log::info("health_changed",
                  {{"group", id.group.str()},
                   {"backend", cell.backend.str()},
                   {"from", std::string(checker::to_string(cell.state.verdict))},
                   {"to", std::string(checker::to_string(state.verdict))},
                   {"reason", std::string(checker::to_string(reason))}});
    }
    if (state.verdict == checker::Verdict::down) {
        shard.fell[cell.check] = clock_.now();
    } else {
        shard.fell.erase(cell.check);
    }
    cell.state = state;
    mark(shard, true);
}

asio::awaitable<void> Worker::publish() {
    for (;;) {
        co_await dirty_signal_.wait();
        for (;;) {
            if (store_.session().state != SessionState::connected || paused_()) break;
            const SteadyTime now = clock_.now();
            std::vector<ShardId> due;
            std::optional<SteadyTime> later;
            for (const auto& [id, shard] : shards_) {
                if (!shard->dirty || !publishes(*shard)) continue;
                const SteadyTime when =
                    shard->urgent ? now : shard->dirty_since + settings_.pending_window;
                if (when <= now) {
                    due.push_back(id);
                } else if (!later || when < *later) {
                    later = when;
                }
            }
            if (due.empty()) {
                if (!later) break;
                // Short, so that an urgent change is not kept waiting behind a pending one.
                co_await clock_.sleep_until(std::min(*later, now + settings_.min_window));
                continue;
            }
            const std::size_t dirty = due.size();
            for (std::size_t from = 0; from < due.size(); from += max_shards_in_multi) {
                const std::size_t to = std::min(from + max_shards_in_multi, due.size());
                co_await publish_batch({due.begin() + static_cast<std::ptrdiff_t>(from),
                                        due.begin() + static_cast<std::ptrdiff_t>(to)});
            }
            // From the last answer on: however long these took, no shard is written twice within
            // it.
            co_await clock_.sleep_for(window(dirty));
        }
    }
}

asio::awaitable<void> Worker::publish_batch(std::vector<ShardId> ids) {
    struct Part {
        ShardId id;
        std::shared_ptr<Shard> shard;
        std::uint64_t changes = 0;
    };
    std::vector<Part> parts;
    std::vector<Op> ops{guard()};
    std::size_t bytes = 0;
    for (const ShardId& id : ids) {
        const auto known = shards_.find(id);
        if (known == shards_.end() || !publishes(*known->second)) continue;
        Shard& shard = *known->second;
        znodes::Stamp own = stamp();
        shard.attempt = static_cast<std::uint64_t>(own.sequence);
        std::string data =
            znodes::encode(to_status(shard.cell, std::move(own), clock_.wall(), doubt_.doubts()));
        if (!parts.empty() && bytes + data.size() > max_bytes_in_multi)
            break;  // the rest stays dirty
        bytes += data.size() + 128;
        ops.emplace_back(SetOp{
            .path = paths_.status(id), .data = std::move(data), .version = shard.status_version});
        parts.push_back({.id = id, .shard = known->second, .changes = shard.changes});
    }
    if (parts.empty()) co_return;

    const MultiOutcome outcome = co_await store_.multi(std::move(ops));
    ++counters_.status_transactions;
    if (outcome.ok()) {
        for (std::size_t i = 0; i < parts.size(); ++i) {
            Shard& shard = *parts[i].shard;
            shard.status_version = outcome.ops[i + 1].stat.version;
            ++counters_.status_writes;
            if (shard.changes == parts[i].changes) shard.dirty = shard.urgent = false;
        }
        co_return;
    }
    if (outcome.fenced_off()) {
        // Somebody gave us another assignment. The mirror brings it; what we still own by then is
        // written then.
        ++counters_.fenced_off;
        const std::vector<std::string> own{paths_.assignment(settings_.node)};
        mirror_.refresh(own);
        co_await clock_.sleep_for(settings_.min_window);
        co_return;
    }
    if (outcome.unknown()) {
        ++counters_.unknown_outcomes;
    } else {
        ++counters_.conflicts;
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const bool refused =
            outcome.op_errors.size() > i + 1 && outcome.op_errors[i + 1] &&
            outcome.op_errors[i + 1] != make_error_code(coordination::Errc::rolled_back);
        if (refused || outcome.unknown()) co_await reread_status(parts[i].id, parts[i].shard);
    }
    if (outcome.op_errors.empty() && !outcome.unknown()) co_await clock_.sleep_for(settings_.retry);
}

asio::awaitable<void> Worker::reread_status(ShardId id, std::shared_ptr<Shard> shard) {
    const Result<coordination::Node> node = co_await store_.get(paths_.status(id), Watch::none);
    if (!node) {
        // Gone: the master makes it again, or the shard is on its way out. Not connected: the next
        // round.
        co_await clock_.sleep_for(settings_.retry);
        co_return;
    }
    shard->status_version = node->stat.version;
    const auto found = znodes::decode<znodes::ShardStatus>(node->data, settings_.cluster);
    if (found && found->stamp.writer == settings_.node.str() &&
        found->stamp.sequence == static_cast<std::int64_t>(shard->attempt)) {
        co_return;  // ours did arrive; it stays dirty and is written once more, which changes
                    // nothing
    }
    if (found && is_current(id, shard) && found->layout > shard->cell.layout) {
        shard->adopted = false;
        tasks_.spawn("adopt " + id.str(), adopt_shard(id, shard));
    }
}

asio::awaitable<void> Worker::watch_readiness() {
    for (;;) {
        co_await warm_signal_.wait();
        for (;;) {
            bool waiting = false;
            bool news = false;
            std::vector<std::pair<ShardId, std::shared_ptr<Shard>>> warm;
            for (const auto& [id, shard] : shards_) {
                if (shard->role == Role::warm && !shard->ready) warm.emplace_back(id, shard);
            }
            for (const auto& [id, shard] : warm) {
                if (!shard->adopted) {
                    waiting = true;
                    continue;
                }
                std::vector<checker::CheckId> checks;
                std::chrono::nanoseconds patience = std::chrono::seconds(1);
                for (const auto& [slot, check] : shard->running) {
                    checks.push_back(check.id);
                    patience = std::max(patience, 2 * check.spec->interval + check.spec->timeout);
                }
                const auto passes = co_await runner_.passes(std::move(checks));
                const bool probed =
                    std::ranges::all_of(passes, [](const auto& pass) { return pass.results > 0; });
                if (probed || clock_.now() >= shard->since + patience) {
                    shard->ready = true;
                    news = true;
                } else {
                    waiting = true;
                }
            }
            if (news) {
                while (!co_await write_ack()) co_await clock_.sleep_for(settings_.retry);
            }
            if (!waiting) break;
            co_await clock_.sleep_for(settings_.retry);
        }
    }
}

asio::awaitable<bool> Worker::write_ack() {
    znodes::Ack ack{.stamp = stamp()};
    for (const auto& [id, shard] : shards_) {
        if (shard->role == Role::warm && shard->ready) {
            ack.answers.push_back(
                {.shard = id, .move = shard->move, .answer = znodes::Answer::ready});
        }
    }
    if (ack.answers.empty()) co_return true;
    std::vector<Op> ops{guard(),
                        SetOp{.path = paths_.ack(settings_.node), .data = znodes::encode(ack)}};
    const MultiOutcome outcome = co_await store_.multi(std::move(ops));
    co_return outcome.ok();
}

asio::awaitable<void> Worker::report_progress() {
    for (;;) {
        co_await clock_.sleep_for(settings_.progress_period);
        if (store_.session().state != SessionState::connected) continue;
        znodes::Progress progress{.stamp = stamp(), .time = clock_.wall()};
        const Shards shards = shards_;
        for (const auto& [id, shard] : shards) {
            if (shard->role == Role::warm || !shard->adopted) continue;
            std::vector<checker::CheckId> checks;
            for (const auto& [slot, check] : shard->running) checks.push_back(check.id);
            const auto passes = co_await runner_.passes(std::move(checks));
            std::chrono::nanoseconds oldest{0};
            bool complete = true;
            for (const auto& pass : passes) {
                if (pass.last_start_age) {
                    oldest = std::max(oldest, *pass.last_start_age);
                } else {
                    complete = false;
                }
            }
            // A check that has not had its first turn yet is as old as the assignment.
            if (!complete) oldest = std::max(oldest, clock_.now() - shard->since);
            progress.pass_age[id] = std::chrono::ceil<std::chrono::milliseconds>(oldest);
        }
        if (progress.pass_age.empty() && idle()) continue;
        std::vector<Op> ops{
            guard(),
            SetOp{.path = paths_.progress(settings_.node), .data = znodes::encode(progress)}};
        const MultiOutcome outcome = co_await store_.multi(std::move(ops));
        if (outcome.fenced_off()) ++counters_.fenced_off;
    }
}

}  // namespace muster::orchestrator
