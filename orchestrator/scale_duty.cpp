#include "orchestrator/scale_duty.hpp"

#include "common/observe/log.hpp"
#include "orchestrator/fleet_write.hpp"
#include "orchestrator/scale_duty_part.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <set>
#include <utility>

namespace muster::orchestrator {

namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

constexpr std::chrono::milliseconds look_period{200};
/// A step waits for its own write to be seen before the next one is planned.
constexpr seconds mirror_patience{5};
constexpr std::chrono::milliseconds after_refusal{500};

scaler::ProviderResult<scaler::Machine> with_id(const scaler::ProviderResult<void>& result,
                                                const InstanceId& id) {
    if (!result) return tl::unexpected(result.error());
    return scaler::Machine{.id = id};
}

}  // namespace

ScaleDuty::ScaleDuty(asio::any_io_executor executor,
                     coordination::Store& store,
                     Clock& clock,
                     Node& node,
                     const DnsDuty* dns,
                     ScaleDutySettings settings,
                     Node::NewGuid new_guid,
                     std::function<bool()> paused,
                     std::function<void()> on_change)
    : store_(store),
      clock_(clock),
      node_(node),
      dns_(dns),
      settings_(std::move(settings)),
      new_guid_(std::move(new_guid)),
      paused_(std::move(paused)),
      on_change_(std::move(on_change)),
      wake_(executor),
      tasks_(executor) {}

ScaleDuty::~ScaleDuty() = default;

void ScaleDuty::start() {
    tasks_.spawn("scaling", run());
    tasks_.spawn("scaling clock", tick());
}

asio::awaitable<void> ScaleDuty::stop() {
    end_term();
    co_await tasks_.stop();
}

void ScaleDuty::take(std::shared_ptr<const Snapshot> snapshot) {
    snapshot_ = std::move(snapshot);
    look();
}

asio::awaitable<void> ScaleDuty::tick() {
    for (;;) {
        co_await clock_.sleep_for(look_period);
        wake_.notify();
    }
}

bool ScaleDuty::may_act() const {
    const Election* const election = node_.election();
    return election != nullptr && election->office() && election->office()->epoch == epoch_ &&
           election->may_act(clock_.now());
}

void ScaleDuty::look() {
    const Election* const election = node_.election();
    const bool in_office = election != nullptr && election->office();
    if (epoch_ && (!in_office || election->office()->epoch != *epoch_)) end_term();
    wake_.notify();
}

void ScaleDuty::end_term() {
    epoch_.reset();
    parts_.clear();
    notes_.reset();
}

ScaleDuty::Part* ScaleDuty::part_of(const FleetName& name, std::int64_t term) {
    const auto part = parts_.find(name);
    const bool goes_on = epoch_ && part != parts_.end() && part->second->term == term;
    return goes_on ? part->second.get() : nullptr;
}

std::set<FleetName> ScaleDuty::fleets() const {
    std::set<FleetName> all;
    for (const auto& [name, fleet] : node_.view().fleets) {
        if (!fleet.live() || !fleet.spec->scaling) continue;
        const bool can = fleet.spec->provider
                             ? settings_.providers.contains(fleet.spec->provider->name)
                             : fleet.spec->scaling->shadow;
        if (can) all.insert(name);
    }
    return all;
}

asio::awaitable<void> ScaleDuty::run() {
    for (;;) {
        co_await wake_.wait();
        const Election* const election = node_.election();
        if (election == nullptr || !election->office() || !election->may_act(clock_.now()) ||
            !node_.settled() || snapshot_ == nullptr)
            continue;
        if (epoch_ != election->office()->epoch) {
            end_term();
            epoch_ = election->office()->epoch;
            ++term_;
        }
        const std::set<FleetName> all = fleets();
        std::erase_if(parts_, [&](const auto& part) { return !all.contains(part.first); });
        for (const FleetName& name : all) {
            auto& part = parts_[name];
            if (!part) {
                part = std::make_unique<Part>();
                part->term = term_;
            }
            if (clock_.now() < part->rests_until) continue;
            co_await step(name);
            if (!epoch_) break;  // the office was lost meanwhile
        }
    }
}

std::optional<FleetFacts> ScaleDuty::facts_of(const FleetName& name, const Part& part) const {
    const follow::ClusterView& view = node_.view();
    const auto fleet = view.fleets.find(name);
    if (!epoch_ || !view.control || fleet == view.fleets.end() || !fleet->second.live() ||
        !fleet->second.spec->scaling)
        return std::nullopt;
    const config::FleetSpec& spec = *fleet->second.spec;
    const auto provider =
        spec.provider ? settings_.providers.find(spec.provider->name) : settings_.providers.end();
    const bool watched = !spec.provider && spec.scaling->shadow;
    if (provider == settings_.providers.end() && !watched) return std::nullopt;
    const auto managed = view.managed.find(name);
    const bool is_there =
        managed != view.managed.end() && managed->second.state && !managed->second.state->gone;
    const std::int32_t seen = is_there ? managed->second.state->version : -1;
    if (seen < part.written && clock_.now() - part.written_at < mirror_patience)
        return std::nullopt;
    FleetFacts facts = facts_of_fleet(
        view,
        name,
        snapshot_.get(),
        watched ? scaler::ProviderAbilities{} : provider->second->abilities(),
        [this](const FleetName& of, const InstanceId& id) {
            const bool named = !node_.view().fleets.at(of).spec->dns.empty();
            if (dns_ == nullptr)
                return dnsupdate::OutOfDns{.out = !named, .why = "this node publishes no names"};
            return dns_->out_of_dns(of, id);
        },
        clock_.wall(),
        clock_.now());
    add_term(name, part, facts);
    return facts;
}

void ScaleDuty::add_term(const FleetName& name, const Part& part, FleetFacts& facts) const {
    const znodes::Control& control = node_.view().control->value;
    scaler::LifecycleView& seen = facts.view;
    if (control.pause.all || control.pause.scaling || paused_()) {
        seen.pause.kind = znodes::FleetPauseKind::all;
        seen.pause.until.reset();
        seen.pause.by = "the cluster's or this node's pause";
    }
    // An old one, or one of another spec, is about another fleet.
    const std::int64_t now = tick_at(seen.now, facts.spec->scaling->period);
    const auto period = duration_cast<seconds>(facts.spec->scaling->period).count();
    if (part.decision && part.decision_spec == facts.spec &&
        std::abs(now - part.decision->tick) <= 2 * period)
        seen.decision = facts.settings.shadow && seen.state
                            ? scaler::to_be_kept(*part.decision, seen.state->target)
                            : part.decision;
    seen.inventory = part.inventory;
    seen.replies = part.replies;
    seen.in_flight = part.in_flight;
    seen.fence = {.era = control.era, .epoch = *epoch_};
    facts.versions.epoch = static_cast<std::int32_t>(*epoch_);
    seen.stamp = {.cluster = node_.view().cluster(),
                  .token = *epoch_,
                  .writer = node_.identity().node.str(),
                  .sequence = (seen.state ? seen.state->stamp.sequence : 0) + 1};
    seen.nonce = new_guid_();
    const bool was_named = dns_ != nullptr && seen.state && seen.state->named;
    const bool dns_is_ready =
        (facts.spec->dns.empty() && !was_named) || (dns_ != nullptr && dns_->publishes());
    seen.reconciled = part.inventory.newest.has_value() && dns_is_ready;
    const auto known = seen_.find(name);
    if (known != seen_.end()) recall(known->second, facts.settings.uid, seen);
}

asio::awaitable<void> ScaleDuty::step(FleetName name) {
    Part& part = *parts_.at(name);
    const std::int64_t term = part.term;
    std::optional<FleetFacts> facts = facts_of(name, part);
    if (!facts) co_return;
    note_hosts(*facts, part.hosts);
    scaler::LifecyclePlan plan;
    if (!facts->unreadable.empty()) {
        plan.refused = facts->unreadable;
    } else if (facts->spec->provider) {
        plan = scaler::plan(facts->settings, facts->view);
    } else {
        plan = scaler::plan_shadow(facts->settings, facts->view, facts->others);
    }
    if (facts->settings.shadow && !part.notes.ticks.empty())
        plan.says.insert(
            plan.says.begin(),
            scaler::shadow_words(part.notes.ticks.back().was, part.notes.ticks.back().size));
    tell(name, part, plan);
    if (plan.refused) co_return;
    std::erase_if(part.replies, [&](const auto& reply) {
        return !facts->view.instances.contains(reply.first) &&
               !(facts->view.state && facts->view.state->orphans.contains(reply.first));
    });
    if (facts->view.state)
        seen_[name] = remember(seen_[name], facts->settings.uid, *facts->view.state);
    evaluate_if_due(name, part, *facts);
    act(name, part, plan);
    // Of what is written at each tick anyway.
    if (plan.write)
        plan.write->state.informed = part.informed.value_or(informed_of(node_.view(), name));
    if (plan.write && may_act())
        co_await write(name, std::move(facts->versions), *std::move(plan.write), term);
}

void ScaleDuty::act(const FleetName& name, Part& part, const scaler::LifecyclePlan& plan) {
    const auto& fleet = node_.view().fleets.at(name).spec->provider;
    if (!may_act() || !fleet) return;
    const std::shared_ptr<scaler::Provider> provider = settings_.providers.at(fleet->name);
    if (plan.list && !part.listing && clock_.now() >= part.lists_from) {
        part.listing = true;
        tasks_.spawn("list " + name.str(), list(name, provider, part.term));
    }
    for (const scaler::ProviderCall& one : plan.calls) {
        if (part.in_flight.insert(one.order.id).second)
            tasks_.spawn("call of " + one.order.id.str(), call(name, provider, one, part.term));
    }
}

asio::awaitable<void> ScaleDuty::list(FleetName name,
                                      std::shared_ptr<scaler::Provider> provider,
                                      std::int64_t term) {
    const WallTime asked = clock_.wall();
    auto found = co_await provider->list(name);
    Part* const part = part_of(name, term);
    if (part == nullptr) co_return;
    part->listing = false;
    if (found && found->complete) {
        part->inventory.before = std::move(part->inventory.newest);
        part->inventory.newest =
            scaler::Listing{.asked = asked, .machines = std::move(found->machines)};
        part->inventory.partial = false;
        part->lists_failed = 0;
    } else {
        part->inventory.partial = true;
        ++part->lists_failed;
        part->lists_from = clock_.now() + list_pause(part->lists_failed);
        if (!found)
            log::warn("listing_failed", {{"fleet", name.str()}, {"why", found.error().detail}});
    }
    wake_.notify();
}

asio::awaitable<void> ScaleDuty::call(FleetName name,
                                      std::shared_ptr<scaler::Provider> provider,
                                      scaler::ProviderCall call,
                                      std::int64_t term) {
    const InstanceId id = call.order.id;
    scaler::Reply reply{.kind = call.kind, .asked = clock_.wall()};
    switch (call.kind) {
        case scaler::CallKind::create:
            reply.result = co_await provider->create(call.order, call.fence);
            break;
        case scaler::CallKind::get:
            reply.result = co_await provider->get(name, id);
            break;
        case scaler::CallKind::remove:
            reply.result = with_id(co_await provider->remove(name, id, call.grace, call.fence), id);
            break;
        case scaler::CallKind::can_remove:
            reply.result = with_id(co_await provider->can_remove(name, id), id);
            break;
    }
    reply.at = clock_.wall();
    if (!reply.result && reply.result.error().trouble == scaler::Trouble::fenced)
        node_.doubt_office();
    Part* const part = part_of(name, term);
    if (part == nullptr) co_return;
    part->in_flight.erase(id);
    if (!reply.result)
        log::warn(
            "provider_call_failed",
            {{"fleet", name.str()}, {"instance", id.str()}, {"why", reply.result.error().detail}});
    part->replies.insert_or_assign(id, std::move(reply));
    wake_.notify();
}

asio::awaitable<void> ScaleDuty::write(FleetName name,
                                       scaler::FleetVersions versions,
                                       scaler::FleetWrite write,
                                       std::int64_t term) {
    const coordination::MultiOutcome outcome =
        co_await write_fleet(store_, scaler::multi_of(node_.paths(), name, write, versions));
    if (outcome.fenced_off()) node_.doubt_office();
    Part* const part = part_of(name, term);
    if (part == nullptr) co_return;
    if (!outcome.ok()) {
        // Somebody has changed what this rests on, or the outcome is unknown: what is read next
        // tells.
        part->rests_until = clock_.now() + after_refusal;
        const bool raced = !outcome.op_errors.empty();
        if (!raced)
            log::warn("scaling_not_kept",
                      {{"fleet", name.str()}, {"why", outcome.error.message()}});
        co_return;
    }
    part->written = write.first ? 0 : versions.state + 1;
    part->written_at = clock_.now();
    if (part->decision && part->decision->tick == write.state.tick) part->decision.reset();
    for (const std::string& what : write.did)
        log::info("scaling_step", {{"fleet", name.str()}, {"what", what}});
}

}  // namespace muster::orchestrator
