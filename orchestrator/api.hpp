#pragma once

#include "common/base/clock.hpp"
#include "common/config/decode.hpp"
#include "common/http/message.hpp"
#include "common/http/server.hpp"
#include "orchestrator/api_access.hpp"
#include "orchestrator/api_past.hpp"
#include "orchestrator/api_peer.hpp"
#include "orchestrator/api_reads.hpp"
#include "orchestrator/api_stream.hpp"
#include "orchestrator/commands.hpp"
#include "orchestrator/dns_commands.hpp"
#include "orchestrator/snapshot_slot.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <string>

namespace muster::orchestrator {

struct ApiSettings {
    AccessSettings access;
    BuildInfo build;
    StreamSettings stream;
    config::Limits limits;
    /// The audit is read from ZooKeeper itself.
    std::chrono::nanoseconds audit_limit = std::chrono::seconds(5);
    /// How long one read waits for this node's own recent results before it answers without.
    std::chrono::nanoseconds why_limit = std::chrono::milliseconds(80);
    /// And for those of another node that probes the backend, or what the master makes of a fleet.
    std::chrono::nanoseconds peer_limit = std::chrono::milliseconds(250);
    /// And for what other nodes have recorded: they read files.
    std::chrono::nanoseconds past_limit = std::chrono::seconds(3);
    ReadPast past{};                       ///< null: this node records nothing
    DnsCommands* dns = nullptr;            ///< null: this node has no DNS
    std::function<std::string()> metrics;  ///< Prometheus text; called on the API's executor
};

/// The node's REST API and dashboard (docs/api.md). Reads are answered from the newest snapshot
/// alone, so they work, at once, while ZooKeeper is down; writes become Commands. Executor: its
/// own, single-threaded, apart from the control executor. Must outlive the server that calls it;
/// what it refers to must outlive it.
class Api {
 public:
    Api(SnapshotSlot& slot, Commands& commands, Clock& clock, ApiSettings settings);

    /// Never throws for a client's fault. Fits http::Handler.
    [[nodiscard]] asio::awaitable<http::Reply> handle(http::Request request);

 private:
    struct Call;

    [[nodiscard]] asio::awaitable<http::Reply> answer(const http::Request& request);
    [[nodiscard]] asio::awaitable<http::Reply> dispatch(const Call& call);
    [[nodiscard]] http::Reply read(const Call& call) const;
    [[nodiscard]] asio::awaitable<http::Response> explain(const Call& call);
    [[nodiscard]] asio::awaitable<http::Response> show_scaling(const Call& call);
    [[nodiscard]] asio::awaitable<http::Response> show_audit(const Call& call);
    [[nodiscard]] asio::awaitable<Result<Evidence>> own_evidence(GroupName group,
                                                                 BackendId backend);
    [[nodiscard]] http::Response open_session(const http::Request& request) const;

    SnapshotSlot& slot_;
    Commands& commands_;
    Clock& clock_;
    ApiSettings settings_;
    SteadyTime started_;
};

}  // namespace muster::orchestrator
