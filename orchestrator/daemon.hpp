#pragma once

#include "checker/prober_pool.hpp"
#include "checker/prober_set.hpp"
#include "common/base/clock.hpp"
#include "common/base/task_group.hpp"
#include "common/config/node_settings.hpp"
#include "common/coordination/store.hpp"
#include "common/observe/metrics.hpp"
#include "orchestrator/actuator.hpp"
#include "orchestrator/api_thread.hpp"
#include "orchestrator/dns_duty.hpp"
#include "orchestrator/lb_hops.hpp"
#include "orchestrator/node.hpp"
#include "orchestrator/node_commands.hpp"
#include "orchestrator/node_dns_commands.hpp"
#include "orchestrator/node_metrics.hpp"
#include "orchestrator/past_ticks.hpp"
#include "orchestrator/peer_channel.hpp"
#include "orchestrator/provider_set.hpp"
#include "orchestrator/scale_duty.hpp"
#include "orchestrator/shift_duty.hpp"
#include "orchestrator/snapshot_builder.hpp"
#include "orchestrator/snapshot_slot.hpp"
#include "scaler/program_call.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace muster::orchestrator {

struct DaemonSettings {
    config::NodeSettings node;
    checker::ProberSetSettings probers;
    std::string token;                         ///< content of token_file; empty = none
    std::string dns_password;                  ///< content of dns.etcd.password_file; empty = none
    std::vector<std::string> dns_key_secrets;  ///< of the secret_file of each of dns.rfc2136
    std::string cluster_secret;                ///< content of cluster_secret_file; empty = none
    std::string version;
    std::string build;
    Node::NewGuid new_guid;                         ///< 32 random hex digits
    std::vector<std::string> machine_supervisor{};  ///< argv of `musterd run-machine`
    ProgramIdentities program_identities{};
    scaler::ProgramEffects effects{};  ///< of programs that act on the outside
};

/// A whole musterd but for its store, which main.cpp brings (ZooKeeper, or memory for `musterd
/// dev`): probers, node, API, metrics. Executor: the control executor, on which start() and the
/// awaitables run.
class Daemon {
 public:
    Daemon(asio::any_io_executor control,
           Clock& clock,
           coordination::Store& store,
           DaemonSettings settings);
    ~Daemon();

    /// Binds the API and begins. The error is for people: start-up fails on it.
    [[nodiscard]] Result<void> start();
    /// Hands over and ends; `limit` bounds the handing over. Once.
    [[nodiscard]] asio::awaitable<void> leave(std::chrono::nanoseconds limit);
    /// Ends at once.
    [[nodiscard]] asio::awaitable<void> stop();

    [[nodiscard]] std::string api_address() const;
    [[nodiscard]] const Node& node() const { return *node_; }

    /// All prober threads came round lately: what the session's heartbeat is tied to. Any thread.
    [[nodiscard]] bool probers_tick() const;

 private:
    void begin_scaling();
    asio::awaitable<void> publish_snapshots();
    asio::awaitable<void> feed_metrics();
    void publish();
    [[nodiscard]] std::string pause_file() const;
    [[nodiscard]] std::string keep_pause(const SelfPause& pause) const;
    [[nodiscard]] SelfPause kept_pause() const;

    asio::any_io_executor control_;
    Clock& clock_;
    coordination::Store& store_;
    DaemonSettings settings_;
    std::string incarnation_;
    WallTime started_{};
    metrics::Registry registry_;
    NodeMetrics metrics_{registry_};
    LbHops hops_{registry_};
    std::unique_ptr<checker::ThreadedPool> pool_;
    std::unique_ptr<PeerChannel> peers_;  ///< null without a cluster secret
    std::unique_ptr<Node> node_;
    std::unique_ptr<NodeCommands> commands_;
    std::unique_ptr<DnsDuty> dns_;            ///< null: this node's settings have none
    std::unique_ptr<TickRecorder> recorder_;  ///< null: nothing is recorded
    std::unique_ptr<PastReader> past_;        ///< null: the same
    std::unique_ptr<ScaleDuty> scaling_;
    std::unique_ptr<Actuator> actuator_;
    std::unique_ptr<ShiftDuty> shifts_;              ///< null: as dns_
    std::unique_ptr<NodeDnsCommands> dns_commands_;  ///< null: as dns_
    SnapshotSlot slot_;
    SnapshotBuilder builder_;
    std::unique_ptr<class Api> api_;
    std::unique_ptr<ApiThread> api_thread_;
    coordination::Subscription session_subscription_;
    coordination::SessionState last_state_ = coordination::SessionState::connecting;
    Signal changed_;
    TaskGroup tasks_;
};

}  // namespace muster::orchestrator
