#include "tests/scaler/lifecycle/world.hpp"

#include "scaler/decide.hpp"
#include "scaler/lifecycle_draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::scaler::testing {
namespace {

using coordination::CreateOp;
using coordination::Op;
using coordination::SetOp;
using znodes::FleetPause;
using znodes::FleetState;
using znodes::InstancePhase;

constexpr seconds boot{4};             ///< from made to healthy
constexpr seconds dns_caches{5};       ///< until nobody has an address any more
constexpr seconds connections_end{8};  ///< after that it was withdrawn
constexpr seconds longest_unfit{20};
constexpr seconds period{5};
constexpr seconds budget_window{20};
const char* const uid = "u1";

std::string_view name_of(CallKind kind) {
    switch (kind) {
        case CallKind::create:
            return "create";
        case CallKind::get:
            return "get";
        case CallKind::remove:
            return "remove";
        case CallKind::can_remove:
            return "can_remove";
    }
    return "";
}

template <class T>
T read(const std::string& bytes) {
    return znodes::decode<T>(bytes, "c").value();
}

}  // namespace

LifecycleSettings quick_settings() {
    return {.fleet = fleet,
            .uid = uid,
            .spec_generation = 1,
            .provider = "fake",
            .create_timeout = seconds(30),
            .drain_timeout = seconds(20),
            .grace = seconds(1),
            .warm_up = seconds(6),
            .creates_at_once = 2,
            .retry = seconds(2),
            .list_every = seconds(10)};
}

std::string Action::str() const {
    switch (kind) {
        case ActionKind::write:
            return fmt::format("write {}", fmt::join(write.did, "; "));
        case ActionKind::call:
            return fmt::format("{} {}", name_of(call.kind), call.order.id.str());
        case ActionKind::list:
            return "list";
        case ActionKind::dns:
            return fmt::format("publish {}", publish.size());
    }
    return "";
}

World::World(LifecycleSettings wanted, std::vector<Turn> story)
    : settings(std::move(wanted)), now(at_second(0)), story_(std::move(story)) {
    policy.max = 20;
    policy.out = {.budgets = {{.count = 10, .window = seconds(1)}}};
    policy.in = {.budgets = {{.count = 2, .window = budget_window}}};
    policy.metrics = {{.name = "script", .rule = FixedPolicy{}}};
    std::vector<Op> ops;
    for (const std::string& path : {std::string("/muster"),
                                    paths.root(),
                                    paths.epoch(),
                                    paths.control(),
                                    paths.config(),
                                    paths.heads(znodes::ConfigKind::fleet),
                                    paths.head(fleet),
                                    paths.fleets()})
        ops.emplace_back(CreateOp{.path = path});
    if (!tree.apply(0, ops).applied()) violate("no tree");
    happen();
}

void World::tell(std::vector<Turn> story) {
    story_ = std::move(story);
    turn_ = 0;
}

void World::decode_all() const {
    if (decoded_ == tree.zxid()) return;
    decoded_ = tree.zxid();
    records_.clear();
    state_.reset();
    if (const auto* const parent = tree.find(paths.instances(fleet)))
        for (const std::string& name : parent->children)
            records_[InstanceId(name)] = read<znodes::FleetInstanceRecord>(
                tree.find(paths.instance(fleet, InstanceId(name)))->data);
    if (const auto* const node = tree.find(paths.fleet_state(fleet)))
        state_ = read<FleetState>(node->data);
}

const World::Records& World::records() const {
    decode_all();
    return records_;
}

const std::optional<FleetState>& World::state() const {
    decode_all();
    return state_;
}

bool World::is_up(const InstanceId& id) const {
    const auto machine = machines.find(id);
    return machine != machines.end() && !machine->second.killed &&
           now - machine->second.created >= boot;
}

Master World::elect() {
    std::vector<Op> ops{SetOp{.path = paths.epoch()}};
    const auto outcome = tree.apply(0, ops);
    const std::int32_t epoch = outcome.ops.at(0).stat.version;
    dns_fence_ = epoch;
    const std::string name = fmt::format("m{}", ++masters);
    trace_.push_back(fmt::format("{} takes office", name));
    return {.name = name, .epoch = epoch, .since = now};
}

FleetVersions World::versions(const Master& master) const {
    FleetVersions known{.epoch = master.epoch,
                        .control = tree.find(paths.control())->stat.version,
                        .spec = tree.find(paths.head(fleet))->stat.version};
    if (const auto* node = tree.find(paths.fleet_state(fleet))) known.state = node->stat.version;
    if (const auto* node = tree.find(paths.fleet_pause(fleet))) {
        known.pause = node->stat.version;
        known.pause_is_there = true;
    }
    known.fleet_is_there = tree.find(paths.fleet(fleet)) != nullptr;
    if (const auto* parent = tree.find(paths.instances(fleet))) {
        known.instances_are_there = true;
        for (const std::string& child : parent->children)
            known.instances[InstanceId(child)] =
                tree.find(paths.instance(fleet, InstanceId(child)))->stat.version;
    }
    return known;
}

LifecycleView World::view_of(const Master& master) const {
    LifecycleView view{.state = state(),
                       .instances = records(),
                       .inventory = master.inventory,
                       .replies = master.replies,
                       .now = now,
                       .fence = {.era = 1, .epoch = master.epoch},
                       .stamp = {.cluster = "c",
                                 .token = master.epoch,
                                 .writer = master.name,
                                 .sequence = master.sequence + 1},
                       .nonce = fmt::format("{}x{}", master.name, master.sequence),
                       .reconciled = master.reconciled};
    if (const auto* node = tree.find(paths.fleet_pause(fleet)))
        view.pause = read<FleetPause>(node->data);
    for (const auto& [host, room] : hosts)
        view.hosts.push_back({.node = NodeId(host), .usable = true});
    std::set<InstanceId> seen;
    for (const auto& [id, record] : view.instances) seen.insert(id);
    if (view.state)
        for (const auto& [id, orphan] : view.state->orphans) seen.insert(id);
    for (const InstanceId& id : seen) {
        Sight& sight = view.sights[id];
        sight.verdict = is_up(id) ? Verdict::up : Verdict::down;
        sight.since = now - seconds(1);
        const auto left = withdrawn_.find(id);
        const bool is_out = !published.contains(id);
        const WallTime out_since = left == withdrawn_.end() ? at_second(0) : left->second;
        sight.connections = is_out && now - out_since >= connections_end ? 0 : 10;
        sight.counted = now;
        // A new master doesn't know who left before it came.
        sight.out_of_dns = is_out && now - std::max(out_since, master.since) >= dns_caches;
        sight.published = !is_out;
        sight.in_dns = "its record is there, or in caches";
    }
    const std::int64_t tick = now.time_since_epoch() / period;
    if (view.state && view.state->tick < tick) {
        Policy by = policy;
        by.metrics.at(0).rule = FixedPolicy{.size = wanted_};
        if (blind_) by.metrics = {{.name = "load", .rule = TargetPolicy{}}};
        by.min = std::min(1, wanted_);
        const WallTime when(tick * period);
        const History history = history_of(view.state->history);
        view.decision = {.tick = tick,
                         .decision = decide(by,
                                            history,
                                            Observations{.pause = pause_of(view.pause, now)},
                                            membership_of(*view.state, view.instances, view.sights),
                                            when),
                         .digest = "d"};
    }
    return view;
}

std::set<InstanceId> World::to_publish() const {
    std::set<InstanceId> all;
    for (const auto& [id, record] : records())
        if (publishable(record, is_up(id))) all.insert(id);
    return all;
}

std::optional<Action> World::next(Master& master, std::optional<WallTime>& until) const {
    const LifecyclePlan planned = plan(settings, view_of(master));
    master.refused = planned.refused;
    master.says = planned.says;
    until = planned.again;
    if (planned.write)
        return Action{.kind = ActionKind::write,
                      .ops = multi_of(paths, fleet, *planned.write, versions(master)),
                      .write = *planned.write};
    if (!planned.calls.empty())
        return Action{.kind = ActionKind::call, .call = planned.calls.front()};
    if (planned.list) return Action{.kind = ActionKind::list};
    std::set<InstanceId> ids = to_publish();
    const bool all_ill = ids.empty() && std::ranges::none_of(published, [&](const InstanceId& id) {
                             return is_up(id);
                         });
    if (ids != published && !(ids.empty() && (published.empty() || all_ill)))
        return Action{.kind = ActionKind::dns, .publish = std::move(ids)};
    return std::nullopt;
}

void World::execute(Master& master, const Action& action, Answered answered) {
    trace_.push_back(fmt::format("{:>4} {} {}{}",
                                 (now - at_second(0)).count() / 1'000,
                                 master.name,
                                 action.str(),
                                 answered == Answered::lost ? " (answer lost)" : ""));
    switch (action.kind) {
        case ActionKind::write:
            return write(master, action);
        case ActionKind::call:
            return call(master, action.call, answered);
        case ActionKind::dns:
            return publish(master, action.publish);
        case ActionKind::list:
            break;
    }
    Listing listing{.asked = now};
    for (const auto& [id, machine] : machines) listing.machines.push_back(machine_at(id));
    master.inventory.before = std::exchange(master.inventory.newest, std::move(listing));
    master.reconciled = true;
}

void World::write(Master& master, const Action& action) {
    std::vector<Op> ops = action.ops;
    const auto outcome = tree.apply(0, ops);
    if (!outcome.applied()) {
        trace_.emplace_back("     refused");
        // The guard says so; or something else has changed, and it looks again.
        master.deposed =
            outcome.op_errors.front() != make_error_code(coordination::Errc::rolled_back);
        return;
    }
    if (master.epoch != tree.find(paths.epoch())->stat.version)
        violate(master.name + " wrote without being master");
    ++master.sequence;
    note_write(action.write);
}

void World::note_write(const FleetWrite& write) {
    const FleetState& state = write.state;
    if (state.generation < generation_) violate("the generation went back");
    const bool is_new = state.generation > generation_;
    generation_ = state.generation;
    if (is_new && state.intent && state.intent->kind == znodes::FleetIntentKind::in) {
        const int count = static_cast<int>(state.intent->leaving.size());
        shrunk_.emplace_back(now, count);
        int in_window = 0;
        for (const auto& [when, gone] : shrunk_)
            if (now - when < budget_window - period) in_window += gone;
        if (in_window > 2) violate(fmt::format("{} are removed in one window", in_window));
        removed_by_intents += count;
    }
    for (const auto& [id, record] : write.instances)
        if (record && record->phase == InstancePhase::planned && !ever_.insert(id).second &&
            record->since == now)
            violate(id.str() + " is used again");
}

bool World::may_be_in_dns(const InstanceId& id) const {
    const auto left = withdrawn_.find(id);
    return published.contains(id) || (left != withdrawn_.end() && now - left->second < dns_caches);
}

Machine World::machine_at(const InstanceId& id) const {
    const auto machine = machines.find(id);
    if (machine == machines.end()) return {.id = id, .state = MachineState::stopped};
    return {.id = id,
            .token = machine->second.token,
            .state = machine->second.killed ? MachineState::stopped : MachineState::running,
            .address = "127.0.0.1:80",
            .host = machine->second.host,
            .age = std::chrono::duration_cast<seconds>(now - machine->second.created)};
}

ProviderResult<Machine> World::carry_out(const ProviderCall& call) {
    const InstanceId& id = call.order.id;
    const auto& all = records();
    if (provider_fences && call.fence < provider_fence_)
        return tl::unexpected(ProviderError{.trouble = Trouble::fenced});
    provider_fence_ = std::max(provider_fence_, call.fence);
    const auto there = machines.find(id);
    switch (call.kind) {
        case CallKind::get:
            break;
        case CallKind::create:
            if (there != machines.end() && there->second.token != call.order.token)
                return tl::unexpected(ProviderError{.trouble = Trouble::invalid});
            if (creates_fail_) return tl::unexpected(ProviderError{.detail = "no power"});
            if (there == machines.end()) {
                const auto host = hosts.find(call.order.host);
                const auto has = std::ranges::count_if(
                    machines, [&](const auto& one) { return one.second.host == call.order.host; });
                if (host != hosts.end() && has >= host->second)
                    return tl::unexpected(
                        ProviderError{.trouble = Trouble::quota, .detail = "full"});
                machines[id] = {.token = call.order.token, .created = now, .host = call.order.host};
                ++creations[id];
            }
            break;
        case CallKind::remove:
            if (is_up(id) && may_be_in_dns(id)) violate(id.str() + " is removed while in DNS");
            if (const auto record = all.find(id); record != all.end() &&
                                                  record->second.phase != InstancePhase::deleting &&
                                                  record->second.phase != InstancePhase::failed &&
                                                  record->second.phase != InstancePhase::gone)
                violate(id.str() + " is removed and not deleting");
            if (removes_) machines.erase(id);
            break;
        case CallKind::can_remove:
            if (refuses_)
                return tl::unexpected(
                    ProviderError{.trouble = Trouble::invalid, .detail = "protected"});
            return Machine{.id = id};
    }
    return machine_at(id);
}

void World::call(Master& master, const ProviderCall& call, Answered answered) {
    ++calls[std::string(name_of(call.kind))];
    ProviderResult<Machine> result = carry_out(call);
    if (answered == Answered::lost)
        result = tl::unexpected(ProviderError{.trouble = Trouble::unknown_outcome});
    master.replies[call.order.id] = {
        .kind = call.kind, .asked = now, .at = now, .result = std::move(result)};
}

void World::publish(const Master& master, const std::set<InstanceId>& ids) {
    if (master.epoch < dns_fence_) return;
    const bool was_up =
        std::ranges::any_of(published, [&](const InstanceId& id) { return is_up(id); });
    if (ids.empty() && was_up) violate("the name is emptied");
    const auto& all = records();
    for (const InstanceId& id : ids)
        if (!all.contains(id) || all.at(id).phase != InstancePhase::serving)
            violate(id.str() + " is published and doesn't serve");
    for (const InstanceId& id : published)
        if (!ids.contains(id)) withdrawn_[id] = now;
    published = ids;
}

void World::advance(seconds span) {
    const WallTime end = now + span;
    while (now < end) {
        now += seconds(1);
        happen();
    }
}

void World::wait(const std::optional<WallTime>& until) {
    const WallTime tick = WallTime((now.time_since_epoch() / period + 1) * period);
    WallTime when = tick;
    if (until && *until > now) when = std::min(when, *until);
    advance(std::chrono::ceil<seconds>(when - now));
}

void World::happen() {
    while (turn_ < story_.size() && at_second(story_[turn_].second) <= now) {
        const Turn& turn = story_[turn_++];
        wanted_ = turn.size.value_or(wanted_);
        creates_fail_ = turn.creates_fail.value_or(creates_fail_);
        refuses_ = turn.refuses.value_or(refuses_);
        removes_ = turn.removes.value_or(removes_);
        blind_ = turn.blind.value_or(blind_);
        int kill = turn.kill;
        for (auto& [id, machine] : machines) {
            if (kill == 0) break;
            if (machine.killed || !published.contains(id)) continue;
            machine.killed = true;
            --kill;
            trace_.push_back(id.str() + " is killed");
        }
        if (!turn.pause) continue;
        std::vector<Op> ops{
            SetOp{.path = paths.fleet_pause(fleet),
                  .data = encode(FleetPause{.stamp = {.cluster = "c"}, .kind = *turn.pause})}};
        if (!tree.apply(0, ops).applied()) violate("no pause");
    }
    const auto& all = records();
    for (const InstanceId& id : published) {
        const auto record = all.find(id);
        if (record != all.end() && record->second.phase == InstancePhase::serving) {
            unfit_.erase(id);
            continue;
        }
        const WallTime since = unfit_.try_emplace(id, now).first->second;
        if (now - since > longest_unfit) violate(id.str() + " is published and doesn't serve");
    }
    std::erase_if(unfit_, [&](const auto& one) { return !published.contains(one.first); });
}

bool World::run(Master& master, WallTime end, const Stop& stop) {
    while (now < end && !master.deposed) {
        std::optional<WallTime> until;
        const auto action = next(master, until);
        if (!action) {
            wait(until);
            continue;
        }
        if (stop && stop(*this, master, *action)) return true;
        execute(master, *action, Answered::yes);
    }
    return false;
}

void World::check_settled(int size) {
    const auto& all = records();
    const auto& kept = state();
    if (!kept) return violate("no state");
    if (kept->intent) violate("an intent is left");
    if (kept->target != size) violate(fmt::format("target {}", kept->target));
    for (const auto& [id, record] : all) {
        if (record.phase != InstancePhase::serving)
            violate(fmt::format("{} is {}", id.str(), znodes::to_string(record.phase)));
        if (!is_up(id)) violate(id.str() + " isn't up");
    }
    if (std::ssize(all) != size) violate(fmt::format("{} records", all.size()));
    for (const auto& [id, machine] : machines)
        if (!all.contains(id)) violate(id.str() + " has no record");
    for (const auto& [id, times] : creations)
        if (times > 1) violate(fmt::format("{} was made {} times", id.str(), times));
    if (published != to_publish()) violate("DNS differs");
}

void World::violate(std::string what) {
    trace_.push_back("!!!! " + what);
    violations.push_back(std::move(what));
}

std::string World::trace() const {
    return fmt::format("{}", fmt::join(trace_, "\n"));
}

}  // namespace muster::scaler::testing
