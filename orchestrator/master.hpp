#pragma once

#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/store.hpp"
#include "common/follow/cluster_view.hpp"
#include "common/follow/mirror.hpp"
#include "common/znodes/paths.hpp"
#include "orchestrator/assignment_plan.hpp"
#include "orchestrator/control_plan.hpp"
#include "orchestrator/election.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {

struct MasterSettings {
    std::string cluster;  ///< uuid
    NodeId node;
    AssignmentSettings assignment;
};

struct MasterCounters {
    std::uint64_t plans = 0;
    std::uint64_t transactions = 0;
    std::uint64_t fenced_off = 0;
    std::uint64_t conflicts = 0;
    SteadyTime first_write{};  ///< when the first transaction of the current office was confirmed
};

/// The master role's shell: while in office, plan, write, look again. Every transaction is fenced
/// by the epoch, and none is begun without the lease. Executor: the control executor.
class Master {
 public:
    Master(asio::any_io_executor executor,
           coordination::Store& store,
           Clock& clock,
           znodes::Paths paths,
           follow::Mirror& mirror,
           const follow::ClusterView& view,
           Election& election,
           MasterSettings settings);

    void start();
    [[nodiscard]] asio::awaitable<void> stop();
    void on_office(const std::optional<Office>& office);
    void on_view(const follow::ViewChange& change);

    [[nodiscard]] const MasterCounters& counters() const { return counters_; }
    [[nodiscard]] const std::vector<ShardId>& unplaceable() const { return unplaceable_; }

 private:
    asio::awaitable<void> run();
    asio::awaitable<void> govern();
    [[nodiscard]] std::map<FleetName, std::vector<Registration>> registered() const;
    asio::awaitable<bool> carry_out(std::vector<Transaction> transactions);
    asio::awaitable<void> alarm(SteadyTime when);
    void wake_at(SteadyTime when);

    coordination::Store& store_;
    Clock& clock_;
    znodes::Paths paths_;
    follow::Mirror& mirror_;
    const follow::ClusterView& view_;
    Election& election_;
    MasterSettings settings_;
    TaskGroup tasks_;
    Signal wake_;
    std::optional<Office> office_;
    SteadyTime listening_since_{};
    ControlMemory memory_;
    /// What the last plan knew of LBs' agents: most of what they report is none of the master's
    /// business.
    std::map<FleetName, std::vector<Registration>> registered_;
    std::chrono::nanoseconds retry_;  ///< after the next refusal
    std::optional<SteadyTime> alarm_at_;
    std::vector<ShardId> unplaceable_;
    MasterCounters counters_;
};

}  // namespace muster::orchestrator
