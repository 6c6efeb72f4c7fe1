#pragma once

#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/store.hpp"
#include "orchestrator/dns_duty.hpp"
#include "orchestrator/node.hpp"
#include "orchestrator/scaling_view.hpp"
#include "orchestrator/snapshot.hpp"
#include "orchestrator/tick_recorder.hpp"
#include "scaler/lifecycle.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace muster::orchestrator {

/// What a fleet's metrics say at a tick. Ends by the deadline.
using Observe = std::function<asio::awaitable<scaler::Observations>(
    std::shared_ptr<const config::FleetSpec> spec,
    scaler::Membership membership,
    WallTime tick,
    SteadyTime deadline)>;

struct ScaleDutySettings {
    /// By the names in this node's settings. What fleets name and isn't here waits for a master
    /// that has it.
    std::map<std::string, std::shared_ptr<scaler::Provider>> providers;
    Observe observe;      ///< null: no Prometheus; sizes then follow limits and schedules alone
    RecordTick record{};  ///< null: nothing is recorded
};

/// The master's duty to make and remove LBs, and to say what it would do of fleets in shadow: at
/// each tick of a fleet it asks for metrics and decides; what follows is planned by
/// scaler/lifecycle.hpp from what is in the tree, written as one fenced multi, and only then done.
/// What it knows besides (listings, answers of providers) is this term's and begins anew with the
/// next. Executor: the control executor.
class ScaleDuty {
 public:
    ScaleDuty(asio::any_io_executor executor,
              coordination::Store& store,
              Clock& clock,
              Node& node,
              const DnsDuty* dns,  ///< null: this node publishes no names
              ScaleDutySettings settings,
              Node::NewGuid new_guid,
              std::function<bool()> paused,
              std::function<void()> on_change);
    ~ScaleDuty();

    void start();
    [[nodiscard]] asio::awaitable<void> stop();

    /// The view or the office may have changed.
    void look();
    /// What probes say of LBs is in the snapshot.
    void take(std::shared_ptr<const Snapshot> snapshot);

    /// Of this term; null: this node is not master.
    [[nodiscard]] std::shared_ptr<const ScalingNotes> notes() const { return notes_; }

 private:
    struct Part;  ///< of one fleet, in one term

    asio::awaitable<void> run();
    asio::awaitable<void> tick();
    asio::awaitable<void> step(FleetName name);
    [[nodiscard]] std::set<FleetName> fleets() const;
    void end_term();
    [[nodiscard]] std::optional<FleetFacts> facts_of(const FleetName& name, const Part& part) const;
    void add_term(const FleetName& name, const Part& part, FleetFacts& facts) const;
    void act(const FleetName& name, Part& part, const scaler::LifecyclePlan& plan);
    asio::awaitable<void> list(FleetName name,
                               std::shared_ptr<scaler::Provider> provider,
                               std::int64_t term);
    asio::awaitable<void> call(FleetName name,
                               std::shared_ptr<scaler::Provider> provider,
                               scaler::ProviderCall call,
                               std::int64_t term);
    void evaluate_if_due(const FleetName& name, Part& part, const FleetFacts& facts);
    asio::awaitable<void> evaluate(FleetName name,
                                   std::shared_ptr<const config::FleetSpec> spec,
                                   std::int64_t tick,
                                   std::int64_t term);
    asio::awaitable<void> write(FleetName name,
                                scaler::FleetVersions versions,
                                scaler::FleetWrite write,
                                std::int64_t term);
    void tell(const FleetName& name, Part& part, const scaler::LifecyclePlan& plan);
    /// Of the term that is going on; null: it is over.
    [[nodiscard]] Part* part_of(const FleetName& name, std::int64_t term);
    [[nodiscard]] bool may_act() const;

    coordination::Store& store_;
    Clock& clock_;
    Node& node_;
    const DnsDuty* dns_;
    ScaleDutySettings settings_;
    Node::NewGuid new_guid_;
    std::function<bool()> paused_;
    std::function<void()> on_change_;
    Signal wake_;
    std::shared_ptr<const Snapshot> snapshot_;
    std::int64_t term_ = 0;              ///< counts this node's terms
    std::optional<std::int64_t> epoch_;  ///< of the one that is going on
    std::map<FleetName, std::unique_ptr<Part>> parts_;
    std::map<FleetName, SeenFleet> seen_;
    std::shared_ptr<const ScalingNotes> notes_;
    TaskGroup tasks_;
};

}  // namespace muster::orchestrator
