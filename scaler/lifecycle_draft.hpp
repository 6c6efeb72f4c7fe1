#pragma once

#include "scaler/lifecycle.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

// The inside of plan(): included by scaler/lifecycle*.cpp, orphans.* and their tests only. A plan
// starts as a copy of what is committed; each stage changes it and says why. Pure.
namespace muster::scaler {

using znodes::FleetInstanceRecord;
using znodes::FleetIntent;
using znodes::FleetIntentKind;
using znodes::InstancePhase;

inline constexpr int largest_removal_percent = 45;  ///< of the breaker (reference, 1b)
inline constexpr int largest_removal_count = 3;

class Draft {
 public:
    Draft(const LifecycleSettings& wanted, const LifecycleView& seen);

    const LifecycleSettings& settings;
    const LifecycleView& view;
    znodes::FleetState state;
    std::map<InstanceId, FleetInstanceRecord> records;
    bool starts = false;

    [[nodiscard]] WallTime now() const { return view.now; }
    [[nodiscard]] const Sight& sight(const InstanceId& id) const;
    [[nodiscard]] const Reply* reply(const InstanceId& id) const;
    [[nodiscard]] Pause pause() const { return pause_of(view.pause, view.now); }

    /// A new phase, and the sentence for the log.
    void enter(const InstanceId& id, InstancePhase phase, std::string reason);
    /// A failed create: the phase, the back-off, and that its host is avoided.
    void fail(const InstanceId& id, std::string reason);
    /// One that its host has refused: only if no other host may take it this is a back-off.
    void fail_there(const InstanceId& id, std::string reason);
    [[nodiscard]] bool avoids(const std::string& host) const;
    /// Until when nothing is created: not long while there are fewer than `min`.
    [[nodiscard]] WallTime back_off_until() const;
    [[nodiscard]] bool backs_off() const { return now() < back_off_until(); }
    void drop(const InstanceId& id);
    /// Back to serving, out of the intent.
    void take_back(const InstanceId& id, const std::string& reason);

    [[nodiscard]] bool leaves(const InstanceId& id) const;
    /// Those that count as the fleet's size.
    [[nodiscard]] int live() const;
    /// Others than this one that serve and are up.
    [[nodiscard]] int serving_besides(const InstanceId& id) const;
    /// Is there evidence that the machine is no more: two complete listings of this term, made
    /// after it came into its phase, and its host reachable?
    [[nodiscard]] bool is_missing(const InstanceId& id) const;
    /// Something of that name is there, and its own record can't be read.
    [[nodiscard]] bool is_unreadable(const InstanceId& id) const;
    /// It is being removed for longer than that takes: nothing waits for it.
    [[nodiscard]] bool is_stuck(const InstanceId& id) const;
    [[nodiscard]] WallTime stuck_from(const InstanceId& id) const;
    /// The machine of this life as it was last seen; absent: not seen.
    [[nodiscard]] std::optional<Machine> machine(const InstanceId& id) const;

    void say(std::string sentence) { says_.push_back(std::move(sentence)); }
    void did(std::string sentence) { did_.push_back(std::move(sentence)); }
    void wake(WallTime when);

    /// The write, if anything is different from what is committed.
    [[nodiscard]] LifecyclePlan finish();
    /// Is the record as it is committed?
    [[nodiscard]] bool is_committed(const InstanceId& id) const;
    [[nodiscard]] bool is_intent_committed() const { return state.intent == view.state->intent; }

 private:
    void avoid_host_of(const InstanceId& id);

    std::vector<std::string> says_;
    std::vector<std::string> did_;
    std::optional<WallTime> again_;
};

/// planned, creating, booting, warming: on its way into service.
[[nodiscard]] bool is_starting(InstancePhase phase);
/// There is no such machine: not a stopped one, none.
[[nodiscard]] bool says_absent(const Reply& reply);

// The stages, in this order. Each is one rule or a few that belong together.
void note_names(Draft& draft);         ///< whether DNS has to be waited for: lifecycle_facts
void learn(Draft& draft);              ///< what probes, answers and listings say: lifecycle_facts
void take_in_leftovers(Draft& draft);  ///< of a state that was lost: lifecycle_intents
void obey_pause(Draft& draft);         ///< takes back what may be: lifecycle_intents
void close_intent(Draft& draft);       ///< when all of it is at its end: lifecycle_intents
void carry_out(Draft& draft);          ///< the decision: lifecycle_intents
void replace_dead(Draft& draft);       ///< lifecycle_replace
void drain_and_delete(Draft& draft);   ///< lifecycle_steps
void start_planned(Draft& draft);      ///< canary first: lifecycle_steps
void ask_provider(const Draft& draft, LifecyclePlan& plan);  ///< from what is committed

/// Makes `count` records of a new generation and joins them to the intent, which is there.
void plan_instances(Draft& draft, int count);
void open_intent(Draft& draft, FleetIntentKind kind, seconds takes);

/// Of a replacement: one that was not begun isn't made, as a dead instance stays.
void cancel_replacement(Draft& draft, const std::string& why);

/// Why nothing may be done (F1); absent: all is as it should be.
[[nodiscard]] std::optional<std::string> unsafe(const LifecycleSettings& settings,
                                                const LifecycleView& view);

}  // namespace muster::scaler
