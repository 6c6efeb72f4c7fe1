// Of the worker role: suspicion, what peers say of it, and doubt in its own eyes.
#include "common/observe/log.hpp"
#include "orchestrator/peer_messages.hpp"
#include "orchestrator/worker.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace muster::orchestrator {

using checker::Verdict;
using coordination::SessionState;

namespace {

constexpr std::chrono::milliseconds batching{20};
constexpr std::chrono::milliseconds ask_again{200};
constexpr std::chrono::milliseconds look_period{250};
constexpr std::chrono::seconds canary_period{1};
constexpr std::chrono::seconds sums_period{1};
constexpr std::chrono::seconds a_moment{10};
constexpr std::chrono::seconds refuted_for{60};  ///< unless it is refuted again, or succeeds
/// Beyond the probe's own time: connecting to the peer, its queue, the way back.
constexpr std::chrono::milliseconds way_there_and_back{300};

bool serves(Verdict verdict) {
    return verdict != Verdict::down;
}

}  // namespace

/// Whether this fall is to be confirmed before it is published. Takes note of it then.
bool Worker::suspect(const ShardId& id, Shard& shard, int slot, const checker::HealthState& found) {
    const bool alone = settings_.peers == nullptr && settings_.canaries.empty();
    if (shard.role == znodes::Role::warm || alone) return false;
    CellSlot& cell = shard.cell.slots[static_cast<std::size_t>(slot)];
    if (!serves(cell.state.verdict)) return false;
    const auto group = view_.groups.find(id.group);
    if (group == view_.groups.end() || !group->second.spec) return false;
    const auto running = shard.running.find(slot);
    if (running == shard.running.end()) return false;
    const int need =
        votes_needed(running->second.spec->confirm, view_.members.size(), doubt_.doubts());
    // What happens while nothing can be published is looked at again when it can.
    const bool connected = store_.session().state == SessionState::connected;
    if (need == 0 && settings_.canaries.empty() && connected) return false;
    shard.suspects[cell.check] = found;
    suspicion_signal_.notify();
    return true;
}

asio::awaitable<void> Worker::confirm_suspicions() {
    for (;;) {
        co_await suspicion_signal_.wait();
        // What fails together is asked about together.
        co_await clock_.sleep_for(batching);
        co_await ask_canaries();
        look_around();
        for (const auto& [id, shard] : shards_) {
            if (shard->suspects.empty() || shard->confirming) continue;
            shard->confirming = true;
            tasks_.spawn("confirm " + id.str(), confirm_shard(id, shard));
        }
    }
}

asio::awaitable<void> Worker::confirm_shard(ShardId id, std::shared_ptr<Shard> shard) {
    std::optional<SteadyTime> began;
    while (is_current(id, shard) && !shard->suspects.empty()) {
        // Nobody could tell us anything now, nor could we tell anybody: what we see in this time,
        // which is a bad one for others, too, is looked at again when it is over.
        if (store_.session().state != SessionState::connected) {
            began.reset();
            co_await clock_.sleep_for(ask_again);
            continue;
        }
        if (!began) began = clock_.now();
        std::erase_if(shard->suspects, [&](const auto& one) { return !slot_of(id, one.first); });
        std::map<int, checker::CheckId> suspects;
        for (const auto& [check, state] : shard->suspects) suspects[*slot_of(id, check)] = check;
        std::vector<int> slots;
        for (const auto& [slot, check] : suspects) slots.push_back(slot);
        const auto seed = static_cast<std::uint64_t>(++sequence_of_questions_);
        const std::vector<int> asked = sample_of(slots, seed);
        Votes votes;
        const bool patient = clock_.now() < *began + patience_with_voters;
        const std::map<int, Ruling> rulings =
            co_await ask_peers(id, shard, asked, seed, patient, votes);
        if (!is_current(id, shard)) co_return;
        if (store_.session().state != SessionState::connected) continue;
        std::size_t down = 0;
        for (const auto& [slot, ruling] : rulings) down += ruling == Ruling::down ? 1 : 0;
        const bool all_told = rulings.size() == asked.size();
        for (const auto& [slot, check] : suspects) {
            const auto told = rulings.find(slot);
            if (told != rulings.end()) {
                settle(id, *shard, check, told->second == Ruling::down, std::move(votes[slot]));
            } else if (all_told) {
                settle(id, *shard, check, others_follow(down, rulings.size()), {});
            }
        }
        if (!all_told) co_await clock_.sleep_for(ask_again);
    }
    shard->confirming = false;
}

asio::awaitable<std::map<int, Ruling>> Worker::ask_peers(ShardId id,
                                                         std::shared_ptr<Shard> shard,
                                                         std::vector<int> slots,
                                                         std::uint64_t seed,
                                                         bool patient,
                                                         Votes& votes) {
    std::map<int, Ruling> rulings;
    std::map<int, int> needs;
    std::chrono::nanoseconds patience{0};
    const std::size_t members = view_.members.size();
    for (const int slot : slots) {
        const auto running = shard->running.find(slot);
        if (running == shard->running.end()) continue;
        needs[slot] = votes_needed(running->second.spec->confirm, members, doubt_.doubts());
        patience = std::max<std::chrono::nanoseconds>(patience, running->second.spec->timeout);
        votes[slot];
    }
    const auto group = view_.groups.find(id.group);
    if (group == view_.groups.end() || !group->second.live()) co_return rulings;
    std::vector<NodeId> voters;
    if (settings_.peers != nullptr)
        voters = choose_voters(view_, settings_.node, config::needs_of(*group->second.spec), seed);
    VoteRequest request{.cluster = settings_.cluster,
                        .asks = settings_.node,
                        .shard = id,
                        .group_uid = shard->cell.group_uid,
                        .layout = shard->cell.layout,
                        .generation = group->second.spec_generation};
    for (std::size_t next = 0;; ++next) {
        const bool more = next < voters.size() && next < most_voters;
        request.slots.clear();
        for (const auto& [slot, heard] : votes) {
            const bool wait = patient && !voters.empty();
            const Ruling ruling = rule_on(heard, needs.at(slot), more, doubt_.doubts(), wait);
            if (ruling == Ruling::ask) {
                request.slots.push_back(slot);
            } else {
                rulings[slot] = ruling;
            }
        }
        if (request.slots.empty() || !more) break;
        const auto member = view_.members.find(voters[next]);
        if (member == view_.members.end()) continue;
        ++counters_.questions;
        const Result<std::string> answer = co_await settings_.peers->ask(
            member->second.value.peer_address, encode(request), patience + way_there_and_back);
        if (!is_current(id, shard)) co_return rulings;
        const auto reply = answer ? decode_vote_reply(*answer, request.slots.size()) : std::nullopt;
        if (!reply) {
            log::debug("peer_did_not_vote",
                       {{"peer", voters[next].str()},
                        {"error", answer ? "not a vote" : answer.error().message()}});
            continue;
        }
        for (std::size_t i = 0; i < request.slots.size(); ++i)
            votes[request.slots[i]].push_back({.node = voters[next], .vote = reply->votes[i]});
    }
    co_return rulings;
}

std::optional<int> Worker::slot_of(const ShardId& id, checker::CheckId check) const {
    const auto place = by_check_.find(static_cast<std::uint64_t>(check));
    if (place == by_check_.end() || *place->second.first != id) return std::nullopt;
    return place->second.second;
}

void Worker::settle(const ShardId& id,
                    Shard& shard,
                    checker::CheckId check,
                    bool is_down,
                    std::vector<PeerVote> votes) {
    const auto suspect = shard.suspects.find(check);
    if (suspect == shard.suspects.end()) return;
    const checker::HealthState found = suspect->second;
    shard.suspects.erase(suspect);
    const int slot = slot_of(id, check).value_or(-1);
    if (slot < 0 || static_cast<std::size_t>(slot) >= shard.cell.slots.size()) return;
    CellSlot& cell = shard.cell.slots[static_cast<std::size_t>(slot)];
    const auto running = shard.running.find(slot);
    if (running == shard.running.end() || !serves(cell.state.verdict)) return;
    shard.confirmations[slot] = {.time = clock_.wall(), .down = is_down, .votes = std::move(votes)};
    if (is_down) {
        ++counters_.confirmed;
        publish_state(id, shard, cell, found, found.reason);
        return;
    }
    // It serves others: the next failure is suspicious again.
    ++counters_.refused;
    log::info("suspicion_refused",
              {{"group", id.group.str()},
               {"backend", cell.backend.str()},
               {"reason", std::string(checker::to_string(found.reason))}});
    checker::HealthState back = cell.state;
    back.successes = 0;
    back.failures = std::max(0, running->second.spec->fall - 1);
    back.reason = found.reason;
    return_to(running->second, back);
}

std::optional<Confirmation> Worker::confirmation(const GroupName& group,
                                                 const BackendId& backend) const {
    for (const auto& [id, shard] : shards_) {
        if (id.group != group) continue;
        for (const auto& [slot, confirmation] : shard->confirmations) {
            const auto index = static_cast<std::size_t>(slot);
            if (index < shard->cell.slots.size() && shard->cell.slots[index].backend == backend)
                return confirmation;
        }
    }
    return std::nullopt;
}

/// Its prober has found another state than the one that holds.
void Worker::return_to(const RunningCheck& check, const checker::HealthState& state) {
    runner_.put({check.in(state)});
}

asio::awaitable<void> Worker::watch_canaries() {
    for (;;) {
        co_await ask_canaries();
        co_await clock_.sleep_for(canary_period);
    }
}

asio::awaitable<void> Worker::ask_canaries() {
    if (settings_.canaries.empty()) co_return;
    auto canaries = settings_.canaries;
    const std::vector<checker::ProbeOutcome> outcomes =
        co_await runner_.probe_once(std::move(canaries));
    const auto good =
        std::ranges::count(outcomes, checker::Result::success, &checker::ProbeOutcome::result);
    const bool was_blind = doubt_.blind();
    doubt_.note_canaries(outcomes.size(), outcomes.size() - static_cast<std::size_t>(good));
    if (doubt_.blind() != was_blind) runner_.distrust(!was_blind);
}

asio::awaitable<void> Worker::watch_probes() {
    for (;;) {
        co_await clock_.sleep_for(sums_period);
        const checker::EngineCounters sums = co_await runner_.counters();
        doubt_.note_probes({.finished = sums.succeeded + sums.failed + sums.inconclusive,
                            .shortages = sums.shortages},
                           clock_.now());
    }
}

asio::awaitable<void> Worker::watch_doubt() {
    for (;;) {
        co_await clock_.sleep_for(look_period);
        look_around();
    }
}

/// How much of what served a moment ago fails: the eyes, or the world?
void Worker::look_around() {
    const SteadyTime now = clock_.now();
    std::map<GroupName, GroupSight> groups;
    for (const auto& [id, shard] : shards_) {
        if (shard->role == znodes::Role::warm || !shard->adopted) continue;
        GroupSight& sight = groups[id.group];
        std::erase_if(shard->fell, [now](const auto& one) { return now - one.second >= a_moment; });
        for (std::size_t i = 0; i < shard->cell.slots.size(); ++i) {
            const CellSlot& slot = shard->cell.slots[i];
            if (!slot.active) continue;
            ++sight.watched;
            if (slot.state.verdict == Verdict::unknown) continue;
            const bool fell = shard->fell.contains(slot.check);
            const bool fails = slot.state.failures > 0 || shard->suspects.contains(slot.check);
            sight.serving += fell || serves(slot.state.verdict) ? 1 : 0;
            sight.failing += fell || (fails && serves(slot.state.verdict)) ? 1 : 0;
            const auto told = shard->confirmations.find(static_cast<int>(i));
            sight.refuted += fails && told != shard->confirmations.end() && !told->second.down &&
                                     clock_.wall() - told->second.time < refuted_for
                                 ? 1
                                 : 0;
        }
    }
    std::vector<GroupSight> sights;
    for (const auto& [name, sight] : groups) sights.push_back(sight);
    const bool doubts = doubt_.look(sights, now);
    if (std::exchange(was_in_doubt_, doubts) == doubts) return;
    if (doubts) {
        log::warn("doubt", {{"why", std::string(doubt_.why())}});
    } else {
        log::info("doubt_over");
    }
    if (settings_.on_doubt) settings_.on_doubt(doubts);
    for (const auto& [id, shard] : shards_) mark(*shard, true);
}

}  // namespace muster::orchestrator
