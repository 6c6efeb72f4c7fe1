#pragma once

#include "common/coordination/memory_ensemble.hpp"
#include "common/coordination/memory_link.hpp"
#include "common/coordination/session_client.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace muster::coordination {

/// A client of a MemoryEnsemble: one session at a time. Destroying it is a crash: its session lives
/// on at the ensemble until that expires it. Its own timers use the clock given, which may be
/// skewed against the ensemble's.
class MemoryStore final : public SessionClient, private MemoryLinkOwner {
 public:
    struct Settings {
        std::string client = "client";  ///< by which the ensemble's faults find it
        std::chrono::nanoseconds session_timeout = std::chrono::seconds(2);
        bool renew_session = true;  ///< a new one after expiry; else it stays lost
        ClientLimits limits;
    };

    MemoryStore(asio::any_io_executor executor,
                Clock& clock,
                MemoryEnsemble& ensemble,
                Settings settings);
    ~MemoryStore() override;

    /// Connects, sends a heartbeat every 1/6 of the session timeout, keeps deadlines; until
    /// cancelled or closed. Spawn it once.
    [[nodiscard]] asio::awaitable<void> run();

    /// Ends the session cleanly (its ephemerals go), waiting 1/3 of its timeout at most. Everything
    /// still queued and all later calls fail with Errc::closed.
    [[nodiscard]] asio::awaitable<void> close();

 private:
    void transmit(const RequestPtr& request) override;
    [[nodiscard]] bool can_transmit() const override;

    void on_message(ToClient message) override;
    void on_connection_lost() override;
    void on_resumed() override;
    void on_connected(const ConnectedMessage& message);
    void on_reply(const ReplyMessage& message);

    void connect();
    void drop_link();
    void tend();
    [[nodiscard]] SteadyTime next_tending() const;
    [[nodiscard]] std::chrono::nanoseconds beat() const;

    MemoryEnsemble& ensemble_;
    Settings settings_;
    MemoryLinkPtr link_;
    bool established_ = false;   ///< the link is through to a session
    bool session_over_ = false;  ///< the server said so
    SteadyTime connect_sent_{};
    SteadyTime next_beat_{};
    std::int64_t last_zxid_ = 0;
};

}  // namespace muster::coordination
