#pragma once

#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/store.hpp"
#include "common/znodes/paths.hpp"
#include "common/znodes/payloads.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>

namespace muster::orchestrator {

/// Keeps this node's ephemeral `members/<node>` in the tree, in each session anew, with the content
/// last given. A node of that name left by our own earlier session is replaced; one of another
/// process is waited out (it goes with that process's session), since two processes of one name
/// must never both be members. Executor: the store's.
class Membership {
 public:
    Membership(asio::any_io_executor executor,
               coordination::Store& store,
               Clock& clock,
               znodes::Paths paths,
               znodes::Member self);

    void start();
    [[nodiscard]] asio::awaitable<void> stop();

    [[nodiscard]] const znodes::Member& self() const { return self_; }
    void set_drain(bool drain);
    void set_doubt(bool doubt);
    [[nodiscard]] bool registered() const;

 private:
    asio::awaitable<void> run();
    asio::awaitable<bool> write();

    coordination::Store& store_;
    Clock& clock_;
    znodes::Paths paths_;
    znodes::Member self_;
    TaskGroup tasks_;
    Signal wake_;
    coordination::Subscription session_subscription_;
    coordination::Subscription watch_subscription_;
    std::uint64_t written_generation_ = 0;  ///< the session in which our node was written; 0 = none
    bool changed_ = false;
    bool warned_ = false;
};

}  // namespace muster::orchestrator
