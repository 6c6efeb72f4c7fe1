#pragma once

#include "common/coordination/session_client.hpp"
#include "common/coordination/session_secret.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster::coordination {

class BackgroundCloser;
class ZooKeeperHandle;

/// The Store on real ZooKeeper servers, through the single-threaded C client. Destroying it without
/// close() is a crash: the session is left to expire.
///
/// `connected` means that a heartbeat was answered over the present connection; so `confirmed` is
/// always a real one. Between losing a connection and trying the next server lies a random pause
/// (at most 20 ms at first, doubled with each failure up to 1/6 of the session timeout).
///
/// Carries `limits.max_watches` watches at most (Errc::too_many from there on): see WatchCarriers.
class ZooKeeperStore final : public SessionClient {
 public:
    struct Settings {
        std::vector<std::string> servers;  ///< "host:port"; names are resolved for each session
        std::chrono::nanoseconds session_timeout = std::chrono::seconds(2);  ///< servers may clamp
        std::string digest;  ///< "user:password", empty: anonymous
        /// Creates that bring no ACL get that of this node, as it is when a session begins (who
        /// makes a tree says once who may do what in it); while there is no such node, default_acl.
        std::string acl_from;          ///< path; empty: default_acl always
        std::vector<Acl> default_acl;  ///< empty: open to everyone
        ClientLimits limits;
        /// Asked before each turn. While false nothing is sent, not even heartbeats, so that the
        /// session dies: for tying it to the process's other threads. Empty: always true.
        std::function<bool()> alive;
        /// Hears the C client's warnings, on the executor or while closing; empty: nobody does.
        void (*client_log)(const char* message) = nullptr;
        std::uint64_t seed = 0;  ///< of the jitter; 0: from the clock
    };

    /// Throws std::invalid_argument when the servers are not a list of host:port.
    ZooKeeperStore(asio::any_io_executor executor, Clock& clock, Settings settings);
    ~ZooKeeperStore() override;

    /// Connects, makes a new session after an expired one, sends a heartbeat every 1/6 of the
    /// session timeout, keeps deadlines; until cancelled or closed. Spawn it once.
    [[nodiscard]] asio::awaitable<void> run();

    /// Ends the session cleanly (its ephemerals go), in at most the session timeout; everything
    /// under way, queued or called later fails.
    [[nodiscard]] asio::awaitable<void> close();

    /// Who may do what with a node; without ADMIN the server hides the digests' second half. Not in
    /// Store: only `musterctl init` changes rights.
    [[nodiscard]] asio::awaitable<Result<std::vector<Acl>>> acl(std::string path);
    [[nodiscard]] asio::awaitable<Result<void>> set_acl(std::string path, std::vector<Acl> acl);

    /// For the process that closes our session when we have died. None while there is no session;
    /// send it anew at each new generation or server (see listen_session).
    [[nodiscard]] std::optional<SessionSecret> session_secret() const;

 private:
    class Events;

    void transmit(const RequestPtr& request) override;
    [[nodiscard]] bool can_transmit() const override;

    [[nodiscard]] asio::awaitable<Reply> ask_acl(RequestKind kind,
                                                 std::string path,
                                                 std::vector<Acl> acl);
    [[nodiscard]] asio::awaitable<void> open_session();
    [[nodiscard]] asio::awaitable<void> sleep_until(SteadyTime when);
    void tend();
    void retire_session();
    [[nodiscard]] SteadyTime next_tending() const;
    [[nodiscard]] std::chrono::nanoseconds beat() const;
    [[nodiscard]] bool is_alive() const;
    void send_heartbeat();

    void on_connected();
    void on_disconnected();
    void on_session_over();
    void on_answer(const RequestPtr& request, Reply reply);

    Settings settings_;
    std::unique_ptr<Events> events_;
    std::shared_ptr<ZooKeeperHandle> handle_;
    std::unique_ptr<BackgroundCloser> closer_;
    asio::steady_timer alarm_;   ///< until when run() sleeps
    bool link_up_ = false;       ///< the client says so
    bool through_ = false;       ///< and a heartbeat has been answered
    bool acl_known_ = false;     ///< in this session
    bool session_over_ = false;  ///< the handle is of no use any more
    SteadyTime next_beat_{};
    SteadyTime next_open_{};
};

}  // namespace muster::coordination
