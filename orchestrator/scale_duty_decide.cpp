// What a master decides of a fleet at a tick, and what it tells of it.
#include "common/observe/log.hpp"
#include "orchestrator/scale_duty.hpp"
#include "orchestrator/scale_duty_part.hpp"
#include "orchestrator/scaling_alarms.hpp"
#include "scaler/decide.hpp"
#include "scaler/explain.hpp"
#include "scaler/spec_policy.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace muster::orchestrator {

namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

constexpr seconds longest_evaluation{10};
/// What is seen of one write arrives in pieces; what lasts longer is told.
constexpr seconds told_after{3};

void log_alarms(const FleetName& fleet, const std::vector<ScalingAlarmEvent>& events) {
    for (const ScalingAlarmEvent& event : events) {
        if (event.begins)
            log::warn(event.name, {{"fleet", fleet.str()}, {"why", event.why}});
        else
            log::info(event.name, {{"fleet", fleet.str()}});
    }
}

}  // namespace

std::int64_t tick_at(WallTime now, config::Duration period) {
    const auto step = duration_cast<seconds>(period);
    return now.time_since_epoch() / step * step.count();
}

void ScaleDuty::tell(const FleetName& name, Part& part, const scaler::LifecyclePlan& plan) {
    FleetScalingNotes notes = part.notes;
    notes.says = plan.says;
    notes.refused = plan.refused.value_or("");
    if (!plan.refused) {
        if (part.refusal_told) log::info("scaling_goes_on", {{"fleet", name.str()}});
        part.refused_since.reset();
        part.refusal_told = false;
    } else if (!part.refused_since) {
        part.refused_since = clock_.now();
    } else if (!part.refusal_told && clock_.now() - *part.refused_since >= told_after) {
        part.refusal_told = true;
        log::error("scaling_refused", {{"fleet", name.str()}, {"why", *plan.refused}});
    }
    if (notes_ && notes_->contains(name) && notes_->at(name) == notes) return;
    part.notes = std::move(notes);
    auto all = std::make_shared<ScalingNotes>();
    for (const auto& [fleet, each] : parts_) all->emplace(fleet, each->notes);
    notes_ = std::move(all);
    on_change_();
}

void ScaleDuty::evaluate_if_due(const FleetName& name, Part& part, const FleetFacts& facts) {
    if (!facts.view.state || part.evaluating || !may_act()) return;
    const std::int64_t now = tick_at(clock_.wall(), facts.spec->scaling->period);
    if (now == part.evaluated || now == facts.view.state->tick) return;
    part.evaluated = now;
    part.evaluating = true;
    tasks_.spawn("evaluation of " + name.str(), evaluate(name, facts.spec, now, part.term));
}

asio::awaitable<void> ScaleDuty::evaluate(FleetName name,
                                          std::shared_ptr<const config::FleetSpec> spec,
                                          std::int64_t tick,
                                          std::int64_t term) {
    const WallTime at{seconds(tick)};
    const SteadyTime deadline = clock_.now() + std::min<std::chrono::nanoseconds>(
                                                   spec->scaling->period, longest_evaluation);
    const auto look_around = [&]() -> std::optional<FleetFacts> {
        const Part* const part = part_of(name, term);
        if (part == nullptr) return std::nullopt;
        auto facts = facts_of(name, *part);
        if (!facts || !facts->view.state || !facts->unreadable.empty()) return std::nullopt;
        return facts;
    };
    scaler::Observations observed;
    if (const auto before = look_around(); before && settings_.observe)
        observed = co_await settings_.observe(spec, membership_of(*before), at, deadline);
    Part* const part = part_of(name, term);
    if (part == nullptr) co_return;
    part->evaluating = false;
    const auto facts = look_around();
    // The fleet may have changed while Prometheus was asked: this was meant for it as it was.
    if (!facts || facts->spec != spec) co_return;
    observed.pause = scaler::pause_of(facts->view.pause, at);
    const scaler::Membership membership = membership_of(*facts);
    const scaler::Policy policy = scaler::policy_at(scaler::policy_of(*spec->scaling), membership);
    const scaler::History history = scaler::history_of(facts->view.state->history);
    scaler::Decision decision = scaler::decide(policy, history, observed, membership, at);
    const scaler::Explanation explanation =
        scaler::explain(policy, history, observed, membership, at, decision);
    // What can't be done yet is decided again and again.
    const bool is_new = std::exchange(part->told, decision.size) != decision.size;
    if (decision.size != decision.was && is_new)
        log::info("scaling_decided",
                  {{"fleet", name.str()},
                   {"was", std::to_string(decision.was)},
                   {"size", std::to_string(decision.size)},
                   {"shadow", facts->settings.shadow ? "true" : "false"}});
    if (scaler::is_well_founded(decision)) part->informed = clock_.wall();
    const ScalingAlarms before = part->notes.alarms;
    note_decision(part->notes, decision, explanation, membership, at);
    log_alarms(name, alarm_events(before, part->notes.alarms));
    part->decision_spec = spec;
    part->decision =
        scaler::TickDecision{.tick = tick, .decision = decision, .digest = explanation.digest};
    if (settings_.record)
        settings_.record({.fleet = name,
                          .spec = spec,
                          .epoch = *epoch_,
                          .at = at,
                          .history = history,
                          .observed = std::move(observed),
                          .membership = membership,
                          .decision = std::move(decision)});
    wake_.notify();
}

}  // namespace muster::orchestrator
