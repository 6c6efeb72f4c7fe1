#pragma once

#include "agent/agent_metrics.hpp"
#include "agent/certificates.hpp"
#include "agent/connection_reporter.hpp"
#include "agent/follower.hpp"
#include "agent/lb_counters.hpp"
#include "agent/lb_driver.hpp"
#include "agent/lb_plan.hpp"
#include "agent/outlier_reporter.hpp"
#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/presence.hpp"
#include "common/coordination/store.hpp"
#include "common/http/message.hpp"
#include "common/observe/metrics.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace muster::agent {

struct AgentIdentity {
    FleetName fleet;
    InstanceId instance;
    std::string incarnation;  ///< new with each process
    std::string address;      ///< at which the LB is reached; may be empty
    std::string build;
    std::string lb;                                  ///< its kind
    std::map<std::string, std::string> exporters{};  ///< znodes::AgentReport
};

struct AgentOptions {
    std::string bind_address;  ///< of listeners that have no address; empty: all
    std::string last_good_file;
    CertificateSettings certificates;
    std::string certificate_directory;  ///< of the agent's own copies
    /// How long what was known last waits for ZooKeeper at the start.
    std::chrono::nanoseconds patience = std::chrono::seconds(2);
    /// How long several changes at once may keep each other waiting.
    std::chrono::nanoseconds settling = std::chrono::milliseconds(250);
    /// How often what is in no hurry is done: a look at the LB's process, the file, the report.
    std::chrono::nanoseconds tick = std::chrono::seconds(1);
    std::chrono::nanoseconds count_every = std::chrono::seconds(1);  ///< at the LB's counters
    std::chrono::nanoseconds look_every = std::chrono::seconds(5);   ///< at what the LB does
    /// After a change, before it is read back: what changes meanwhile goes first.
    std::chrono::nanoseconds confirm_after = std::chrono::milliseconds(100);
};

/// Follows the tree, keeps the LB in step with it, and says how far it is. What it knows never
/// expires; an LB that can't be reached is tried again until it can. Executor: the store's.
class Agent {
 public:
    Agent(asio::any_io_executor executor,
          coordination::Store& store,
          Clock& clock,
          znodes::Paths paths,
          LbDriver& driver,
          metrics::Registry& registry,
          AgentIdentity identity,
          AgentOptions options,
          LbCounterSource* counters = nullptr);  ///< null: this kind of LB has none

    void start();
    /// Leaves the LB as it is.
    [[nodiscard]] asio::awaitable<void> stop();

    /// `/healthz`, `/metrics`, `/state`.
    [[nodiscard]] http::Response answer(const http::Request& request) const;

 private:
    /// What the file is made of.
    struct Basis {
        std::map<ShardId, znodes::Stamp> statuses;
        std::map<GroupName, std::int64_t> generations;
        std::map<GroupName, std::int64_t> newest;
        std::map<GroupName, znodes::Stamp> rollouts;
        std::set<GroupName> panicking;
        std::int64_t fleet_generation = 0;
        bool operator==(const Basis&) const = default;
    };
    asio::awaitable<void> keep_in_step();
    asio::awaitable<void> tick();
    asio::awaitable<void> tell_outliers();
    asio::awaitable<void> tell_connections();
    [[nodiscard]] bool may_plan(SteadyTime now);
    asio::awaitable<void> confirm_soon();
    asio::awaitable<bool> change(const LbPlan& plan);
    asio::awaitable<void> apply(LbPlan plan);
    asio::awaitable<void> confirm();
    asio::awaitable<void> check();
    [[nodiscard]] bool succeeded(const Result<Applied>& done, std::int64_t fleet_generation);
    void count(const Applied& done, std::int64_t fleet_generation);
    void on_repaired(const Applied& done);
    void on_applied(LbPlan plan);
    void observe_latency(const LbPlan& plan);
    void note(const LbPlan& plan);
    void keep();
    void report();
    void show(const LbPlan& plan);
    void begin_presence();
    void restore();
    [[nodiscard]] http::Response state() const;
    [[nodiscard]] http::Response health() const;

    asio::any_io_executor executor_;
    coordination::Store& store_;
    Clock& clock_;
    znodes::Paths paths_;
    LbDriver& driver_;
    metrics::Registry& registry_;
    AgentMetrics metrics_{registry_};
    AgentIdentity identity_;
    AgentOptions options_;
    Certificates certificates_;
    Follower follower_;
    std::unique_ptr<OutlierReporter> outliers_;         ///< null: the LB counts nothing
    std::unique_ptr<ConnectionReporter> connections_;   ///< likewise
    std::unique_ptr<coordination::Presence> presence_;  ///< once the cluster is known
    znodes::AgentReport report_;
    znodes::AgentReport reported_;
    std::optional<LbPlan> applied_;
    std::set<GroupName> panicking_;
    AppliedGenerations generations_;
    bool in_step_ = false;
    bool other_certificates_ = false;  ///< than the LB has, by the same names
    bool restored_ = false;            ///< from the file, and not heard from ZooKeeper since
    std::string error_;
    std::optional<Basis> basis_;  ///< of the last plan
    bool unkept_ = false;         ///< the file doesn't hold that
    SteadyTime started_{};
    SteadyTime looked_{};           ///< at the LB
    SteadyTime unsettled_since_{};  ///< the epoch: settled
    SteadyTime silent_since_{};     ///< the epoch: ZooKeeper answers
    bool ticked_ = false;
    bool quiet_ = false;  ///< some time has passed since the last change
    Signal wake_;
    Signal changed_;
    TaskGroup tasks_;
};

}  // namespace muster::agent
