#include "orchestrator/shift_duty.hpp"

#include "common/observe/log.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <vector>

namespace muster::orchestrator {

using znodes::ShiftPhase;
using znodes::TrafficShift;

namespace {

std::string spelled(const znodes::Percents& percents) {
    std::string text;
    for (const auto& [party, percent] : percents)
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", party, percent);
    return text;
}

void tell(const std::string& name, const TrafficShift& was, const TrafficShift& is) {
    if (was.phase == is.phase && was.step == is.step) return;
    const bool ill = is.phase == ShiftPhase::held || is.phase == ShiftPhase::rolling_back ||
                     is.phase == ShiftPhase::rolled_back;
    const std::string phase(to_string(is.phase));
    const std::string step = fmt::format("{} of {}", is.step, is.steps);
    if (ill) {
        log::warn("traffic_shift_stopped",
                  {{"name", name}, {"phase", phase}, {"step", step}, {"why", is.why}});
    } else {
        log::info("traffic_shift",
                  {{"name", name}, {"phase", phase}, {"step", step}, {"now", spelled(is.now)}});
    }
}

std::string what_is_unseen(const std::string& name,
                           const dnsupdate::DesiredRecords& wanted,
                           const dnsupdate::UpdaterStatus& store) {
    const dnsupdate::DnsName key(name);
    const auto asked = wanted.desired.sets.find(key);
    if (asked == wanted.desired.sets.end()) return {};  // not for this store
    if (!store.trouble.empty()) return fmt::format("{}: {}", store.provider, store.trouble);
    if (store.stage != dnsupdate::Stage::publishing || !store.round)
        return fmt::format("{} is not read yet", store.provider);
    const auto held = store.round->observed.sets.find(key);
    std::map<dnsupdate::MemberId, dnsupdate::Member> there;
    if (held != store.round->observed.sets.end()) {
        for (const auto& [id, member] : held->second.members) there.emplace(id, member.member);
    }
    if (asked->second.records.members != there)
        return fmt::format("{} does not hold the wanted records yet", store.provider);
    for (const dnsupdate::ServerState& server : store.servers) {
        const auto unseen = server.unseen.find(key);
        const bool is_unseen = unseen != server.unseen.end();
        const std::string& why =
            is_unseen && !unseen->second.empty() ? unseen->second : server.silent;
        if (!why.empty()) return fmt::format("the DNS server {}: {}", server.address, why);
        if (!server.asked || is_unseen)
            return fmt::format("the DNS server {} does not show them yet", server.address);
    }
    return {};
}

}  // namespace

std::string what_is_unseen(const std::string& name,
                           const std::map<std::string, dnsupdate::DesiredRecords>& wanted,
                           const DnsRow& row) {
    if (row.stores.empty()) return "no store of records is written yet";
    for (const dnsupdate::UpdaterStatus& store : row.stores) {
        const auto of_store = wanted.find(store.provider);
        if (of_store == wanted.end()) return store.provider + " is not read yet";
        if (std::string unseen = what_is_unseen(name, of_store->second, store); !unseen.empty())
            return unseen;
    }
    return {};
}

std::vector<std::string> end_unreadable(const znodes::TrafficShifts& before,
                                        znodes::TrafficShifts& after,
                                        WallTime now) {
    const auto is_readable = [](const znodes::TrafficShifts& shifts) {
        return znodes::decode<znodes::TrafficShifts>(znodes::encode(shifts), shifts.stamp.cluster)
            .has_value();
    };
    std::vector<std::string> ended;
    if (is_readable(after)) return ended;
    for (auto& [name, shift] : after.names) {
        if (is_readable({.stamp = after.stamp, .names = {{name, shift}}})) continue;
        shift = before.names.at(name);
        if (shift.phase != ShiftPhase::asked) shift.now = shift.from;
        shift.phase = shift.cancelled ? ShiftPhase::cancelled : ShiftPhase::rolled_back;
        shift.why = "its next step can't be written";
        shift.since = now;
        ended.push_back(name);
    }
    return ended;
}

ShiftDuty::ShiftDuty(asio::any_io_executor executor,
                     coordination::Store& store,
                     Clock& clock,
                     Node& node,
                     const DnsDuty& dns,
                     std::function<bool()> paused)
    : store_(store),
      clock_(clock),
      node_(node),
      dns_(dns),
      paused_(std::move(paused)),
      tasks_(executor),
      wake_(executor) {}

void ShiftDuty::start() {
    tasks_.spawn("traffic shifts", run());
}

asio::awaitable<void> ShiftDuty::stop() {
    co_await tasks_.stop();
}

asio::awaitable<void> ShiftDuty::run() {
    for (;;) {
        co_await wake_.wait();
        const Election* const election = node_.election();
        const bool in_office =
            election != nullptr && election->office() && election->may_act(clock_.now());
        // Time without a master, or without its lease, is no time that counts.
        if (!in_office || election->office()->epoch != epoch_) memories_.clear();
        if (!in_office) continue;
        epoch_ = election->office()->epoch;
        co_await step(epoch_);
    }
}

ShiftSurroundings ShiftDuty::look_around() const {
    ShiftSurroundings all{.wanted = dns_.wanted(), .row = dns_.row()};
    const auto& control = node_.view().control;
    all.known = control && node_.settled() && !all.wanted.empty() && !all.row->stores.empty();
    all.paused = control && (control->value.pause.all || control->value.pause.dns || paused_());
    return all;
}

static dnsupdate::ShiftSight sight(const std::string& name,
                                   const TrafficShift& shift,
                                   const ShiftSurroundings& around) {
    dnsupdate::ShiftSight seen;
    if (!around.known) return seen;
    seen.paused = around.paused;
    // All views share out alike; a store that doesn't hold the name has nothing to say of it.
    bool complete = true;
    for (const auto& [store, records] : around.wanted) {
        complete = complete && records.desired.complete;
        const auto shared = records.shared.find(dnsupdate::DnsName(name));
        if (shared == records.shared.end()) continue;
        seen.name = shared->second;
        break;
    }
    // Who publishes it may be what isn't read yet.
    seen.known = seen.name.has_value() || complete;
    if (!seen.name) return seen;
    // The records of the last step, or of none, say nothing of this one.
    seen.known = seen.name->asked == shift.now;
    seen.unseen = what_is_unseen(name, around.wanted, *around.row);
    return seen;
}

ShiftMemories advance_all(znodes::TrafficShifts& shifts,
                          const ShiftMemories& memories,
                          const std::function<ShiftSurroundings()>& look_around,
                          WallTime wall,
                          SteadyTime now) {
    ShiftMemories next;
    std::optional<ShiftSurroundings> around;
    for (auto& [name, shift] : shifts.names) {
        if (!shift.is_under_way()) continue;
        if (!around) around = look_around();
        const auto known = memories.find(name);
        dnsupdate::ShiftStep made =
            dnsupdate::advance(shift,
                               known == memories.end() ? dnsupdate::ShiftMemory{} : known->second,
                               sight(name, shift, *around),
                               wall,
                               now);
        shift = std::move(made.next);
        next.emplace(name, std::move(made.memory));
    }
    return next;
}

asio::awaitable<void> ShiftDuty::step(std::int64_t epoch) {
    const auto& known = node_.view().shifts;
    if (!known || known->garbage || known->gone) co_return;
    const znodes::TrafficShifts before = known->value;
    const std::int32_t version = known->version;
    znodes::TrafficShifts after = before;
    memories_ = advance_all(
        after, memories_, [this] { return look_around(); }, clock_.wall(), clock_.now());
    if (after == before) co_return;
    after.stamp = {.cluster = node_.view().cluster(),
                   .token = epoch,
                   .writer = node_.identity().node.str(),
                   .sequence = before.stamp.sequence + 1};
    for (const std::string& name : end_unreadable(before, after, clock_.wall()))
        log::warn("traffic_shift_not_kept", {{"why", name + ": its next step can't be written"}});
    const znodes::Paths& paths = node_.paths();
    std::vector<coordination::Op> ops{
        coordination::CheckOp{.path = paths.epoch(), .version = static_cast<std::int32_t>(epoch)}};
    ops.emplace_back(coordination::SetOp{
        .path = paths.dns_shifts(), .data = znodes::encode(after), .version = version});
    const coordination::MultiOutcome outcome = co_await store_.multi(std::move(ops));
    if (outcome.fenced_off()) node_.doubt_office();
    if (outcome.ok()) {
        for (const auto& [name, shift] : after.names) tell(name, before.names.at(name), shift);
        co_return;
    }
    // Someone has asked for another one meanwhile, or this node's own write was not seen yet: the
    // next look is at what is there then.
    const bool raced = !outcome.op_errors.empty();
    if (!raced) log::warn("traffic_shift_not_kept", {{"why", outcome.error.message()}});
}

}  // namespace muster::orchestrator
