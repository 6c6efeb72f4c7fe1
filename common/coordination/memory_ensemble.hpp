#pragma once

#include "common/base/clock.hpp"
#include "common/coordination/memory_link.hpp"
#include "common/coordination/memory_tree.hpp"
#include "common/coordination/types.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace muster::coordination {

/// The servers' side of `MemoryStore`: one tree, the sessions, the watches, and the network between
/// each client and it, with faults to order. For unit tests, simulation and `musterd dev`.
///
/// Executor: the one given, for everything, and the same for every MemoryStore. Nothing is
/// delivered inline: a message is at least one post() away. Deterministic as far as the clock is.
/// Must outlive its stores.
class MemoryEnsemble {
 public:
    struct Settings {
        std::chrono::nanoseconds tick = std::chrono::milliseconds(200);  ///< granularity of expiry
        std::chrono::nanoseconds min_session_timeout = std::chrono::milliseconds(400);
        std::chrono::nanoseconds max_session_timeout = std::chrono::seconds(60);
    };

    MemoryEnsemble(asio::any_io_executor executor, Clock& clock, Settings settings);
    MemoryEnsemble(asio::any_io_executor executor, Clock& clock)
        : MemoryEnsemble(std::move(executor), clock, Settings()) {}
    ~MemoryEnsemble();
    MemoryEnsemble(const MemoryEnsemble&) = delete;
    MemoryEnsemble& operator=(const MemoryEnsemble&) = delete;

    /// Ends sessions that were silent for their timeout, tick by tick, until cancelled. Without it
    /// none expires.
    [[nodiscard]] asio::awaitable<void> run();

    // --- observing ---

    /// One committed transaction: a client's multi, or the end of a session that had ephemerals.
    /// The data is in the tree (`ops` no longer hold it).
    struct Commit {
        std::int64_t zxid;
        std::int64_t session;
        std::string_view client;
        const std::vector<Op>& ops;
        const std::vector<OpOutcome>& outcomes;
    };
    using OnCommit = std::function<void(const Commit&)>;
    /// Called after each commit, before its watches fire and its reply leaves. For the ensemble's
    /// whole life.
    void on_commit(OnCommit on_commit) { observers_.push_back(std::move(on_commit)); }

    [[nodiscard]] const MemoryTree& tree() const { return tree_; }

    struct SessionInfo {
        std::int64_t id = 0;
        std::string client;
        std::chrono::nanoseconds timeout{0};
        SteadyTime expires{};  ///< if not heard of again
    };
    [[nodiscard]] std::vector<SessionInfo> sessions() const;

    /// A write without session, for setting a scene. Observed and watched like any other.
    MemoryTree::Outcome write(std::vector<Op> ops);

    // --- faults, by the client's name; unknown names are fine (a node may be cut before it starts)

    /// How long a message takes, asked for each; order per direction is kept. None: no time.
    using Latency = std::function<std::chrono::nanoseconds()>;
    void set_latency(const std::string& client, Latency latency);

    /// Nothing passes in either direction. The client notices (loses the connection) after
    /// `noticed_after`; zero is at once. Messages under way wait in the network: what the client
    /// had sent may still be applied after heal(), as long as its session has not moved on.
    void cut(const std::string& client, std::chrono::nanoseconds noticed_after);
    void heal(const std::string& client);

    /// The next transaction is applied, but its connection breaks before the reply.
    void lose_next_reply(const std::string& client);

    /// The connection breaks now; the session lives.
    void disconnect(const std::string& client);

    /// The client's process is frozen: it sends nothing and hears nothing. What it had sent before
    /// arrives. Its own coroutines go on; to freeze its timers is the caller's part.
    void pause(const std::string& client);
    void resume(const std::string& client);

    /// Its session ends now, as if by time; the client learns of it when it reconnects.
    void expire(const std::string& client);

    /// All servers down (connections break, no session ages) or back (each session has its whole
    /// timeout again).
    void stop_serving();
    void serve();

 private:
    friend class MemoryStore;

    struct Session {
        SessionInfo info;
        MemoryLinkPtr link;  ///< null while not connected
    };
    /// The network between one client's host and us.
    struct Wire {
        bool cut = false;
        bool paused = false;
        bool lose_next_reply = false;
        std::uint64_t cuts = 0;
        Latency latency;
        std::vector<std::weak_ptr<MemoryLink>> links;
    };
    using Watchers = std::unordered_map<std::string, std::vector<MemoryLink*>>;

    template <class Message>
    using Direction = MemoryChannel<Message> MemoryLink::*;

    // The client's side of a link.
    MemoryLinkPtr open_link(const std::string& client,
                            MemoryLinkOwner& owner,
                            ConnectMessage message);
    void send_to_server(const MemoryLinkPtr& link, RequestMessage request);
    static void close_by_client(const MemoryLinkPtr& link);
    [[nodiscard]] bool is_paused(const std::string& client) const;

    // The network (memory_network.cpp).
    Wire& wire(const std::string& client) { return wires_[client]; }
    void send_to_client(const MemoryLinkPtr& link, ToClient message);
    void close_by_server(const MemoryLinkPtr& link);
    template <class Message>
    void push(const MemoryLinkPtr& link, Direction<Message> direction, Message message);
    template <class Message>
    void schedule(const MemoryLinkPtr& link, Direction<Message> direction);
    template <class Message>
    void pump(const MemoryLinkPtr& link, Direction<Message> direction);
    [[nodiscard]] bool passes(const MemoryLink& link, Direction<ToServer> there);
    [[nodiscard]] bool passes(const MemoryLink& link, Direction<ToClient> back);
    void deliver(const MemoryLinkPtr& link, ToServer message);
    void deliver(const MemoryLinkPtr& link, ToClient message);
    template <class Action>
    void for_each_link(const std::string& client, Action action);
    void let_pass(const std::string& client);

    // The servers.
    void serve_connect(const MemoryLinkPtr& link, const ConnectMessage& message);
    void serve_request(const MemoryLinkPtr& link, const RequestMessage& request);
    void serve_read(MemoryLink& link, Request& request);
    void serve_multi(const SessionInfo& session, Request& request);
    void rearm_watches(const MemoryLinkPtr& link, const ConnectMessage& message);
    void touch(Session& session);
    void expire_silent_sessions();
    void end_session(std::int64_t id);
    [[nodiscard]] Session* session_of(const std::string& client);
    void committed(std::int64_t session,
                   std::string_view client,
                   const std::vector<Op>& ops,
                   const std::vector<OpOutcome>& outcomes);
    void fire(Watchers& watchers,
              const std::string& path,
              WatchEvent event,
              std::vector<MemoryLink*>* told);
    void forget_watches(const MemoryLink* link);

    asio::any_io_executor executor_;
    Clock& clock_;
    Settings settings_;
    MemoryTree tree_;
    std::map<std::int64_t, Session> sessions_;
    std::int64_t last_session_id_ = 0x1000;
    std::map<std::string, Wire> wires_;
    Watchers data_watchers_;
    Watchers children_watchers_;
    std::vector<OnCommit> observers_;
    bool serving_ = true;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace muster::coordination
