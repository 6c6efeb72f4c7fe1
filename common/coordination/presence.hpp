#pragma once

#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/store.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace muster::coordination {

struct PresenceSettings {
    std::string path;
    std::string parent;  ///< to be made where it is missing; empty: it is there
    /// Whether an entry under that path that another session holds was left by this very process:
    /// then it is replaced. One of another process is waited out; it goes with its session.
    std::function<bool(const std::string& data)> is_ours;
    /// Hears once of each time that another one stands there, with its content.
    std::function<void(const std::string& data)> on_taken;
    std::chrono::nanoseconds least_gap{0};  ///< between two writes
};

/// Keeps an ephemeral node in the tree, in each session anew, with the content last given; makes it
/// again when someone deletes it. Executor: the store's.
class Presence {
 public:
    Presence(asio::any_io_executor executor, Store& store, Clock& clock, PresenceSettings settings);

    /// With what it says at first.
    void start(std::string data);
    [[nodiscard]] asio::awaitable<void> stop();

    void set(std::string data);
    /// It is there, in the session of now.
    [[nodiscard]] bool registered() const;

 private:
    asio::awaitable<void> run();
    asio::awaitable<bool> write();
    asio::awaitable<bool> replace(Node there);

    Store& store_;
    Clock& clock_;
    PresenceSettings settings_;
    std::string data_;
    TaskGroup tasks_;
    Signal wake_;
    Subscription session_subscription_;
    Subscription watch_subscription_;
    std::uint64_t written_generation_ = 0;  ///< the session in which it was written; 0 = none
    bool changed_ = false;
    bool told_ = false;
};

}  // namespace muster::coordination
